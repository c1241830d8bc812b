"""Watching a folder: when to compare, who does the work, and how it ended."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from watchfiles import watch

from ingest.index.embedding import Embedder
from ingest.index.errors import FootnoteError, IndexInUseError
from ingest.index.index import Index
from ingest.index.tables import Record, State
from ingest.mirroring import Mirror
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

COMMAND = "ingest watch"

_EVERY_SECONDS = 60.0
"""The folder is compared at least this often: network drives do not tell of every change."""

_BLIND_SECONDS = 10.0
"""Likewise, where the system tells of none."""

_TICK_SECONDS = 0.5
_SHARE = 0.2
"""Most of the time that comparing takes, however often a folder changes."""


class Watch:
    """Keeps a collection equal to a folder until it is stopped.

    Args:
        mirror: the folder and its collection.
        index: opened; nobody owns it through this one.
        settings: for doing the work where nobody else does.
        folder: the mirror's.
        on_ended: called with each document that is ready or failed.
        on_trouble: called with what keeps the watch from going on, in words.
    """

    def __init__(
        self,
        mirror: Mirror,
        index: Index,
        settings: IngestSettings,
        folder: Path,
        *,
        on_ended: Callable[[Record], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._mirror = mirror
        self._index = index
        self._settings = settings
        self._folder = folder
        self._on_ended = on_ended
        self._on_trouble = on_trouble
        self._trouble = ""

    def run(self, stop: threading.Event) -> None:
        """Compare and work until `stop` is set; then let go of everything."""
        work = threading.Thread(target=self._work, args=(stop,), name="worker", daemon=True)
        work.start()
        changed = True
        compared = asked = earliest = 0.0
        for noticed in self._ticks(stop):
            changed = changed or noticed
            now = time.monotonic()
            if now >= earliest and (changed or now >= compared + _EVERY_SECONDS):
                changed = self._guarded(self._mirror.compare, True)
                compared = time.monotonic()
                earliest = compared + (compared - now) / _SHARE
            now = time.monotonic()
            if self._mirror.queued and now >= asked:
                self._guarded(self._tell_ended, False)
                asked = time.monotonic() + (time.monotonic() - now) / _SHARE
        work.join()

    def _ticks(self, stop: threading.Event) -> Iterator[bool]:
        """Yield twice a second or oftener: whether something in the folder changed."""
        blind = False
        while not stop.is_set():
            before = _identity(self._folder)
            try:
                if before is None:
                    raise FileNotFoundError
                for changes in watch(
                    self._folder,
                    watch_filter=None,
                    debounce=500,
                    rust_timeout=int(_TICK_SECONDS * 1000),
                    yield_on_timeout=True,
                    stop_event=stop,
                    ignore_permission_denied=True,
                ):
                    yield bool(changes)
                    if _identity(self._folder) != before:
                        break
            except FileNotFoundError:
                stop.wait(_TICK_SECONDS)
                yield True
            except (OSError, RuntimeError) as error:
                if not blind:
                    self._on_trouble(
                        f"The system does not tell of changes in {self._folder} ({error}). It is "
                        f"compared every {_BLIND_SECONDS:.0f} seconds."
                    )
                blind = True
                until = time.monotonic() + _BLIND_SECONDS
                while time.monotonic() < until and not stop.wait(_TICK_SECONDS):
                    yield False
                yield True

    def _tell_ended(self) -> bool:
        queued = self._mirror.queued
        found = self._index.catalogue.family(list(queued))
        queued &= {record.id for record in found}
        for record in found:
            # What came in a document is told of as well.
            if record.state not in (State.READY, State.FAILED):
                queued.add(record.id)
            elif record.id in queued:
                queued.remove(record.id)
                self._on_ended(record)
        return bool(queued)

    def _work(self, stop: threading.Event) -> None:
        """Work the queue off whenever there is something in it and nobody else has the index."""
        embedder: Embedder | None = None
        while not stop.wait(_TICK_SECONDS):
            try:
                if not self._index.catalogue.unfinished():
                    continue
                with closing(Index(self._settings)) as index:
                    index.own(COMMAND)
                    # The model is loaded once; the index is for others between two changes.
                    if embedder is None or embedder.fingerprint != index.fingerprint:
                        embedder = index.embedder
                    index.embedder = embedder
                    worker = Worker(index, Pipeline(index, self._settings))
                    worker.run(stop, 0.3, done=lambda: not self._index.catalogue.unfinished())
            except IndexInUseError:
                continue
            except FootnoteError as error:
                self._say(str(error))

    def _guarded(self, step: Callable[[], bool], in_trouble: bool) -> bool:
        """Take a step; where it cannot be taken, say why and return `in_trouble`."""
        try:
            result = step()
        except FootnoteError as error:
            self._say(str(error))
            return in_trouble
        self._trouble = ""
        return result

    def _say(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._on_trouble(trouble)


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
