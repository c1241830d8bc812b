"""The worker: claims documents from the catalogue, one at a time, and sees each to its end."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from uuid import uuid4

from ingest.index.catalogue import Record, State
from ingest.index.errors import DocumentError, FootnoteError
from ingest.index.index import Index
from ingest.pipeline import Pipeline

LEASE = 120.0
"""Seconds until a silent worker counts as dead; progress renews it at every batch."""

MAX_ATTEMPTS = 8
"""Tries at one content before a failure that could pass counts as final."""

log = logging.getLogger(__name__)


class _LetGoError(Exception):
    """The document at hand was replaced or removed meanwhile, or the worker is to stop."""


class Worker:
    """Works off the catalogue's queue.

    Args:
        index: opened and, where it is embedded, owned by this process.
        pipeline: how one document is written.
        on_progress: called with a document's name, stage and fraction, for displays.
    """

    def __init__(
        self,
        index: Index,
        pipeline: Pipeline,
        on_progress: Callable[[str, str, float], None] | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._index = index
        self._catalogue = index.catalogue
        self._pipeline = pipeline
        self._on_progress = on_progress
        self._stop = threading.Event()
        self._at = ("", 0.0)

    def run(self, stop: threading.Event, poll: float = 0.5) -> None:
        """Work until `stop` is set, looking every `poll` seconds while there is nothing to do.

        A document at hand is then let go, for the next worker to take up.
        """
        self._stop = stop
        self._until(self.recover, stop, poll)
        worked = True
        while not stop.is_set():
            if self._until(self.step, stop, poll):
                worked = True
                continue
            if worked:
                self._pipeline.rest()
                worked = False
            stop.wait(poll)
        with suppress(Exception):
            self._catalogue.release(self.name)

    def step(self) -> bool:
        """Work on the next document that is due; False when there is none."""
        record = self._catalogue.claim(self.name, LEASE)
        if record is None:
            return False
        try:
            if record.state == State.REMOVING:
                self._clear(record)
            else:
                self._index_document(record)
        except _LetGoError:
            # What was written of it is not named by the catalogue, and is swept later.
            log.info("%s was let go", record.name)
        except DocumentError as error:
            self._catalogue.fail(record, self.name, str(error))
        except FootnoteError as error:
            self._again_or_never(record, error)
        except Exception:  # a border: a bug met on one document must not stop the others
            log.exception("%s could not be indexed", record.name)
            fault = FootnoteError(
                f"{record.name} could not be indexed because of a fault in Footnote.",
                "The log has the details; please report it.",
            )
            self._again_or_never(record, fault)
        self._discard_files()
        return True

    def recover(self) -> bool:
        """Compare store and files with the catalogue: rebuild what is missing, sweep the rest."""
        store = self._index.store
        # The store is read first: what others finish meanwhile then counts as wanted.
        found = store.editions()
        records = self._catalogue.documents()
        wanted = {
            (record.id, content)
            for record in records
            for content in (record.sha256, record.version)
        }
        for document_id, version in found.keys() - wanted:
            store.delete_version(document_id, version)
        store.flush()
        for record in records:
            key = (record.id, record.version or "")
            if record.state != State.READY or found.get(key) == record.chunks:
                continue
            if (count := store.editions().get(key, 0)) != record.chunks:
                log.warning(
                    "%s: %d of %d passages are in the store; indexing it again",
                    record.name,
                    count,
                    record.chunks,
                )
                self._catalogue.retry(record.id)
        self._discard_files()
        files = self._index.files
        for content in files.sweep():
            self._catalogue.clear_unused(content, files.delete)
        return True

    def _until(self, action: Callable[[], bool], stop: threading.Event, poll: float) -> bool:
        """Run `action`; while store or catalogue are away, wait for them instead of ending."""
        while not stop.is_set():
            try:
                return action()
            except Exception as error:  # noqa: BLE001  a border: a failing queue read is not a failing task
                log.warning("The worker waits: %s", error)
                stop.wait(max(poll, 5.0))
        return False

    def _index_document(self, record: Record) -> None:
        if record.attempts > MAX_ATTEMPTS:
            raise DocumentError(
                f"{record.name} ended the worker {MAX_ATTEMPTS} times.",
                "Remove it, or try a copy of it in another format.",
            )
        with self._heartbeat(record):
            document, chunks = self._pipeline.write(record, partial(self._report, record))
        pages = len(document.pages) or None
        if not self._catalogue.finish(record, self.name, len(chunks), pages, len(document.text)):
            raise _LetGoError
        self._pipeline.drop_others(record, keep=chunks)

    def _clear(self, record: Record) -> None:
        self._pipeline.drop_others(record, keep=())
        self._catalogue.forget(record)

    @contextmanager
    def _heartbeat(self, record: Record) -> Iterator[None]:
        """Renew the lease while a step takes longer than its reports are apart."""
        self._at = ("starting", 0.0)
        done = threading.Event()

        def beat() -> None:
            while not done.wait(LEASE / 4):
                # The catalogue may be away for a moment; the next beat tries again.
                with suppress(Exception):
                    self._catalogue.renew(record, self.name, LEASE, *self._at)

        thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def _discard_files(self) -> None:
        for content in self._catalogue.discarded():
            self._catalogue.clear_unused(content, self._index.files.delete)

    def _report(self, record: Record, stage: str, fraction: float) -> None:
        self._at = (stage, fraction)
        if self._stop.is_set():
            raise _LetGoError
        if not self._catalogue.renew(record, self.name, LEASE, stage, fraction):
            raise _LetGoError
        if self._on_progress is not None:
            self._on_progress(record.name, stage, fraction)

    def _again_or_never(self, record: Record, error: FootnoteError) -> None:
        removing = record.state == State.REMOVING
        if removing or (error.retryable and record.attempts < MAX_ATTEMPTS):
            delay = min(300.0, 2.0**record.attempts)
            self._catalogue.postpone(record, self.name, str(error), delay)
            log.warning("%s: %s Trying again in %.0f s.", record.name, error, delay)
        else:
            self._catalogue.fail(record, self.name, str(error))
