"""What the `ingest` command prints: documents, collections, events, how work ended."""

import json
import sys
from collections.abc import Sequence

import typer
from rich.console import Console

from ingest.index.collections import Holding
from ingest.index.errors import InputError
from ingest.index.shapes import document_shape
from ingest.index.tables import Record, State
from ingest.mirroring import Event

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_LISTED = 20
"""Most documents that are listed one by one when a command ends; more are summed up."""


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


def _line(record: Record) -> str:
    pages = f", {record.pages} pages" if record.pages else ""
    detail = f"{_count(record.chunks, 'passage')}{pages}" if record.version else ""
    parts = (record.state.value, record.name, detail, record.error or record.notice)
    return "  ".join(part for part in parts if part)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
