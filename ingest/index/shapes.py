"""The JSON shapes of documents and passages, the same from commands and endpoints."""

from typing import TypedDict

from ingest.index.dates import written
from ingest.index.documents import Passage
from ingest.index.tables import Record

HEADING_SEPARATOR = " › "


class DocumentShape(TypedDict):
    """One document.

    `stage` and `fraction` tell how far a running one is; `embedded`, how many of its chunks
    had no vector yet; `modified` is when its file was last changed, in UTC; `kind` is what a
    ready one was read as, and `language` the ISO 639-1 code of its text's; `parent` is the id of
    the document that it came in; `notice` tells what of a ready one was not read, and what would
    read it.
    """

    id: str
    name: str
    collection: str
    state: str
    stage: str
    fraction: float
    chunks: int
    embedded: int
    pages: int | None
    size: int
    modified: str
    kind: str
    language: str
    error: str | None
    notice: str | None
    attempts: int
    sha256: str
    parent: str | None


class PassageShape(TypedDict):
    """One passage; `start` and `end` count characters of the document's canonical text."""

    number: int
    document: str
    document_id: str
    chunk_id: str
    text: str
    start: int
    end: int
    page: int | None
    heading: str | None
    score: float


def document_shape(record: Record) -> DocumentShape:
    """Return a document as it is shown outside."""
    return {
        "id": record.id,
        "name": record.name,
        "collection": record.collection,
        "state": record.state.value,
        "stage": record.stage,
        "fraction": record.fraction,
        "chunks": record.chunks,
        "embedded": record.embedded,
        "pages": record.pages,
        "size": record.size,
        "modified": written(record.modified),
        "kind": record.kind,
        "language": record.language,
        "error": record.error,
        "notice": record.notice or None,
        "attempts": record.attempts,
        "sha256": record.sha256,
        "parent": record.parent,
    }


def passage_shape(passage: Passage) -> PassageShape:
    """Return a passage as it is shown outside."""
    return {
        "number": passage.number,
        "document": passage.document,
        "document_id": passage.document_id,
        "chunk_id": passage.chunk_id,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "page": passage.page,
        "heading": HEADING_SEPARATOR.join(passage.heading) or None,
        "score": passage.score,
    }
