"""The store: vectors and keywords of chunks, searched together.

`EdgeStore` (in this process) and `ServerStore` (a Qdrant server) implement one protocol
and pass one contract suite, `tests/index/test_store_contract.py`. The store keeps what it
is given; which version of a document counts is the catalogue's to say.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID
from zlib import crc32

from ingest.index.documents import Chunk
from ingest.index.embedding import Vectors
from ingest.index.errors import StoreError
from ingest.index.keywords import Keywords
from ingest.index.settings import IndexSettings

DENSE = "dense"
KEYWORDS = "keywords"
"""Names of the two vectors of a point."""

INDEXED_FIELDS = ("collection", "document_id", "edition", "kind")
NUMBER_FIELDS = ("modified",)
"""Payload fields with an index, of words and of whole numbers: every field that a filter or a
facet uses."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A chunk with what it is found by.

    Attributes:
        vector: of the store's dimension and length 1.
        kind, modified: of its document, as in `Record`.
    """

    chunk: Chunk
    collection: str
    vector: Vectors
    keywords: Keywords
    kind: str
    modified: int


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result. What it says has to be fetched: reading it for all takes longer than
    to find them.

    Attributes:
        number: the chunk's id as a number; that of the next chunk of its document is one more.
        score: the list's own: a cosine or a BM25 sum.
    """

    number: int
    score: float

    @property
    def chunk_id(self) -> str:
        """The chunk's id."""
        return chunk_id(self.number)


@dataclass(frozen=True, slots=True)
class Hits:
    """The two ranked lists of one hybrid search, best first."""

    dense: list[Hit]
    keywords: list[Hit]


@dataclass(frozen=True, slots=True)
class Where:
    """What a search is confined to; None leaves a field open.

    Attributes:
        kinds: what documents were read as.
        since, before: when their files were last changed, in seconds since the epoch: from
            `since` on, and earlier than `before`.
    """

    collection: str | None = None
    document_ids: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    since: int | None = None
    before: int | None = None


class Store(Protocol):
    """Chunks by id. All methods raise StoreError when the store fails."""

    def upsert(self, entries: Sequence[Entry]) -> None:
        """Write chunks; one with a known id takes the place of the old. Durable after `flush`."""

    def flush(self) -> None:
        """Return once everything written before survives a crash."""

    def delete(self, document_id: str, keep: Sequence[str] = ()) -> None:
        """Remove a document's chunks, all but those with the ids in `keep`."""

    def delete_version(self, document_id: str, version: str) -> None:
        """Remove the chunks of one version of a document."""

    def search(self, vector: Vectors, keywords: Keywords, limit: int, where: Where) -> Hits:
        """Return the `limit` nearest by cosine and the `limit` best by BM25."""

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """Return the chunks with these ids, in this order; unknown ids are left out."""

    def texts(self, document_id: str, version: str) -> Iterator[tuple[str, str]]:
        """Yield (id, text) of the chunks of one version of a document, in no order."""

    def entries(self, document_id: str, version: str) -> Iterator[Entry]:
        """Yield the chunks of one version of a document as they were written, in no order."""

    def vectors_of(self, document_id: str, version: str) -> Iterator[tuple[str, Vectors]]:
        """Yield (id, dense vector) of the chunks of one version of a document, in no order."""

    def vectors(self, chunk_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Return the dense vectors, by id, of those of these chunks that are there."""

    def count(self, where: Where) -> int:
        """Return the number of chunks."""

    def editions(self) -> Mapping[tuple[str, str], int]:
        """Return the number of chunks of each (document id, version)."""

    def close(self) -> None:
        """Flush and let go of everything. Closing twice is closing once."""


def open_store(settings: IndexSettings, dimension: int, number: int = 1) -> Store:
    """Open the store that the settings name: the one place where the two modes part.

    Args:
        dimension: length of the vectors.
        number: of the generation whose vectors it holds.

    Raises:
        StoreError: it cannot be opened.
    """
    if settings.qdrant_url is None:
        from ingest.index.edge_store import EdgeStore

        return EdgeStore(settings.data_dir / store_name("edge", number), dimension)
    from ingest.index.server_store import ServerStore, connect

    name = store_name(settings.qdrant_collection, number)
    return ServerStore(
        connect(settings),
        name,
        dimension,
        settings.qdrant_url,
        quantized=settings.qdrant_quantization == "int8",
    )


def remove_store(settings: IndexSettings, number: int) -> None:
    """Remove the store of a generation, which nobody has open; nothing happens where none is.

    Raises:
        StoreError: it cannot be removed.
    """
    if settings.qdrant_url is None:
        from ingest.index.edge_store import remove_folder

        remove_folder(settings.data_dir / store_name("edge", number))
        return
    from ingest.index.server_store import connect, remove_collection

    with closing(connect(settings)) as client:
        name = store_name(settings.qdrant_collection, number)
        remove_collection(client, name, settings.qdrant_url)


def store_name(name: str, number: int) -> str:
    """Return what the folder or collection of a generation is called."""
    return name if number == 1 else f"{name}-{number}"


def chunk_id(number: int) -> str:
    """Return the id of a chunk of which its number is known."""
    return str(UUID(int=number))


def payload(entry: Entry) -> dict[str, Any]:
    """Return what is stored beside the vectors of a chunk."""
    chunk = entry.chunk
    edition = f"{chunk.document_id}:{chunk.version}"
    return {
        "collection": entry.collection,
        "kind": entry.kind,
        "modified": entry.modified,
        "document_id": chunk.document_id,
        "edition": edition,
        "ordinal": chunk.ordinal,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "checksum": _checksum(chunk.id, edition, chunk.start, chunk.end, chunk.text),
        "page": chunk.page,
        "heading": list(chunk.heading),
        "lead": chunk.lead,
        "language": chunk.language,
        "cut": chunk.cut,
        "around": [list(span) for span in chunk.around],
    }


def chunk_of(chunk_id: str, fields: Mapping[str, Any] | None) -> Chunk:
    """Return the chunk whose payload this is.

    Raises:
        StoreError: it is not what was written under this id; its text would be wrong.
    """
    with damage_is_told():
        fields = fields or {}
        document_id, version = split_edition(fields["edition"])
        chunk = Chunk(
            document_id=document_id,
            version=version,
            ordinal=fields["ordinal"],
            start=fields["start"],
            end=fields["end"],
            text=fields["text"],
            page=fields["page"],
            heading=tuple(fields["heading"]),
            lead=fields["lead"],
            around=tuple((start, end) for start, end in fields["around"]),
            language=fields["language"],
            cut=fields["cut"],
        )
        place = fields["edition"], chunk.start, chunk.end
        if chunk.id != chunk_id or fields["checksum"] != _checksum(chunk_id, *place, chunk.text):
            raise ValueError("another chunk's, or altered")
        return chunk


def _checksum(chunk_id: str, edition: str, start: int, end: int, text: str) -> int:
    """Return what a payload must say to be this chunk's. Deriving its id would take ten times as
    long.
    """
    return crc32(f"{chunk_id} {edition} {start} {end} {text}".encode())


@contextmanager
def damage_is_told() -> Iterator[None]:
    """Make a StoreError of what fails because a payload is not as it was written."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(
            "A passage in the index is damaged.",
            "Stop Footnote, move its index away (the folder `edge` in the data folder, or the "
            "server's collection) and start again: it is built anew from the stored documents.",
            retryable=False,
        ) from error


def entry_of(
    chunk_id: str, fields: Mapping[str, Any], vector: Vectors, keywords: Keywords
) -> Entry:
    """Return the entry whose payload this is; raises as `chunk_of`."""
    return Entry(
        chunk_of(chunk_id, fields),
        fields["collection"],
        vector,
        keywords,
        fields["kind"],
        fields["modified"],
    )


def split_edition(edition: str) -> tuple[str, str]:
    """Return the (document id, version) that the payload field `edition` stands for."""
    document_id, _, version = edition.partition(":")
    return document_id, version
