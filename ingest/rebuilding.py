"""Building the next generation of the index, with another embedding model, beside the first.

What it is made from is the stored texts. Every document that is done is noted in the catalogue,
so a killed process loses the batch at hand and nothing else; what is added, replaced or removed
meanwhile is followed before the switch. See `ingest/index/rebuilds.py` for the other half.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from ingest.index.documents import Chunk
from ingest.index.errors import DocumentError, FootnoteError
from ingest.index.generation import Generation
from ingest.index.index import Index
from ingest.index.rebuilds import Rebuild
from ingest.index.store import Where
from ingest.index.tables import Record
from ingest.pipeline import Job, Pipeline

LEASE = 120.0
"""Seconds until a silent builder counts as dead."""

BATCH = 256
"""Chunks embedded and written at a time: what a kill costs, and what a new document waits for."""

_DOCUMENTS = 64
"""Most documents in a batch."""

_REPORT_SECONDS = 0.3

log = logging.getLogger(__name__)


class _EndedError(Exception):
    """The builder is to stop, or the generation is no longer wanted or another's to build."""


class Rebuilder:
    """Builds what `ingest reindex` asked for, a batch at a time.

    Args:
        index: opened and, where it is embedded, owned by this process.
        pipeline: reads and embeds; nobody else uses it during `advance`.
        worker: this worker's name.

    Attributes:
        written: chunks written so far.
    """

    def __init__(self, index: Index, pipeline: Pipeline, worker: str) -> None:
        self.written = 0
        self._index = index
        self._rebuilds = index.rebuilds
        self._pipeline = pipeline
        self._worker = worker
        self._next: Generation | None = None
        self._stop = threading.Event()
        self._reported = 0.0

    def advance(self, stop: threading.Event, due: Callable[[], bool]) -> bool:
        """Build until it is done, `stop` is set or documents are `due`; False if there was nothing.

        Raises:
            FootnoteError: what kept it from going on may pass.
        """
        self._stop = stop
        cleared = self._clear()
        rebuild = self._rebuilds.wanted()
        if self._next is not None and (rebuild is None or rebuild.number != self._next.number):
            self.close()
        if rebuild is None or rebuild.failed:
            return cleared
        if not self._hold(rebuild):
            return cleared
        try:
            following = self._opened(rebuild)
            while self._step(following) and not (stop.is_set() or due()):
                pass
        except _EndedError:
            pass
        except FootnoteError as error:
            self._trouble(rebuild, error)
        except Exception as error:  # a border: the worker outlives whatever befalls it
            log.exception("The index could not be built anew")
            reason = f"The index could not be built anew because of a fault in Footnote ({error})."
            self._trouble(rebuild, FootnoteError(reason, "The log has the details."))
        finally:
            self._rebuilds.release(rebuild.number, self._worker)
        self._clear()
        return True

    def close(self) -> None:
        """Let go of what is being built; another goes on with it."""
        following, self._next = self._next, None
        if following is not None:
            following.close()

    def _hold(self, rebuild: Rebuild) -> bool:
        alone = self._index.embedded
        return self._rebuilds.hold(rebuild.number, self._worker, LEASE, force=alone)

    def _opened(self, rebuild: Rebuild) -> Generation:
        """Return the generation to build; its model is loaded and its store is open."""
        if self._next is None:
            following = self._index.begin(rebuild)
            fingerprint = following.embedder.fingerprint
            _ = following.store
            self._next = following
            self._rebuilds.note(rebuild.number, fingerprint=fingerprint.to_json(), error=None)
            if not self._hold(rebuild):
                raise _EndedError
        return self._next

    def _step(self, following: Generation) -> bool:
        """Bring some documents over, or switch; False when it is done."""
        number = following.number
        records = self._rebuilds.missing(number, _DOCUMENTS)
        if records:
            self._bring_over(following, records)
            return True
        for document_id in self._rebuilds.superfluous(number):
            following.store.delete(document_id)
            self._rebuilds.undo(number, document_id)
        following.store.flush()
        found = following.store.editions()
        for (document_id, version), chunks in self._rebuilds.counts(number).items():
            if found.get((document_id, version)) != chunks:
                self._rebuilds.undo(number, document_id)
        if not self._rebuilds.switch(number, following.embedder.fingerprint):
            # A document was added or replaced in this moment, or all was given up.
            if not self._rebuilds.hold(number, self._worker, LEASE):
                raise _EndedError
            return True
        self._next = None
        self._index.go_over(following)
        log.info("Searches are answered with %s now", following.embedder.name)
        return False

    def _bring_over(self, following: Generation, records: Sequence[Record]) -> None:
        self._pipeline.generation = following
        jobs: list[Job] = []
        try:
            for record in records:
                self._report(record.name)
                if (job := self._read(following, record)) is not None:
                    jobs.append(job)
                if sum(job.reading.chunks for job in jobs) >= BATCH:
                    break
            chunks = chain.from_iterable(job.chunks() for job in jobs)
            while batch := list(islice(chunks, BATCH)):
                self._pipeline.write(batch, partial(self._progress, batch))
                self.written += len(batch)
            following.store.flush()
            for job in jobs:
                key = job.record.id
                if following.store.count(Where(document_ids=(key,))) != job.written:
                    # Chunks of an earlier version, or cut to another length before a kill.
                    self._pipeline.drop_others(job)
                    following.store.flush()
                self._rebuilds.done(following.number, key, job.record.sha256, job.written)
        finally:
            for job in jobs:
                job.reading.discard()

    def _read(self, following: Generation, record: Record) -> Job | None:
        """Return a document, cut for the new model; None where it cannot be brought over."""
        version = record.version or ""
        wanted = replace(record, sha256=version, modified=record.dated, from_text=True)
        try:
            reading = self._pipeline.read(wanted, lambda _: self._report(record.name))
        except DocumentError as error:
            self._rebuilds.done(following.number, record.id, version, 0, str(error))
            return None
        known = self._pipeline.known_texts([(record.id, version)])
        return Job(wanted, reading, known)

    def _progress(self, batch: Sequence[tuple[Job, Chunk]], done: int) -> None:
        self._report(batch[min(done, len(batch) - 1)][0].record.name)

    def _report(self, document: str) -> None:
        """Tell which document is at hand, and learn whether to go on."""
        if self._stop.is_set():
            raise _EndedError
        now = time.monotonic()
        if now - self._reported < _REPORT_SECONDS or self._next is None:
            return
        self._reported = now
        if not self._rebuilds.hold(self._next.number, self._worker, LEASE):
            raise _EndedError
        self._rebuilds.note(self._next.number, document=document)

    def _trouble(self, rebuild: Rebuild, error: FootnoteError) -> None:
        """Note why it does not go on; raise what may pass."""
        now = self._rebuilds.wanted()
        if now is None or now.number != rebuild.number:
            return  # given up meanwhile, so its store was perhaps removed under it
        lasting = not error.retryable
        self._rebuilds.note(rebuild.number, error=str(error), failed=lasting)
        if lasting:
            self.close()
            log.warning("%s", error)
        else:
            raise error

    def _clear(self) -> bool:
        if self._next is not None and self._next.number in self._rebuilds.retired():
            self.close()
        return remove_retired(self._index)


def remove_retired(index: Index) -> bool:
    """Remove the stores that count no longer; False where there was nothing to remove.

    Raises:
        StoreError: one cannot be removed.
    """
    removed = False
    for number in index.rebuilds.retired():
        if index.remove(number):
            index.rebuilds.removed(number)
            removed = True
    return removed
