"""The `ingest` command: put documents in, see how they are doing, take them out."""

import json
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from ingest.index.catalogue import Outcome, Record, State
from ingest.index.errors import FootnoteError, IndexInUseError, InputError
from ingest.index.index import Index
from ingest.index.settings import read_settings
from ingest.index.shapes import document_shape
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.walking import named_files
from ingest.worker import Worker

DEFAULT_COLLECTION = "default"

app = typer.Typer(
    help="Put documents into Footnote, see how they are doing, take them out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_out = Console(highlight=False, soft_wrap=True)
_err = Console(stderr=True, highlight=False, soft_wrap=True)

Collection = Annotated[str | None, typer.Option("--collection", help="Only this collection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; folders are walked.")],
    collection: Annotated[
        str, typer.Option("--collection", help="Collection to put them in.")
    ] = DEFAULT_COLLECTION,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every file is ready or failed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read files, split, embed and index them.

    Where an assistant or a worker is running on the same data folder, it does the work;
    otherwise this command does it before it ends. Exits 1 when some file failed.
    """
    settings = read_settings(IngestSettings)
    files = named_files(paths)
    with _index(settings) as index:
        ids: list[str] = []
        refused = False
        for path, name in files:
            try:
                record, outcome = _add_file(index, path, name, collection, settings.max_file_mb)
            except FootnoteError as error:
                refused = True
                _err.print(f"{name}: {error}", markup=False)
                continue
            if record.id not in ids:
                ids.append(record.id)
            if outcome in (Outcome.REPLACED, Outcome.DUPLICATE) and not as_json:
                _err.print(_said(name, record, outcome), markup=False)
        _see_through("ingest add", index, settings, ids, wait)
        records = index.catalogue.documents(ids=ids)
        _show(records, as_json)
    if refused or any(record.state == State.FAILED for record in records):
        raise typer.Exit(1)


@app.command("list")
def list_documents(collection: Collection = None, as_json: AsJson = False) -> None:
    """List the documents and their states."""
    with _index(read_settings(IngestSettings)) as index:
        index.catalogue.require_collection(collection)
        _show(index.catalogue.documents(collection), as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Count documents by state, and say who is working."""
    with _index(read_settings(IngestSettings)) as index:
        totals = index.catalogue.totals()
        shown = {state.value: totals.get(state, 0) for state in State if state != State.REMOVING}
        owner = index.ownership.current()
        passages = index.catalogue.passages()
        if as_json:
            _print_json(
                {"documents": shown, "passages": passages, "owner": owner and owner.command}
            )
            return
        _out.print(", ".join(f"{count} {state}" for state, count in shown.items()))
        _out.print(f"{passages} passages can be searched.")
        if owner is not None:
            _out.print(f"In use by `{owner.command}` (process {owner.pid}).", markup=False)


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(help="Names or ids of documents.")],
    collection: Collection = None,
) -> None:
    """Remove documents from search, catalogue and files."""
    settings = read_settings(IngestSettings)
    with _index(settings) as index:
        records = [_find(index, name, collection) for name in names]
        ids = [record.id for record in records]
        for document_id in ids:
            index.catalogue.remove(document_id)
        _see_through("ingest remove", index, settings, ids, wait=False)
        for record in records:
            _out.print(f"{record.name} removed.", markup=False)


@app.command()
def retry(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names or ids; none: all that failed.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Index every document again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Index documents again: those named, those that failed, or all."""
    settings = read_settings(IngestSettings)
    with _index(settings) as index:
        if names:
            records = [_find(index, name, None) for name in names]
        else:
            known = index.catalogue.documents()
            records = [record for record in known if every or record.state == State.FAILED]
        for record in records:
            index.catalogue.retry(record.id)
        ids = [record.id for record in records]
        _see_through("ingest retry", index, settings, ids, wait=True)
        records = index.catalogue.documents(ids=ids)
        _show(records, as_json)
    if any(record.state == State.FAILED for record in records):
        raise typer.Exit(1)


@app.command()
def worker() -> None:
    """Work off the queue until stopped: the long-running half of a server."""
    settings = read_settings(IngestSettings)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _index(settings) as index:
        index.own("ingest worker")
        _out.print(f"Working for {settings.data_dir}. Stop with Ctrl-C.", markup=False)
        Worker(index, Pipeline(index, settings.chunk_tokens)).run(stop)


def main() -> None:
    """Run the command; errors meant for people are one sentence on standard error."""
    try:
        app()
    except FootnoteError as error:
        _err.print(str(error), markup=False)
        sys.exit(error.exit_code)


@contextmanager
def _index(settings: IngestSettings) -> Iterator[Index]:
    with closing(Index(settings)) as index:
        yield index


def _add_file(
    index: Index, path: Path, name: str, collection: str, max_file_mb: int
) -> tuple[Record, Outcome]:
    try:
        size = path.stat().st_size
        if size > max_file_mb << 20:
            raise InputError(
                f"The file has {size >> 20} MB, more than the {max_file_mb} MB that are taken.",
                "Split it, or raise FOOTNOTE_MAX_FILE_MB.",
            )
        with path.open("rb") as stream:
            return index.add_file(stream, name, collection)
    except OSError as error:
        raise InputError(
            f"The file cannot be read ({error.strerror}).", "Check its permissions."
        ) from error


def _see_through(
    command: str, index: Index, settings: IngestSettings, ids: Sequence[str], wait: bool
) -> None:
    """Have the queue worked off: here, or by whoever owns the index."""
    while True:
        try:
            index.own(command)
        except IndexInUseError:
            if not wait:
                owner = index.ownership.current()
                who = f"`{owner.command}`" if owner else "Another process"
                _err.print(f"{who} is at work on this data folder and goes on from here.")
                return
            if not _busy(index, ids):
                return
            time.sleep(0.5)
        else:
            with _progress() as report:
                pipeline = Pipeline(index, settings.chunk_tokens)
                worker = Worker(index, pipeline, report)
                worker.recover()
                while True:
                    if worker.step():
                        continue
                    if not _busy(index, ids):
                        return
                    # A document waits for its next try, or another worker has it.
                    time.sleep(0.3)


def _busy(index: Index, ids: Sequence[str]) -> bool:
    busy = (State.QUEUED, State.RUNNING)
    return any(record.state in busy for record in index.catalogue.documents(ids=ids))


@contextmanager
def _progress() -> Iterator[Callable[[str, str, float], None]]:
    """Draw one line for the document at hand, on a terminal only."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=_err, transient=True, disable=not _err.is_terminal) as bar:
        task = bar.add_task("loading the embedding model", total=1.0)
        yield lambda name, stage, fraction: bar.update(
            task, description=f"{stage} {name}", completed=fraction
        )


def _find(index: Index, name: str, collection: str | None) -> Record:
    matches = [
        record
        for record in index.catalogue.documents(collection)
        if name in (record.name, record.id)
    ]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(
            f"{name} is in several collections.", "Name one with --collection, or give the id."
        )
    raise InputError(f"There is no document called {name}.", "See `ingest list` for the names.")


def _said(name: str, record: Record, outcome: Outcome) -> str:
    if outcome == Outcome.DUPLICATE:
        return f"{name} has the same content as {record.name}; it is kept once."
    return f"{name} replaces its earlier version, which stays searchable until this one is ready."


def _show(records: Sequence[Record], as_json: bool) -> None:
    if as_json:
        _print_json({"documents": [document_shape(record) for record in records]})
        return
    for record in records:
        pages = f", {record.pages} pages" if record.pages else ""
        plural = "" if record.chunks == 1 else "s"
        detail = f"{record.chunks} passage{plural}{pages}" if record.version else ""
        reason = record.error or ""
        line = "  ".join(part for part in (record.state.value, record.name, detail, reason) if part)
        _out.print(line, markup=False)
    if not records:
        _out.print("No documents. Add some with `ingest add FOLDER`.", markup=False)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    main()
