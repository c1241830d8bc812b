"""One document, from its bytes to searchable passages: load, chunk, embed, replace.

Safe to repeat and safe to kill: a version's chunks are written and flushed before the
catalogue makes that version the searchable one, and the old version's chunks go after.
Chunks of a version that the catalogue does not name never reach a reader.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.chunking import Chunker
from ingest.index.catalogue import Record
from ingest.index.documents import Chunk, Document
from ingest.index.errors import DocumentError
from ingest.index.index import Index
from ingest.index.keywords import passage_keywords
from ingest.index.memory import give_back_memory
from ingest.index.store import Entry
from ingest.loading import load

_BATCH = 1024
"""Chunks embedded and written at a time: bounds memory, keeps batches sorted by length."""

Report = Callable[[str, float], None]
"""Takes the stage in a word and how far it is; raises to stop work that is no longer wanted."""


class Pipeline:
    """Turns documents into entries of the store.

    Args:
        index: where to.
        chunk_tokens: most tokens in a chunk; lowered to what the model reads.
    """

    def __init__(self, index: Index, chunk_tokens: int) -> None:
        self._index = index
        self._chunk_tokens = chunk_tokens

    @cached_property
    def _chunker(self) -> Chunker:
        embedder = self._index.embedder
        return Chunker(embedder.tokenizer, min(self._chunk_tokens, embedder.max_tokens))

    def rest(self) -> None:
        """Let go of what only work needs: the chunker holds 20 MB."""
        self.__dict__.pop("_chunker", None)
        give_back_memory()

    def write(self, record: Record, report: Report) -> tuple[Document, list[Chunk]]:
        """Write the wanted version of a document to files and store.

        Returns:
            The document and its chunks, durable in the store.

        Raises:
            DocumentError: the file cannot be read.
            FootnoteError: store, disk or model failed; see its `retryable`.
        """
        report("reading", 0.0)
        with TemporaryDirectory(prefix="footnote-") as scratch:
            original = self._index.files.original(record.sha256)
            document = load(original, record.name, Path(scratch)).document
        self._index.files.put_document(record.sha256, document)
        report("splitting", 0.0)
        chunks = self._chunker.split(document, record.id, record.sha256)
        if not chunks:
            raise DocumentError(
                f"{record.name} has no text.", "Add a version of it that has text in it."
            )
        for first in range(0, len(chunks), _BATCH):
            self._write_batch(record, chunks, first, report)
        self._index.store.flush()
        return document, chunks

    def drop_others(self, record: Record, keep: Sequence[Chunk]) -> None:
        """Remove a document's chunks from the store, all but those in `keep`."""
        self._index.store.delete(record.id, [chunk.id for chunk in keep])
        self._index.store.flush()

    def _write_batch(
        self, record: Record, chunks: Sequence[Chunk], first: int, report: Report
    ) -> None:
        batch = chunks[first : first + _BATCH]
        total = len(chunks)
        report("embedding", first / total)
        vectors = self._index.embedder.embed_passages(
            [chunk.text for chunk in batch],
            on_progress=lambda done: report("embedding", (first + done) / total),
        )
        entries = [
            Entry(chunk, record.collection, vector, passage_keywords(chunk.text))
            for chunk, vector in zip(batch, vectors, strict=True)
        ]
        self._index.store.upsert(entries)
