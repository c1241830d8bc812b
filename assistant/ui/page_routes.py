"""Pages of PDFs for the source panel: a picture, and the boxes of a quote on it."""

from typing import Any

from fastapi import APIRouter, Depends, Response

from assistant.services import Services
from assistant.ui.pdf_pages import PdfPages
from assistant.ui.person import asking
from ingest.index.documents import Document
from ingest.index.errors import InputError
from ingest.index.tables import Record

_CACHED = "private, max-age=3600"


def page_routes(services: Services, pages: PdfPages) -> APIRouter:
    """Return the routes under `/ui/documents/<id>/pages`."""
    routes = APIRouter(prefix="/ui/documents", dependencies=[Depends(asking)])
    index = services.index

    def found(document_id: str) -> tuple[Record, Document]:
        record = index.catalogue.get(document_id)
        document = index.document(document_id)
        if record is None or record.version is None or document is None:
            raise InputError("This document is not there any more.", "Reload the page.")
        if document.kind != "pdf":
            raise InputError(f"{record.name} has no pages to show.", "Read it in full instead.")
        return record, document

    # These run in threads of the server's pool: nothing here holds up the event loop.
    @routes.get("/{document_id}/pages/{number}")
    def picture(document_id: str, number: int) -> Response:
        record, _ = found(document_id)
        version = record.version or record.sha256
        with index.files.original(version) as original:
            data = pages.picture(original, number, version)
        return Response(data, media_type="image/jpeg", headers={"Cache-Control": _CACHED})

    @routes.get("/{document_id}/pages/{number}/boxes")
    def boxes(document_id: str, number: int, start: int, end: int) -> dict[str, Any]:
        record, document = found(document_id)
        with index.files.original(record.version or record.sha256) as original:
            return pages.boxes(original, document, number, start, end)

    return routes
