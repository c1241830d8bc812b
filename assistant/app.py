"""The web application: the page, the endpoints, and the guard in front of them."""

import logging
import socket
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from gradio.routes import App as GradioApp
from starlette.middleware.trustedhost import TrustedHostMiddleware

from assistant.guard import Guard
from assistant.leaving import end_with_their_clients
from assistant.services import Services
from assistant.sparing import spare_repetition, spare_sessions
from assistant.ui.chats import Chats
from assistant.ui.page import APPEARANCE, build_page
from assistant.ui.routes import add_routes
from ingest.index.errors import FootnoteError

KEEP_ALIVE = 75
"""Seconds for which a connection stays open after an answer. HTTP clients in Python let go of
one after 5 to 15; with the server's own 5, a call now and then met a connection just closed."""

TakeIn = Callable[[str | Path | None], Awaitable[str | None]]

_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""What people ask and what their files are called is written into nobody's traces."""

_TAKE_IN = "async_move_resource_to_block_cache"
"""The method by which each of Gradio's blocks takes in what a caller names as a file."""


def create_app(services: Services) -> FastAPI:
    """Return the application: `/` the page, `/gradio_api` the endpoints, `/healthz`."""

    app = FastAPI(
        title="Footnote",
        version=version("footnote-assistant"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        telemetry=_NO_TELEMETRY,
    )

    @app.get("/healthz")
    def healthz() -> dict[str, object]:
        return {"status": "ok", "ready": services.index.opened}

    @app.exception_handler(FootnoteError)
    async def explain(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status_code=400)

    app.add_middleware(Guard)
    settings = services.settings
    hosts = {name.strip() for name in settings.allowed_hosts.split(",") if name.strip()}
    if settings.host not in ("0.0.0.0", "::"):
        hosts.add(settings.host)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=sorted(hosts), www_redirect=False)
    chats = Chats(services)
    add_routes(app, services, chats)
    page = build_page(services, chats)
    end_with_their_clients(page)
    spare_repetition(page)
    # Gradio refuses a path that was not uploaded only in pages that it launched itself; as
    # a mounted page, this one would read any file of the server into the index.
    page.has_launched = True
    for block in page.blocks.values():
        setattr(block, _TAKE_IN, _uploads_alone(getattr(block, _TAKE_IN)))
    mounted: FastAPI = gr.mount_gradio_app(
        app,
        page,
        path="/",
        show_error=False,
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        max_file_size=settings.upload_mb << 20,
        app_kwargs={
            "docs_url": None,
            "redoc_url": None,
            "openapi_url": None,
            "telemetry": _NO_TELEMETRY,
        },
        **APPEARANCE,
    )
    for mount in _gradio_apps(mounted):
        spare_sessions(mount)
    return mounted


class PageServer(uvicorn.Server):
    """Serves the application; its end is quick and quiet while tabs are open.

    Attributes:
        pages: Gradio's part of the application.
    """

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_level="warning",
                timeout_keep_alive=KEEP_ALIVE,
                timeout_graceful_shutdown=3,
            )
        )
        self.pages = _gradio_apps(app)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of the connection that every open tab holds, then wait for the others."""
        for page in self.pages:
            page.stop_event.set()
        # An answer that is still being written is cut: no error, and no traceback.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def _gradio_apps(app: FastAPI) -> list[GradioApp]:
    mounted = [getattr(route, "app", None) for route in app.routes]
    return [page for page in mounted if isinstance(page, GradioApp)]


def _uploads_alone(take_in: TakeIn) -> TakeIn:
    """Return a block's way of taking a file in, without Gradio's fetching of addresses."""

    async def take_in_upload(path: str | Path | None) -> str | None:
        if path is not None and "://" in str(path):
            raise gr.Error("Files are taken as uploads, not by address.", print_exception=False)
        return await take_in(path)

    return take_in_upload
