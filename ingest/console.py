"""What the `ingest` command shows: progress while there is work, and how it ended."""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column

from ingest.index.collections import Holding
from ingest.index.errors import IndexInUseError, InputError
from ingest.index.index import Index
from ingest.index.shapes import document_shape
from ingest.index.tables import Record, State
from ingest.mirroring import Event
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_LISTED = 20
"""Most documents that are listed one by one when a command ends; more are summed up."""

_CUT = Column(ratio=1, no_wrap=True, overflow="ellipsis")
"""A name gets what is left of a line."""

_REDRAW_SECONDS = 0.5

_BUSY = (State.QUEUED, State.RUNNING)


class Interrupted(Exception):  # noqa: N818  nothing went wrong
    """A person stopped the command; what is queued stays queued."""


def print_json(value: object) -> None:
    """Print for programs: nothing but JSON on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_json_line(value: object) -> None:
    """Print one of many values for programs, as a line at once."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def show(records: Sequence[Record], as_json: bool) -> None:
    """Print documents, a line each."""
    if as_json:
        print_json({"documents": [document_shape(record) for record in records]})
        return
    for record in records:
        out.print(_line(record), markup=False)
    if not records:
        out.print("No documents. Add some with `ingest add FOLDER`.", markup=False)


def show_collections(holdings: Sequence[Holding], as_json: bool) -> None:
    """Print what collections hold, a line each."""
    if as_json:
        shapes = [
            {
                "name": holding.collection,
                "documents": holding.documents,
                "passages": holding.passages,
                "failed": holding.failed,
            }
            for holding in holdings
        ]
        print_json({"collections": shapes})
        return
    for holding in holdings:
        counts = [_count(holding.documents, "document"), _count(holding.passages, "passage")]
        counts += [f"{holding.failed} failed"] if holding.failed else []
        out.print(f"{holding.collection}  {', '.join(counts)}", markup=False)
    if not holdings:
        out.print("No collections. Add documents with `ingest add FOLDER --collection NAME`.")


def confirm(question: str) -> None:
    """Ask whether to go on.

    Raises:
        InputError: the answer is no, or there is no terminal to ask on.
    """
    if not sys.stdin.isatty():
        raise InputError("There is no terminal to ask on.", "Say --yes if it is meant.")
    if not typer.confirm(question, err=True):
        raise InputError("Nothing was changed.", "Repeat the command to be asked again.")


def summarize(records: Sequence[Record], as_json: bool) -> None:
    """Print how work on documents ended; of many, those that were not read wholly are listed."""
    if as_json or len(records) <= _LISTED:
        show(records, as_json)
        return
    for record in records:
        if record.state == State.FAILED or record.notice:
            out.print(_line(record), markup=False)
    count = {state: sum(record.state == state for record in records) for state in State}
    named = ", ".join(f"{number} {state.value}" for state, number in count.items() if number)
    chunks = sum(record.chunks for record in records)
    kept = chunks - sum(record.embedded for record in records)
    vectors = f", {kept} of them with the vectors that they had" if kept else ""
    out.print(f"{named}: {chunks} passages{vectors}.")


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
            if not any(record.state in _BUSY for record in index.catalogue.family(ids)):
                return
            try:
                time.sleep(0.5)
            except KeyboardInterrupt:
                raise Interrupted from None
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
    bar = Progress(
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("taken in"),
        TextColumn("{task.description}", markup=False, table_column=_CUT),
        console=err,
        expand=True,
        transient=True,
        disable=not err.is_terminal,
    )
    task = bar.add_task("", total=total)
    taken = -1

    def on_next(name: str) -> None:
        nonlocal taken
        taken += 1
        bar.update(task, description=name, completed=taken)

    with bar:
        yield on_next


def tell_event(event: Event, as_json: bool) -> None:
    """Print what happened in a folder that is watched, as a line."""
    if as_json:
        print_json_line({"event": event.what, "name": event.name, "detail": event.detail})
        return
    words = {
        "renamed": f"{event.detail} → {event.name}",
        "duplicate": f"{event.name}  has the same content as {event.detail}; it is kept once",
        "waiting": event.detail,
    }
    text = words.get(event.what, f"{event.name}  {event.detail}".rstrip())
    out.print(f"{event.what}  {text}", markup=False)


def tell_ended(record: Record, as_json: bool) -> None:
    """Print how a document of a folder that is watched ended, as a line."""
    if as_json:
        shape = document_shape(record)
        print_json_line({"event": record.state.value, "name": record.name, "document": shape})
    else:
        out.print(_line(record), markup=False)


class _Display:
    """A line that tells how far the queue is, on a terminal only."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._started = time.monotonic()
        self._drawn = 0.0
        self._total = index.catalogue.unfinished()
        self.worker: Worker | None = None
        self._bar = Progress(
            BarColumn(bar_width=12),
            MofNCompleteColumn(),
            TextColumn("files, {task.fields[speed]:.0f} passages a second,"),
            TimeRemainingColumn(compact=True),
            TextColumn("left"),
            TextColumn("{task.description}", markup=False, table_column=_CUT),
            console=err,
            expand=True,
            transient=True,
            disable=not err.is_terminal,
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
            description=f"{name}, {stage} {fraction:.0%}" if fraction < 1 else name,
            completed=self._total - left,
            total=self._total,
            speed=self.worker.written / (now - self._started),
        )


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


def _line(record: Record) -> str:
    pages = f", {record.pages} pages" if record.pages else ""
    detail = f"{_count(record.chunks, 'passage')}{pages}" if record.version else ""
    parts = (record.state.value, record.name, detail, record.error or record.notice)
    return "  ".join(part for part in parts if part)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
