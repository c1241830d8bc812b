"""The web application: the page, the endpoints, and the guards in front of them."""

import logging
import re
import socket
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from gradio.routes import App as GradioApp
from starlette.middleware.trustedhost import TrustedHostMiddleware

from assistant.leaving import end_with_their_clients
from assistant.services import Services
from assistant.ui.chats import Chats
from assistant.ui.page import APPEARANCE, EARLY_BOX, HEAD, build_page
from assistant.ui.person import introduce
from assistant.ui.routes import add_routes
from ingest.index.errors import FootnoteError

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio's components evaluate their templates, and its page has inline scripts.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing that a document or a model writes can reach another machine."""

TakeIn = Callable[[str | Path | None], Awaitable[str | None]]

_TAKE_IN = "async_move_resource_to_block_cache"
"""The method by which each of Gradio's blocks takes in what a caller names as a file."""

_CLIENT_GONE = 499
"""What nginx logs of a request whose client went away; nobody reads the answer."""

_BODY_TAG = re.compile(rb"<body\b[^>]*>")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def create_app(services: Services) -> FastAPI:
    """Return the application: `/` the page, `/gradio_api` the endpoints, `/healthz`."""

    app = FastAPI(
        title="Footnote",
        version=version("footnote-assistant"),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )

    @app.get("/healthz")
    def healthz() -> dict[str, object]:
        return {"status": "ok", "ready": services.index.opened}

    @app.exception_handler(FootnoteError)
    async def explain(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": str(error)}, status_code=400)

    app.middleware("http")(_guard)
    settings = services.settings
    hosts = {name.strip() for name in settings.allowed_hosts.split(",") if name.strip()}
    if settings.host not in ("0.0.0.0", "::"):
        hosts.add(settings.host)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=sorted(hosts), www_redirect=False)
    chats = Chats(services)
    add_routes(app, services, chats)
    page = build_page(services, chats)
    end_with_their_clients(page)
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
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        **APPEARANCE,
    )
    return mounted


class PageServer(uvicorn.Server):
    """Serves the application; its end is quick and quiet while tabs are open."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=3))
        mounted = [getattr(route, "app", None) for route in app.routes]
        self._pages = [page for page in mounted if isinstance(page, GradioApp)]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let go of the connection that every open tab holds, then wait for the others."""
        for page in self._pages:
            page.stop_event.set()
        # An answer that is still being written is cut: no error, and no traceback.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)


def _uploads_alone(take_in: TakeIn) -> TakeIn:
    """Return a block's way of taking a file in, without Gradio's fetching of addresses."""

    async def take_in_upload(path: str | Path | None) -> str | None:
        if path is not None and "://" in str(path):
            raise gr.Error("Files are taken as uploads, not by address.", print_exception=False)
        return await take_in(path)

    return take_in_upload


async def _guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Refuse calls that another site's page makes, and fetches on a caller's behalf."""
    origin = request.headers.get("origin")
    if (
        request.method not in _SAFE_METHODS
        and origin is not None
        and urlsplit(origin).netloc != request.headers.get("host")
    ):
        return PlainTextResponse("This page takes no calls from other sites.", status_code=403)
    path = request.url.path
    if "/file=http" in path or "/proxy=" in path:
        return PlainTextResponse("This page fetches nothing from other machines.", status_code=403)
    try:
        response = await call_next(request)
    except RuntimeError:
        # So Starlette says that the browser went away before it was answered.
        if not await request.is_disconnected():
            raise
        return Response(status_code=_CLIENT_GONE)
    # Gradio lets other pages of this machine read what it answers; their ports are anybody's.
    for name in ("access-control-allow-origin", "access-control-allow-credentials"):
        if name in response.headers:
            del response.headers[name]
    if path == "/" and response.headers.get("content-type", "").startswith("text/html"):
        response = await _with_ours(response)
    introduce(request, response)
    # What a person stored is served under a policy stricter than the page's.
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


async def _with_ours(response: Response) -> Response:
    """Return the page with our tags in its head, and a box to type in above all else."""
    # What `call_next` returns streams, though Starlette's type for it does not say so.
    body = b"".join([block async for block in response.body_iterator])  # type: ignore[attr-defined]
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    body = body.replace(b"<head>", b"<head>" + HEAD.encode(), 1)
    body = _BODY_TAG.sub(lambda tag: tag[0] + EARLY_BOX.encode(), body, count=1)
    return Response(body, response.status_code, headers)
