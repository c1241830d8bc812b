"""The worker: claims documents from the catalogue, one at a time, and sees each to its end."""

import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
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


class _NoLongerWantedError(Exception):
    """The document was replaced or removed while it was being worked on."""


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

    def run(self, stop: threading.Event, poll: float = 0.5) -> None:
        """Work until `stop` is set, looking every `poll` seconds while there is nothing to do."""
        self._until(self.recover, stop, poll)
        while not stop.is_set():
            if not self._until(self.step, stop, poll):
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
        except _NoLongerWantedError:
            # Its chunks are not named by the catalogue; the next version's end sweeps them.
            log.info("%s changed while it was read; starting over", record.name)
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
        return True

    def recover(self) -> bool:
        """Compare the store with the catalogue: rebuild what is missing, sweep leftovers."""
        store, records = self._index.store, self._catalogue.documents()
        found = store.editions()
        shown = {record.id: record.version for record in records}
        # Another worker may be writing these at this moment.
        running = {record.id for record in records if record.state == State.RUNNING}
        left_over = {key for key, version in found if shown.get(key) != version} - running
        for key in left_over:
            store.delete(key, keep_version=shown.get(key))
        store.flush()
        for record in records:
            count = found.get((record.id, record.version or ""), 0)
            if record.state == State.READY and count != record.chunks:
                log.warning(
                    "%s: %d of %d passages are in the store; indexing it again",
                    record.name,
                    count,
                    record.chunks,
                )
                self._catalogue.retry(record.id)
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
        document, chunks = self._pipeline.write(record, lambda *at: self._report(record, *at))
        pages = len(document.pages) or None
        if not self._catalogue.finish(record, self.name, chunks, pages, len(document.text)):
            raise _NoLongerWantedError
        self._pipeline.drop_others(record, keep_version=record.sha256)
        if record.version is not None and record.version != record.sha256:
            self._delete_unused(record.version)

    def _clear(self, record: Record) -> None:
        self._pipeline.drop_others(record, keep_version=None)
        for content in {record.sha256, record.version} - {None}:
            self._delete_unused(str(content))
        self._catalogue.forget(record)

    def _delete_unused(self, content: str) -> None:
        if not self._catalogue.uses(content):
            self._index.files.delete(content)

    def _report(self, record: Record, stage: str, fraction: float) -> None:
        if not self._catalogue.renew(record, self.name, LEASE, stage, fraction):
            raise _NoLongerWantedError
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
