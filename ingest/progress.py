"""Seeing work through to its end, with a line on the terminal that tells how far it is."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from ingest.console import err
from ingest.index.errors import IndexInUseError
from ingest.index.index import Index
from ingest.index.tables import State
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

CUT = Column(ratio=1, no_wrap=True, overflow="ellipsis")
"""A name gets what is left of a line."""

_REDRAW_SECONDS = 0.5

_BUSY = (State.QUEUED, State.RUNNING)


class Interrupted(Exception):  # noqa: N818  nothing went wrong
    """A person stopped the command; its words say what becomes of the work."""

    def __init__(
        self, words: str = "Stopped. What is done is kept; `ingest worker` goes on with the rest."
    ) -> None:
        super().__init__(words)


def see_through(
    command: str, index: Index, settings: IngestSettings, ids: Sequence[str], wait: bool
) -> None:
    """Have the queue worked off: here, or by whoever owns the index.

    Args:
        ids: the documents to wait for where another process does the work.

    Raises:
        Interrupted: a person pressed Ctrl-C.
    """
    while True:
        try:
            index.own(command)
        except IndexInUseError:
            if not wait:
                owner = index.ownership.current()
                who = f"`{owner.command}`" if owner else "Another process"
                err.print(f"{who} is at work on this data folder and goes on from here.")
                return
            if _others_finish(index, ids):
                return
        else:
            with stop_on_interrupt() as stop, _Display(index) as display:
                worker = Worker(index, Pipeline(index, settings), display.note)
                display.worker = worker
                worker.run(stop, 0.3, done=lambda: not index.catalogue.unfinished())
            if stop.is_set():
                raise Interrupted
            return


@contextmanager
def taking_in(total: int) -> Iterator[Callable[[str], None]]:
    """Show on a terminal which of `total` files and pages is being taken in.

    Yields:
        to be called with the name of each.
    """
    bar = _bar(TextColumn("taken in"))
    task = bar.add_task("", total=total)
    taken = -1

    def on_next(name: str) -> None:
        nonlocal taken
        taken += 1
        bar.update(task, description=name, completed=taken)

    with bar:
        yield on_next


@contextmanager
def open_index(settings: IngestSettings) -> Iterator[Index]:
    """Yield the index for the length of a command.

    Raises:
        Interrupted: a person pressed Ctrl-C.
    """
    try:
        with closing(Index(settings)) as index:
            yield index
    except KeyboardInterrupt:
        raise Interrupted() from None


@contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets; the second ends the process as ever."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def set_once(*_: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, set_once)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


class _Display:
    """A line that tells how far the queue is, on a terminal only."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._started = time.monotonic()
        self._drawn = 0.0
        self._total = index.catalogue.unfinished()
        self.worker: Worker | None = None
        self._bar = _bar(
            TextColumn("files, {task.fields[speed]:.0f} passages a second,"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
        )
        self._task = self._bar.add_task("loading the embedding model", total=self._total, speed=0.0)

    def __enter__(self) -> "_Display":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def note(self, name: str, stage: str, fraction: float) -> None:
        """Show the document at hand; see `Worker`."""
        now = time.monotonic()
        if self._bar.disable or self.worker is None or now - self._drawn < _REDRAW_SECONDS:
            return
        self._drawn = now
        left = self._index.catalogue.unfinished()
        # Attachments, and what others add meanwhile, make the total grow.
        self._total = max(self._total, left)
        self._bar.update(
            self._task,
            description=_at_work(name, stage, fraction),
            completed=self._total - left,
            total=self._total,
            speed=self.worker.written / (now - self._started),
        )


def _others_finish(index: Index, ids: Sequence[str]) -> bool:
    """Show how far whoever owns the index is with these documents; False when the owner is gone."""
    bar = _bar(TextColumn("files,"), TimeRemainingColumn(compact=True), TextColumn("left"))
    task = bar.add_task("", total=len(ids))
    with bar:
        while True:
            records = index.catalogue.family(ids)
            busy = [record for record in records if record.state in _BUSY]
            if not busy:
                return True
            if index.ownership.current() is None:
                return False
            at = max(busy, key=lambda record: (record.state == State.RUNNING, record.fraction))
            bar.update(
                task,
                description=_at_work(at.name, at.stage, at.fraction),
                completed=len(records) - len(busy),
                total=len(records),
            )
            try:
                time.sleep(_REDRAW_SECONDS)
            except KeyboardInterrupt:
                raise Interrupted from None


def _bar(*columns: ProgressColumn) -> Progress:
    """Return a line on a terminal: how many of how many, these columns, and a name."""
    return Progress(
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        *columns,
        TextColumn("{task.description}", markup=False, table_column=CUT),
        console=err,
        expand=True,
        transient=True,
        disable=not err.is_terminal,
    )


def _at_work(name: str, stage: str, fraction: float) -> str:
    return f"{name}, {stage} {fraction:.0%}" if stage and fraction < 1 else name
