"""`ingest reindex` as a person sees it: asked for, watched, ended."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.console import err, out, print_json, show
from ingest.index.embedding import Embedder, Fingerprint
from ingest.index.errors import FootnoteError, IndexInUseError, InputError
from ingest.index.index import Index
from ingest.index.rebuilds import Rebuild
from ingest.index.settings import Precision, model_name, read_settings
from ingest.index.tables import State
from ingest.pipeline import Pipeline
from ingest.progress import CUT, Interrupted, open_index, stop_on_interrupt
from ingest.rebuilding import remove_retired
from ingest.settings import IngestSettings
from ingest.worker import Worker

COMMAND = "ingest reindex"

_LOOK_SECONDS = 0.5


def reindex(
    model: Annotated[
        str | None, typer.Option("--model", help="Embedding model, by name or folder.")
    ] = None,
    give_up: Annotated[
        bool, typer.Option("--cancel", help="Give up what is being built, and remove it.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Build the index anew with another embedding model, from the stored texts.

    The index that is there answers until the new one is complete. A command that was stopped or
    killed goes on where it was. Exits 1 when some document could not be brought over.
    """
    if (model is None) is not give_up:
        raise InputError("Say which model, or to give up.", "Use --model NAME or --cancel.")
    settings = read_settings(IngestSettings)
    # The index's own model is the one to begin with, even where the new one is set already.
    own = {"embedding_model": None, "embedding_precision": "auto"}
    with open_index(settings.model_copy(update=own)) as index:
        if model is None:
            cancel(index)
        elif build_anew(settings, index, model, as_json):
            raise typer.Exit(1)


def build_anew(settings: IngestSettings, index: Index, model: str, as_json: bool) -> list[str]:
    """Build the index anew with a model, here or by whoever owns it; return who failed.

    Args:
        settings: as they were read.
        index: opened without the settings' model, which may be the new one already.

    Returns:
        Ids of the documents that could not be brought over.

    Raises:
        InputError: it is being built with another model, or was given up meanwhile.
        FootnoteError: it cannot be built; what is there goes on answering.
        Interrupted: a person pressed Ctrl-C.
    """
    name, precision = model_name(model), settings.embedding_precision
    before = {record.id for record in index.catalogue.documents() if record.state == State.FAILED}
    if index.rebuilds.wanted() is None and _is_there_already(index, name, precision):
        err.print(f"The index has {index.fingerprint} already.", markup=False)
    else:
        _see_through(index, settings, index.rebuilds.request(name, precision))
    failed = [
        record
        for record in index.catalogue.documents()
        if record.state == State.FAILED and record.id not in before
    ]
    fingerprint = index.fingerprint
    assert fingerprint is not None
    _tell(index, fingerprint, as_json)
    if not as_json and failed:
        show(failed, as_json)
    if settings.embedding_model not in (None, fingerprint.model):
        err.print(
            f"FOOTNOTE_EMBEDDING_MODEL names {settings.embedding_model}, which is refused from now "
            f"on: unset it, or set it to {fingerprint.model}.",
            markup=False,
        )
    return [record.id for record in failed]


def cancel(index: Index) -> None:
    """Give up the index that is being built, and remove what there is of it.

    Raises:
        InputError: none is being built.
    """
    given_up = index.rebuilds.cancel()
    if given_up is None:
        raise InputError(
            "No index is being built anew.", "Begin with `ingest reindex --model NAME`."
        )
    try:
        index.own(COMMAND)
    except IndexInUseError:
        owner = index.ownership.current()
        who = f"`{owner.command}`" if owner else "the process at work here"
        left = f"; {who} removes what was built"
    else:
        remove_retired(index)
        left = ""
    err.print(f"The index with {given_up.model} is given up{left}.", markup=False)


def _is_there_already(index: Index, name: str, precision: Precision) -> bool:
    """Whether what is asked for is what the index has: its model, weights and precision."""
    recorded = index.fingerprint
    if recorded is None or recorded.model != name:
        return False
    return Embedder(name, precision).fingerprint == recorded


def _see_through(index: Index, settings: IngestSettings, rebuild: Rebuild) -> None:
    """Build, where nobody else owns the index; watch its owner do so otherwise."""

    def over() -> bool:
        now = index.rebuilds.wanted()
        ended = now is None or now.number != rebuild.number or now.failed
        return ended and not index.rebuilds.retired()

    with stop_on_interrupt() as stop, _display(index, rebuild.number):
        while not (over() or stop.is_set()):
            try:
                index.own(COMMAND)
            except IndexInUseError:
                stop.wait(_LOOK_SECONDS)
            else:
                Worker(index, Pipeline(index, settings)).run(stop, 0.3, done=over)
    now = index.rebuilds.wanted()
    if now is not None and now.number == rebuild.number:
        if stop.is_set():
            raise Interrupted
        raise FootnoteError(
            f"The index was not built anew: {now.error}",
            "What is there goes on answering; the same command goes on where this one ended.",
        )
    if index.generation_number != rebuild.number:
        raise InputError("The new index was given up.", "Begin again, if that was not meant.")


def _tell(index: Index, fingerprint: Fingerprint, as_json: bool) -> None:
    documents = sum(index.catalogue.totals().values())
    passages = index.catalogue.passages()
    if as_json:
        print_json(
            {
                "model": fingerprint.model,
                "precision": fingerprint.precision,
                "dimension": fingerprint.dimension,
                "documents": documents,
                "passages": passages,
            }
        )
        return
    out.print(
        f"Searches are answered with {fingerprint}: {documents} documents, {passages} passages.",
        markup=False,
    )


@contextmanager
def _display(index: Index, number: int) -> Iterator[None]:
    """Show on a terminal how far a generation is, whoever builds it."""
    bar = Progress(
        BarColumn(bar_width=12),
        TextColumn(
            "{task.fields[documents]} documents, {task.fields[speed]:.0f} passages a second,"
        ),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        TextColumn("{task.description}", markup=False, table_column=CUT),
        console=err,
        expand=True,
        transient=True,
        disable=not err.is_terminal,
    )
    task = bar.add_task("loading the embedding model", documents="0/0", speed=0.0)
    ended = threading.Event()
    told: set[str] = set()

    def look() -> None:
        started, first = time.monotonic(), None
        while not ended.wait(_LOOK_SECONDS):
            now = index.rebuilds.wanted()
            if now is None or now.number != number:
                continue
            if now.error is not None and not now.failed and now.error not in told:
                told.add(now.error)
                err.print(now.error, markup=False)
            far = index.rebuilds.progress(number)
            first = far.passages if first is None else first
            words = "loading the embedding model" if now.fingerprint is None else now.document
            bar.update(
                task,
                description=words,
                completed=far.passages,
                total=far.of_passages,
                documents=f"{far.documents}/{far.of_documents}",
                speed=(far.passages - first) / (time.monotonic() - started),
            )

    thread = threading.Thread(target=_unless_away(look), name="display", daemon=True)
    with bar:
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _unless_away(look: Callable[[], None]) -> Callable[[], None]:
    def run() -> None:
        try:
            look()
        except FootnoteError as error:  # the database is away; whoever builds says so as well
            err.print(str(error), markup=False)

    return run
