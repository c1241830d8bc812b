"""Documents from their bytes to searchable passages: read, embed, store, replace.

Safe to repeat and safe to kill: a version's chunks are written and flushed before the
catalogue makes that version the searchable one, and the old version's chunks go after.
Chunks of a version that the catalogue does not name never reach a reader.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np

from ingest.index.documents import Chunk
from ingest.index.embedding import Embedder
from ingest.index.errors import DocumentError
from ingest.index.generation import Generation
from ingest.index.index import MAX_NAME, Index
from ingest.index.keywords import passage_keywords
from ingest.index.memory import give_back_memory, trim_memory
from ingest.index.store import Entry
from ingest.index.tables import Record
from ingest.reader import Limits, Reader, Reading
from ingest.recent import RecentVectors
from ingest.settings import IngestSettings

MAX_DEPTH = 3
"""How deep documents come in documents: an e-mail in an archive in an archive is 2."""

_STALE_SECONDS = 24 * 3600.0


@dataclass(slots=True)
class Job:
    """A document on its way into the store.

    Attributes:
        known: digest of a text to the id of a chunk in the store that has its vector.
        written: chunks in the store so far.
        embedded: how many of them had no vector in the store.
        wanted: whether it still has to be indexed as it was claimed.
        finished: whether it can be searched.
    """

    record: Record
    reading: Reading
    known: Mapping[bytes, str] = field(default_factory=dict)
    written: int = 0
    embedded: int = 0
    wanted: bool = True
    finished: bool = False

    @property
    def begun_before(self) -> bool:
        """Whether chunks of this version may be in the store already."""
        return bool(self.record.attempts or self.record.fraction)

    def restart(self) -> None:
        """Begin again at the first chunk."""
        self.written = self.embedded = 0

    def chunks(self) -> Iterator[tuple["Job", Chunk]]:
        """Yield its chunks while it is wanted."""
        for chunk in self.reading.read_chunks(self.record.id, self.record.sha256):
            if not self.wanted:
                return
            yield self, chunk


class Pipeline:
    """The steps that a document takes; `Worker` decides which documents take them.

    Args:
        index: where to.
        settings: how documents are cut and what reading them may take.
    """

    def __init__(self, index: Index, settings: IngestSettings) -> None:
        self._index = index
        self._settings = settings
        self._scratch = settings.data_dir / "scratch"
        self._generation: Generation | None = None
        self._reader: Reader | None = None
        self._reads_for: Embedder | None = None
        self._recent = RecentVectors()

    @property
    def generation(self) -> Generation:
        """Which generation of the index is written: the one that counts, unless it was set."""
        return self._generation or self._index.current

    @generation.setter
    def generation(self, generation: Generation) -> None:
        self._generation = generation

    def sweep(self, everything: bool) -> None:
        """Remove what ended workers had read: all of it, or what no worker can be at any more."""
        for entry in self._scratch.glob("*"):
            with suppress(OSError):
                if everything or time.time() - entry.stat().st_mtime > _STALE_SECONDS:
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def rest(self) -> None:
        """Let go of what only work needs: the reader's process, and memory."""
        if self._reader is not None:
            self._reader.close()
        give_back_memory()

    def read(self, record: Record, on_progress: Callable[[float], None]) -> Reading:
        """Read and split the wanted version of a document.

        Args:
            on_progress: called with the fraction that is read, where that takes long. What it
                raises ends the reading.

        Raises:
            DocumentError: it cannot be read, or there is no text in it.
            FootnoteError: the disk failed; see its `retryable`.
        """
        if self._depth(record) > MAX_DEPTH:
            raise DocumentError(
                f"{record.name} lies in too many archives, one in the other.",
                "Unpack the outer ones and add what is in them.",
            )
        files = self._index.files
        has_text = record.version == record.sha256 and files.has_text(record.sha256)
        reader = self._reader_of_generation()
        if has_text and (record.from_text or not files.has_original(record.sha256)):
            with files.text(record.sha256) as path:
                reading = reader.split(path, record.name)
        else:
            with files.original(record.sha256) as path:
                reading = reader.read(path, record.name, on_progress)
        if not reading.chunks:
            reading.discard()
            raise DocumentError(
                f"{record.name} has no text.", "Add a version of it that has text in it."
            )
        return reading

    def interrupt(self) -> None:
        """Make a `read` on another thread end soon."""
        if self._reader is not None:
            self._reader.interrupt()

    def known_texts(self, editions: Iterable[tuple[str, str]]) -> dict[bytes, str]:
        """Return which texts have vectors in these (document id, version) of the store."""
        return {
            _digest(text): chunk_id
            for document_id, version in editions
            for chunk_id, text in self.generation.store.texts(document_id, version)
        }

    def write(self, batch: Sequence[tuple[Job, Chunk]], on_progress: Callable[[int], None]) -> None:
        """Embed chunks whose texts have no vector yet, and write all of them to the store.

        They are durable when the store is flushed.
        """
        embedder, store = self.generation.embedder, self.generation.store
        digests = [_digest(chunk.text) for _, chunk in batch]
        known = [job.known.get(digest) for (job, _), digest in zip(batch, digests, strict=True)]
        stored = store.vectors([chunk_id for chunk_id in known if chunk_id is not None])
        missing = [place for place, chunk_id in enumerate(known) if chunk_id not in stored]
        texts = {digests[place]: batch[place][1].text for place in missing}
        reused = len(batch) - len(texts)
        embedded = self._recent.of(
            texts, embedder, on_progress=lambda done: on_progress(reused + done)
        )
        vectors = [stored.get(chunk_id or "", _NO_VECTOR) for chunk_id in known]
        for place in missing:
            vectors[place] = embedded[digests[place]]
            batch[place][0].embedded += 1
        store.upsert(
            [
                Entry(
                    chunk,
                    job.record.collection,
                    vector,
                    passage_keywords(chunk.text, chunk.language),
                    job.reading.kind,
                    job.record.modified,
                )
                for (job, chunk), vector in zip(batch, vectors, strict=True)
            ]
        )
        for job, _ in batch:
            job.written += 1
        trim_memory()

    def add_attachments(self, job: Job) -> list[str]:
        """Queue the documents that came in a document; return their ids.

        Raises:
            InputError: the document was removed meanwhile.
        """
        if job.reading.attachments is None:
            return self._index.catalogue.children(job.record.id)
        ids = []
        for name, path in job.reading.attachments:
            full = f"{job.record.name}/{name}"
            if len(full) > MAX_NAME:
                # The end tells the kind of a file.
                full = f"{full[: MAX_NAME // 2]}…{full[-MAX_NAME // 2 + 1 :]}"
            with path.open("rb") as stream:
                record, _ = self._index.add_file(
                    stream,
                    full,
                    job.record.collection,
                    parent=job.record.id,
                    modified=job.record.modified,
                )
            ids.append(record.id)
        return ids

    def drop_others(self, job: Job) -> None:
        """Remove a document's chunks from the store, all but those of this job."""
        kept = job.reading.read_chunks(job.record.id, job.record.sha256)
        self.generation.store.delete(job.record.id, [chunk.id for chunk in kept])

    def _reader_of_generation(self) -> Reader:
        """Return what splits documents into passages that the generation's model reads."""
        embedder, settings = self.generation.embedder, self._settings
        if self._reader is None or self._reads_for is not embedder:
            if self._reader is not None:
                self._reader.close()
            self._reader = Reader(
                self._scratch,
                embedder.tokenizer,
                min(settings.chunk_tokens, embedder.max_tokens),
                Limits(settings.read_seconds, settings.read_memory_mb, settings.read_output_mb),
            )
            self._reads_for = embedder
        return self._reader

    def _depth(self, record: Record) -> int:
        depth, parent = 0, record.parent
        while parent is not None and depth <= MAX_DEPTH:
            above = self._index.catalogue.get(parent)
            depth, parent = depth + 1, above.parent if above is not None else None
        return depth


_NO_VECTOR = np.empty(0, dtype=np.float32)


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=16).digest()
