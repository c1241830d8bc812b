"""The page's own routes: `/ui/...`. For the page alone; programs have the endpoints."""

from importlib.resources import files
from typing import Any

from fastapi import FastAPI, Response
from fastapi.staticfiles import StaticFiles

from assistant.services import Services
from assistant.ui.chats import Chats
from assistant.ui.conversation_routes import conversation_routes
from assistant.ui.document_routes import document_routes
from assistant.ui.map_routes import map_routes
from assistant.ui.model_routes import model_routes
from assistant.ui.page_routes import page_routes
from assistant.ui.pdf_pages import PdfPages


def add_routes(app: FastAPI, services: Services, chats: Chats) -> None:
    """Add every route of the page to the application."""
    app.include_router(conversation_routes(services, chats))
    pages = PdfPages()
    services.closing.append(pages.close)
    app.include_router(page_routes(services, pages))
    app.include_router(document_routes(services))
    app.include_router(map_routes(services, chats))
    app.include_router(model_routes(services))
    static = str(files("assistant.ui").joinpath("static"))
    app.mount("/ui/static", _Static(directory=static), name="static")


class _Static(StaticFiles):
    """Files that a browser keeps, and asks about each time whether they are still the same."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response
