"""`ingest transfer`: an embedded index to a Qdrant server, with its vectors."""

import random
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.console import err, out, print_json
from ingest.index.errors import InputError, StoreError
from ingest.index.index import Index
from ingest.index.keywords import Keywords
from ingest.index.settings import IndexSettings, read_settings
from ingest.index.store import Entry, Hit, Store, Where, open_store, store_name
from ingest.progress import Interrupted, open_index, stop_on_interrupt
from ingest.settings import IngestSettings

COMMAND = "ingest transfer"

SEARCHES = 100
"""Searches whose results are compared."""

AGREEMENT = 0.95
"""Least share of the best hits that both stores must have in common, on average: a server
searches a large collection by an approximate graph, which may miss one now and then."""

_BEST, _AMONG = 5, 20
"""The best hits of one store have to be among so many of the other: scores may be equal."""

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Transferred:
    """What was done: passages on the server, those copied by this call, and the agreement."""

    passages: int
    copied: int
    agreement: float


def transfer(
    url: Annotated[str, typer.Argument(help="Address of the Qdrant server.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Copy an embedded index to a Qdrant server, with its vectors, and compare the two.

    Nothing is embedded anew. A command that was stopped or killed goes on where it was.
    """
    settings = read_settings(IngestSettings)
    with open_index(settings) as index:
        carry_over(settings, index, url, as_json)


def carry_over(settings: IndexSettings, index: Index, url: str, as_json: bool) -> None:
    """Copy an embedded index to a server, compare the two, and say what to set.

    Raises:
        InputError: the index is on a server already, is being built anew, or is empty.
        IndexInUseError: another process has it open.
        StoreError: the server is away, holds something else, or answers otherwise.
        Interrupted: a person pressed Ctrl-C; the next call goes on.
    """
    if not index.embedded:
        raise InputError(
            f"This index is on the Qdrant server at {settings.qdrant_url} already.",
            "Unset FOOTNOTE_QDRANT_URL to copy the index of the data folder.",
        )
    index.own(COMMAND)
    fingerprint = index.fingerprint
    if fingerprint is None or not index.catalogue.is_searchable():
        raise InputError(
            "This index is empty.", f"Set FOOTNOTE_QDRANT_URL={url} and add documents."
        )
    if index.rebuilds.wanted() is not None:
        raise InputError(
            "The index is being built anew with another model.",
            "Let `ingest reindex` end, or give it up with --cancel, and transfer it then.",
        )
    server = settings.model_copy(update={"qdrant_url": url})
    number = index.generation_number
    with (
        closing(open_store(server, fingerprint.dimension, number)) as target,
        stop_on_interrupt() as stop,
        _display(index.catalogue.passages()) as tell,
    ):
        known = {record.id for record in index.catalogue.documents()}
        copied = copy(index.store, target, known, lambda done: tell(done, stop))
        done = compare(index.store, target)
    _say(Transferred(done.passages, copied, done.agreement), index, url, as_json)


def copy(
    source: Store, target: Store, documents: Iterable[str], on_progress: Callable[[int], None]
) -> int:
    """Copy what the target lacks; return the number of passages that were copied.

    Args:
        documents: ids of the documents of this index; what the target holds of others is
            somebody else's.
        on_progress: called with the number of passages that are there. What it raises ends it.

    Raises:
        StoreError: the target holds documents of another index.
    """
    wanted, there = source.editions(), target.editions()
    if foreign := {document for document, _ in there} - set(documents):
        raise StoreError(
            f"The collection on the server holds {len(foreign)} documents of another index.",
            "Choose another FOOTNOTE_QDRANT_COLLECTION, or delete that collection.",
            retryable=False,
        )
    for edition, count in there.items():
        if wanted.get(edition) != count:
            target.delete_version(*edition)
    done = sum(count for edition, count in there.items() if wanted.get(edition) == count)
    copied = 0
    on_progress(done)
    entries = (
        entry
        for edition, count in wanted.items()
        if there.get(edition) != count
        for entry in source.entries(*edition)
    )
    while batch := list(islice(entries, _BATCH)):
        target.upsert(batch)
        copied += len(batch)
        on_progress(done + copied)
    target.flush()
    return copied


def compare(source: Store, target: Store) -> Transferred:
    """Compare two stores by counts, and by searches for passages chosen at random.

    Raises:
        StoreError: they do not hold the same, or do not find the same.
    """
    wanted, there = source.editions(), target.editions()
    if wanted != there:
        differ = sum(there.get(edition) != count for edition, count in wanted.items())
        raise StoreError(
            f"{differ} documents are not whole on the server.",
            "Start the same command again: it copies what is missing.",
        )
    shares = [
        share for entry in _chosen(source, SEARCHES) for share in _shares(source, target, entry)
    ]
    agreement = sum(shares) / len(shares)
    if agreement < AGREEMENT:
        raise StoreError(
            f"The server finds {agreement:.0%} of what the index here finds.",
            "Wait until the server has indexed its collection, and start the same command again.",
        )
    return Transferred(sum(there.values()), 0, agreement)


def _chosen(store: Store, count: int) -> Iterator[Entry]:
    """Yield entries at random, with repetition, each passage as likely as another."""
    chance = random.Random(0)
    editions = store.editions()
    for edition in chance.choices(list(editions), weights=list(editions.values()), k=count):
        ids = [chunk_id for chunk_id, _ in store.texts(*edition)]
        wanted = chance.choice(ids)
        yield next(entry for entry in store.entries(*edition) if entry.chunk.id == wanted)


def _shares(source: Store, target: Store, entry: Entry) -> Iterator[float]:
    """Yield, for each list of a search, which share of the best hits here the other has too."""
    question = Keywords(entry.keywords.indices, [1.0] * len(entry.keywords.indices))
    where = Where(collection=entry.collection)
    here = source.search(entry.vector, question, _BEST, where)
    other = target.search(entry.vector, question, _AMONG, where)
    for best, among in ((here.dense, other.dense), (here.keywords, other.keywords)):
        if best:
            yield len(_ids(best) & _ids(among)) / len(best)


def _ids(hits: Iterable[Hit]) -> set[str]:
    return {hit.chunk_id for hit in hits}


@contextmanager
def _display(total: int) -> Iterator[Callable[[int, threading.Event], None]]:
    bar = Progress(
        BarColumn(bar_width=12),
        MofNCompleteColumn(),
        TextColumn("passages copied,"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    task = bar.add_task("", total=total)

    def tell(done: int, stop: threading.Event) -> None:
        if stop.is_set():
            raise Interrupted("Stopped. What is copied is kept; the same command goes on.")
        bar.update(task, completed=done)

    with bar:
        yield tell


def _say(done: Transferred, index: Index, url: str, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "url": url,
                "passages": done.passages,
                "copied": done.copied,
                "searches": SEARCHES,
                "agreement": round(done.agreement, 4),
            }
        )
        return
    folder = store_name("edge", index.generation_number)
    out.print(
        f"{done.passages} passages are on the server, {done.copied} of them copied now; "
        f"{SEARCHES} searches found {done.agreement:.1%} of the same.",
        markup=False,
    )
    out.print(
        f"Set FOOTNOTE_QDRANT_URL={url} for every command from now on. Catalogue and files stay in "
        f"{index.settings.data_dir}; its folder {folder} can be deleted then.",
        markup=False,
    )
