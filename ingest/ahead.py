"""Reading ahead: documents are claimed and read while others are being embedded."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ingest.index.errors import FootnoteError
from ingest.index.tables import Record, State
from ingest.queue import Queue
from ingest.reader import Reading

CLAIM = 16
"""Documents claimed at a time: few enough to leave some for other workers."""

_MOST_DOCUMENTS = 64
_MOST_CHUNKS = 4096
"""How much is read ahead: enough to fill batches, little enough to be read anew after a crash."""

log = logging.getLogger(__name__)


class _UnwantedError(Exception):
    """The document was removed or replaced while it was read."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A document that this worker holds: read, or with the reason why not.

    Neither where it is to be removed, or is no longer wanted as it was claimed.
    """

    record: Record
    reading: Reading | None = None
    error: FootnoteError | None = None


class ReadAhead:
    """Claims what is due and reads it, on a thread of its own, until nothing is due.

    Args:
        queue: where from.
        read: reads one document, and calls with the fraction that is read; raises
            FootnoteError. Called on that thread alone.
        interrupt: makes a `read` that is under way end soon. Called on another thread.
        lease: seconds for which documents are claimed.
    """

    def __init__(
        self,
        queue: Queue,
        read: Callable[[Record, Callable[[float], None]], Reading],
        interrupt: Callable[[], None],
        lease: float,
    ) -> None:
        self._queue = queue
        self._read = read
        self._interrupt = interrupt
        self._lease = lease
        self._changed = threading.Condition()
        self._waiting: deque[Claimed] = deque()
        self._undelivered: dict[str, Record] = {}
        self._closed = False
        self._ended = False
        self._failure: FootnoteError | None = None
        self._thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)
        self._thread.start()

    def take(self, wait: bool) -> Claimed | None:
        """Return the next document, or None: at once, or with `wait` when nothing more is due.

        Raises:
            DataFolderError: the queue cannot be used.
        """
        with self._changed:
            while wait and not self._waiting and not self._ended:
                self._changed.wait()
            if self._waiting:
                claimed = self._waiting.popleft()
                del self._undelivered[claimed.record.id]
                self._changed.notify_all()
                return claimed
            if self._ended and self._failure is not None:
                raise self._failure
            return None

    def close(self) -> list[Record]:
        """Stop, and return the documents that were claimed and never taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        while self._thread.is_alive():
            self._interrupt()
            self._thread.join(0.1)
        for claimed in self._waiting:
            if claimed.reading is not None:
                claimed.reading.discard()
        return list(self._undelivered.values())

    def _run(self) -> None:
        try:
            while not self._closed and (records := self._queue.claim(CLAIM, self._lease)):
                with self._changed:
                    self._undelivered |= {record.id: record for record in records}
                for record in records:
                    self._deliver(record)
        except FootnoteError as error:
            self._failure = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _deliver(self, record: Record) -> None:
        with self._changed:
            while self._is_far_ahead() and not self._closed:
                self._changed.wait()
            if self._closed:
                return
        claimed = Claimed(record) if record.state == State.REMOVING else self._claimed(record)
        with self._changed:
            self._waiting.append(claimed)
            self._changed.notify_all()

    def _is_far_ahead(self) -> bool:
        chunks = sum(one.reading.chunks for one in self._waiting if one.reading is not None)
        return len(self._waiting) >= _MOST_DOCUMENTS or chunks >= _MOST_CHUNKS

    def _claimed(self, record: Record) -> Claimed:
        try:
            return Claimed(record, reading=self._read(record, partial(self._report, record)))
        except _UnwantedError:
            return Claimed(record)
        except FootnoteError as error:
            return Claimed(record, error=error)
        except Exception:  # a border: a bug met on one document must not stop the others
            log.exception("%s could not be read", record.name)
            return Claimed(record, error=fault(record))

    def _report(self, record: Record, fraction: float) -> None:
        if not self._queue.report("reading", [(record, fraction)]):
            raise _UnwantedError


def fault(record: Record) -> FootnoteError:
    """Return the error for a document on which Footnote itself failed; the log has the details."""
    return FootnoteError(
        f"{record.name} could not be indexed because of a fault in Footnote.",
        "The log has the details; please report it.",
    )
