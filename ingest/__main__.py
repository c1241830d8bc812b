"""The `ingest` command: put documents in, see how they are doing, take them out."""

import logging
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ingest.adding import add_source, named_sources
from ingest.choosing import chosen, find, require_choice
from ingest.console import (
    confirm,
    err,
    out,
    print_json,
    show,
    show_collections,
    summarize,
    tell_ended,
    tell_event,
)
from ingest.index.catalogue import Outcome
from ingest.index.errors import FootnoteError, InputError
from ingest.index.settings import read_settings
from ingest.index.tables import Record, State
from ingest.mirroring import Mirror, owned_folder
from ingest.pipeline import Pipeline
from ingest.progress import Interrupted, open_index, see_through, stop_on_interrupt, taking_in
from ingest.reindexing import reindex
from ingest.settings import IngestSettings
from ingest.transferring import transfer
from ingest.worker import Worker

DEFAULT_COLLECTION = "default"

app = typer.Typer(
    help="Put documents into Footnote, see how they are doing, take them out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(reindex)
app.command()(transfer)

Collection = Annotated[str | None, typer.Option("--collection", help="Only this collection.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...", help="Files, folders (they are walked) and https:// addresses."
        ),
    ],
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
    given = named_sources(sources)
    with open_index(settings) as index:
        ids: dict[str, None] = {}
        refused = False
        with taking_in(len(given)) as on_next:
            for source, name in given:
                on_next(name)
                try:
                    record, outcome = add_source(index, source, name, collection, settings)
                except FootnoteError as error:
                    refused = True
                    err.print(f"{name}: {error}", markup=False)
                    continue
                ids[record.id] = None
                if outcome in (Outcome.REPLACED, Outcome.DUPLICATE) and not as_json:
                    err.print(_said(name, record, outcome), markup=False)
        if ids:
            see_through("ingest add", index, settings, list(ids), wait)
        records = index.catalogue.family(list(ids))
        if ids or as_json:
            summarize(records, as_json)
    if refused or any(record.state == State.FAILED for record in records):
        raise typer.Exit(1)


@app.command("list")
def list_documents(collection: Collection = None, as_json: AsJson = False) -> None:
    """List the documents and their states."""
    with open_index(read_settings(IngestSettings)) as index:
        index.catalogue.require_collection(collection)
        show(index.catalogue.documents(collection), as_json)


@app.command()
def status(as_json: AsJson = False) -> None:
    """Count documents by state, and say who is working at what."""
    with open_index(read_settings(IngestSettings)) as index:
        totals = index.catalogue.totals()
        shown = {state.value: totals.get(state, 0) for state in State if state != State.REMOVING}
        owner = index.ownership.current()
        passages = index.catalogue.passages()
        rebuild = index.rebuilds.wanted()
        far = index.rebuilds.progress(rebuild.number) if rebuild is not None else None
        if as_json:
            building = rebuild and far and {"model": rebuild.model, "documents": far.documents}
            who = owner and owner.command
            found = {"documents": shown, "passages": passages, "owner": who, "reindex": building}
            print_json(found)
            return
        out.print(", ".join(f"{count} {state}" for state, count in shown.items()))
        out.print(f"{passages} passages can be searched.")
        if owner is not None:
            out.print(f"In use by `{owner.command}` (process {owner.pid}).", markup=False)
        if rebuild is not None and far is not None:
            out.print(
                f"Being built anew with {rebuild.model}: {far.documents} of {far.of_documents} "
                f"documents. {rebuild.error or ''}",
                markup=False,
            )


@app.command()
def collections(as_json: AsJson = False) -> None:
    """List the collections and what they hold."""
    with open_index(read_settings(IngestSettings)) as index:
        show_collections(index.collections.holdings(), as_json)


@app.command()
def remove(
    names: Annotated[list[str] | None, typer.Argument(help="Names or ids of documents.")] = None,
    collection: Collection = None,
    every: Annotated[bool, typer.Option("--all", help="All documents of the collection.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --all: do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove documents from search, catalogue and files."""
    require_choice(names, every, collection)
    settings = read_settings(IngestSettings)
    with open_index(settings) as index:
        records = chosen(index, names, collection)
        if every and not yes:
            confirm(f"Remove all {len(records)} documents of {collection}?")
        if every and collection is not None:
            index.collections.remove(collection)
        else:
            for record in records:
                index.catalogue.remove(record.id)
        see_through("ingest remove", index, settings, [record.id for record in records], False)
    if as_json:
        show(records, as_json)
    elif every:
        out.print(f"{len(records)} documents of {collection} removed.", markup=False)
    else:
        for record in records:
            out.print(f"{record.name} removed.", markup=False)


@app.command()
def move(
    to: Annotated[str, typer.Option("--to", help="Collection to move them to.")],
    names: Annotated[list[str] | None, typer.Argument(help="Names or ids of documents.")] = None,
    collection: Annotated[
        str | None, typer.Option("--collection", help="Collection that they are in.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All documents of the collection.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move documents, with what came in them, to another collection; nothing is embedded anew.

    A document is searched where it was until it is ready where it goes. Exits 1 when one
    cannot go there.
    """
    if to.startswith(("http://", "https://")):
        raise InputError(
            f"{to} is no collection.", f"To copy the index to that server: `ingest transfer {to}`."
        )
    require_choice(names, every, collection)
    settings = read_settings(IngestSettings)
    with open_index(settings) as index:
        ids: dict[str, None] = {}
        refused = False
        for record in chosen(index, names, collection):
            if every and record.parent is not None:
                continue  # it follows what it came in
            try:
                there, outcome = index.move(record.id, to)
            except FootnoteError as error:
                refused = True
                err.print(f"{record.name}: {error}", markup=False)
                continue
            ids[there.id] = None
            if outcome == Outcome.DUPLICATE and not as_json:
                err.print(_said(record.name, there, outcome), markup=False)
        see_through("ingest move", index, settings, list(ids), wait=False)
        records = index.catalogue.family(list(ids))
        summarize(records, as_json)
    if refused or any(record.state == State.FAILED for record in records):
        raise typer.Exit(1)


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
    with open_index(settings) as index:
        if names:
            records = find(index, names, None)
        else:
            known = index.catalogue.documents()
            records = [record for record in known if every or record.state == State.FAILED]
        for record in records:
            index.catalogue.retry(record.id)
        ids = [record.id for record in records]
        see_through("ingest retry", index, settings, ids, wait=True)
        records = index.catalogue.family(ids)
        summarize(records, as_json)
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
    with open_index(settings) as index:
        index.own("ingest worker")
        out.print(f"Working for {settings.data_dir}. Stop with Ctrl-C.", markup=False)
        if index.outgrown:
            out.print(index.outgrown)
        Worker(index, Pipeline(index, settings)).run(stop)


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(help="The folder.")],
    collection: Annotated[
        str | None, typer.Option("--collection", help="Its collection; else called like it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Keep a collection equal to a folder until stopped: added, changed, renamed, removed.

    Where an assistant or a worker is running on the same data folder, it does the work;
    otherwise this command does. With --json, prints a line of JSON for each thing that happens.
    """
    from ingest.watching import Watch

    settings = read_settings(IngestSettings)
    with open_index(settings) as index, stop_on_interrupt() as stop:
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        path, name = owned_folder(index, folder, collection)
        err.print(f"Keeping the collection {name} equal to {path}. Stop with Ctrl-C.", markup=False)
        mirror = Mirror(index, path, name, settings, partial(tell_event, as_json=as_json))
        Watch(
            mirror,
            index,
            settings,
            path,
            on_ended=partial(tell_ended, as_json=as_json),
            on_trouble=partial(err.print, markup=False),
        ).run(stop)


def main() -> None:
    """Run the command; errors meant for people are one sentence on standard error."""
    try:
        app()
    except Interrupted as stopped:
        err.print(str(stopped), markup=False)
        sys.exit(130)
    except FootnoteError as error:
        err.print(str(error), markup=False)
        sys.exit(error.exit_code)


def _said(name: str, record: Record, outcome: Outcome) -> str:
    if outcome == Outcome.DUPLICATE:
        return f"{name} has the same content as {record.name}; it is kept once."
    return f"{name} replaces its earlier version, which stays searchable until this one is ready."


if __name__ == "__main__":
    main()
