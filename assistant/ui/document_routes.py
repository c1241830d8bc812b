"""What the page asks about documents: the list, adding, moving, removing, reading."""

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from assistant.services import Services
from assistant.ui.person import asking
from assistant.ui.suggestions import suggestions
from ingest.index import listing
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.shapes import document_shape
from ingest.index.tables import Record, State

SHOWN_RUNNING = 20

NEVER_LIVE: Mapping[str, str] = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of an original: whatever it is, no browser runs it."""


class View(BaseModel):
    """Which documents the list shows, as its address has it."""

    text: str = ""
    collection: str | None = None
    state: State | None = None
    order: listing.Order = "name"
    descending: bool = False
    offset: int = Field(default=0, ge=0)
    limit: int = Field(default=100, ge=1, le=listing.MOST_ROWS)

    def chosen(self) -> listing.Wanted:
        """Return which documents are meant."""
        return listing.Wanted(self.text, self.collection, self.state)

    def part(self) -> listing.Part:
        """Return which part of them, in which order."""
        return listing.Part(self.order, self.descending, self.offset, self.limit)


class Target(BaseModel):
    """The collection that a document moves to."""

    collection: str


def document_routes(services: Services) -> APIRouter:
    """Return the routes of the document list, and of what else concerns everybody."""
    routes = APIRouter(prefix="/ui", dependencies=[Depends(asking)])
    index = services.index
    catalogue = index.catalogue

    def found(document_id: str) -> Record:
        record = catalogue.get(document_id)
        if record is None:
            raise InputError("This document is not there any more.", "Reload the page.")
        return record

    @routes.get("/status")
    def status() -> dict[str, Any]:
        seen = listing.overview(index.database)
        part = listing.Part(order="state", descending=True, limit=SHOWN_RUNNING)
        running, busy = listing.rows(index.database, listing.Wanted(state=State.RUNNING), part)
        return {
            "revision": seen.revision,
            "collections": [
                {name: getattr(one, name) for name in one.__dataclass_fields__}
                for one in seen.collections
            ],
            "running": [row(record) for record in running] if busy else [],
            "examples": services.add_examples is not None,
        }

    @routes.get("/documents")
    def documents(wanted: Annotated[View, Query()]) -> dict[str, Any]:
        records, total = listing.rows(index.database, wanted.chosen(), wanted.part())
        return {"total": total, "documents": [row(record) for record in records]}

    @routes.get("/suggestions")
    def first_questions(
        collection: str | None = None, documents: Annotated[tuple[str, ...], Query()] = ()
    ) -> dict[str, Any]:
        return {"questions": suggestions(index, collection, documents)}

    @routes.put("/documents")
    async def add(request: Request, name: str, collection: str) -> Response:
        most = services.settings.upload_mb << 20
        with tempfile.TemporaryFile() as spooled:
            size = 0
            async for block in request.stream():
                size += len(block)
                if size > most:
                    words = (
                        f"{name} is larger than {services.settings.upload_mb} MB. "
                        "Add it with `ingest add`, or raise FOOTNOTE_UPLOAD_MB."
                    )
                    return JSONResponse({"error": words}, status_code=413)
                await asyncio.to_thread(spooled.write, block)
            spooled.seek(0)
            record, outcome = await asyncio.to_thread(index.add_file, spooled, name, collection)
        return JSONResponse({"document": row(record), "outcome": outcome.value})

    @routes.post("/examples")
    def add_examples() -> None:
        if services.add_examples is None:
            raise InputError("There are no examples here.", "Start `assistant serve --examples`.")
        services.add_examples()

    @routes.post("/documents/{document_id}/retry")
    def retry(document_id: str) -> None:
        catalogue.retry(found(document_id).id)

    @routes.delete("/documents/{document_id}")
    def remove(document_id: str) -> None:
        catalogue.remove(document_id)

    @routes.post("/documents/{document_id}/move")
    def move(document_id: str, target: Target) -> dict[str, Any]:
        record = found(document_id)
        moved, _ = index.move(record.id, target.collection.strip())
        return row(moved)

    @routes.get("/documents/{document_id}/original")
    def original(document_id: str) -> Response:
        record = found(document_id)
        name = quote(record.name.rsplit("/", 1)[-1], safe="")
        return StreamingResponse(
            _blocks(index, record.version or record.sha256),
            media_type="application/octet-stream",
            headers={
                **NEVER_LIVE,
                "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
            },
        )

    @routes.get("/documents/{document_id}/text")
    def text(document_id: str) -> dict[str, Any]:
        record = found(document_id)
        document = index.document(document_id)
        if document is None:
            raise InputError(f"{record.name} cannot be read yet.", "Wait until it is ready.")
        return {
            "document": row(record),
            "kind": document.kind,
            "text": document.text,
            "headings": [
                {"level": one.level, "title": one.title, "start": one.start, "end": one.end}
                for one in document.headings
            ],
            "pages": [
                {"number": one.number, "start": one.start, "end": one.end} for one in document.pages
            ],
        }

    return routes


def row(record: Record) -> dict[str, Any]:
    """Return a document as a row of the list."""
    return {
        **document_shape(record),
        "updated": record.updated,
        "known": record.version is not None,
    }


def _blocks(index: Index, sha256: str) -> Iterator[bytes]:
    with index.files.original(sha256) as path, path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block
