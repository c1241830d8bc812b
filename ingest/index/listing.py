"""The catalogue seen as a list that a person filters, sorts and leafs through.

Made by the database, so that ten thousand documents cost no more than the page in view.
"""

from dataclasses import dataclass
from typing import Literal

import sqlalchemy as sa

from ingest.index.database import Database
from ingest.index.tables import COLUMNS, SHOWN, Record, State, documents, record_of

Order = Literal["name", "state", "size", "chunks", "pages", "updated"]

MOST_ROWS = 500


@dataclass(frozen=True, slots=True)
class CollectionTotals:
    """What one collection holds; `passages` counts what can be searched."""

    name: str
    documents: int
    ready: int
    busy: int
    failed: int
    passages: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What all collections hold.

    Attributes:
        revision: changes whenever a document is added, removed, or changes its state.
    """

    collections: tuple[CollectionTotals, ...]
    revision: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents to list; None and empty leave a field open.

    Attributes:
        text: part of the name, in any case.
    """

    text: str = ""
    collection: str | None = None
    state: State | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Which of the wanted documents to return, `limit` from `offset` on, in which order."""

    order: Order = "name"
    descending: bool = False
    offset: int = 0
    limit: int = 100


def overview(database: Database) -> Overview:
    """Count documents and passages by collection."""
    table = documents.c
    searchable = sa.case((table.version.is_not(None), table.chunks), else_=0)
    query = (
        sa.select(
            table.collection,
            table.state,
            sa.func.count(),
            sa.func.sum(searchable),
            sa.func.max(table.updated),
        )
        .where(SHOWN)
        .group_by(table.collection, table.state)
        .order_by(table.collection)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    counts: dict[str, dict[State, int]] = {}
    passages: dict[str, int] = {}
    for collection, state, count, chunks, _ in rows:
        counts.setdefault(collection, {})[State(state)] = count
        passages[collection] = passages.get(collection, 0) + int(chunks or 0)
    totals = tuple(
        CollectionTotals(
            name=name,
            documents=sum(states.values()),
            ready=states.get(State.READY, 0),
            busy=states.get(State.QUEUED, 0) + states.get(State.RUNNING, 0),
            failed=states.get(State.FAILED, 0),
            passages=passages[name],
        )
        for name, states in counts.items()
    )
    return Overview(totals, f"{hash(tuple(map(tuple, rows))) & 0xFFFFFFFFFFFF:x}")


def rows(database: Database, wanted: Wanted, part: Part = Part()) -> tuple[list[Record], int]:
    """Return a part of the wanted documents, and how many there are in all."""
    table = documents.c
    where = [SHOWN]
    if wanted.text:
        where.append(table.name.icontains(wanted.text, autoescape=True))
    if wanted.collection is not None:
        where.append(table.collection == wanted.collection)
    if wanted.state is not None:
        # A person does not tell waiting from working.
        busy = (State.QUEUED, State.RUNNING)
        where.append(table.state.in_(busy if wanted.state in busy else (wanted.state,)))
    column = sa.func.lower(table.name) if part.order == "name" else table[part.order]
    chosen = column.desc().nulls_last() if part.descending else column.asc().nulls_last()
    query = (
        sa.select(*COLUMNS)
        .where(*where)
        .order_by(chosen, table.name, table.id)
        .offset(part.offset)
        .limit(min(part.limit, MOST_ROWS))
    )
    with database.read() as connection:
        found = [record_of(row) for row in connection.execute(query).mappings()]
        total = connection.execute(sa.select(sa.func.count()).where(*where)).scalar_one()
    return found, int(total)
