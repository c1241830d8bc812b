"""The catalogue's tables, and what a row is.

`Catalogue` and `Collections` (for people and readers) and `ingest.queue.Queue` (for workers)
are the faces of these tables; nothing else touches them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping


class State(StrEnum):
    """What a document is at; `REMOVING` is never shown, it ends with the row."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    REMOVING = "removing"


@dataclass(frozen=True, slots=True)
class Record:
    """One document as the catalogue knows it.

    Attributes:
        parent: id of the document that it came in, an e-mail or an archive; None for others.
        replaces: id of the document that goes, with all that came in it, as soon as this one
            and all that comes in it are done: what it was called before. None for others.
        stage: what a worker is doing with it, in a word, while `running`.
        fraction: how far the stage is, in [0, 1].
        error: why it failed, or why it waits, with the next step.
        notice: what of the searchable version was not read, why, and what would read it;
            empty where all was.
        sha256: SHA-256 of the content that is wanted.
        version: SHA-256 of the content that is searchable, None before the first success.
        size: bytes of the wanted content.
        modified: when the file of the wanted content was last changed, or, where that is not
            known, when it was added; whole seconds since the epoch.
        dated: `modified` of the searchable version.
        kind: what the searchable version was read as (see `Document`), empty before the first.
        language: ISO 639-1 code of the searchable version's; empty where it does not tell.
        chunks, pages, characters: of the searchable version; pages None where there are none.
        embedded: how many of those chunks were embedded; the others had their vectors already.
        from_text: whether the text that was read of the wanted content serves again.
        attempts: how often work on the wanted content began and was neither done nor let go.
    """

    id: str
    collection: str
    name: str
    parent: str | None
    replaces: str | None
    state: State
    stage: str
    fraction: float
    error: str | None
    notice: str
    sha256: str
    version: str | None
    size: int
    modified: int
    dated: int
    kind: str
    language: str
    chunks: int
    embedded: int
    pages: int | None
    characters: int
    from_text: bool
    attempts: int
    updated: float


metadata = sa.MetaData()

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("collection", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("parent", sa.String(36), index=True),
    sa.Column("replaces", sa.String(36), index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("stage", sa.Text, nullable=False, default=""),
    sa.Column("fraction", sa.Float, nullable=False, default=0.0),
    sa.Column("error", sa.Text),
    sa.Column("notice", sa.Text, nullable=False, default=""),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("version", sa.String(64), index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("modified", sa.BigInteger, nullable=False, default=0),
    sa.Column("dated", sa.BigInteger, nullable=False, default=0),
    sa.Column("kind", sa.Text, nullable=False, default=""),
    sa.Column("language", sa.Text, nullable=False, default=""),
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("embedded", sa.Integer, nullable=False, default=0),
    sa.Column("pages", sa.Integer),
    sa.Column("characters", sa.BigInteger, nullable=False, default=0),
    sa.Column("from_text", sa.Boolean, nullable=False, default=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due", sa.Float, nullable=False, default=0.0),
    sa.Column("worker", sa.Text, index=True),
    sa.Column("lease_until", sa.Float),
    sa.Column("updated", sa.Float, nullable=False),
    sa.UniqueConstraint("collection", "name"),
    # Each file that is added looks for its twins. With an index of the content alone, SQLite
    # goes through the collection instead.
    sa.Index("documents_content", "sha256", "collection"),
    # In the order in which the documents of a state are claimed.
    sa.Index("documents_queue", "state", "attempts", "updated", "id"),
)

discarded = sa.Table(
    "discarded",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
)
"""Content that a document let go of, until a worker has seen to its files."""

facts = sa.Table(
    "facts",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

rebuilds = sa.Table(
    "rebuilds",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("retired", sa.Boolean, nullable=False, default=False),
    sa.Column("model", sa.Text, nullable=False, default=""),
    sa.Column("precision", sa.String(16), nullable=False, default="auto"),
    sa.Column("fingerprint", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("failed", sa.Boolean, nullable=False, default=False),
    sa.Column("document", sa.Text, nullable=False, default=""),
    sa.Column("worker", sa.Text),
    sa.Column("lease_until", sa.Float),
)
"""The generation of the index that is being built, and those whose store has to be removed."""

rebuilt = sa.Table(
    "rebuilt",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("document", sa.String(36), primary_key=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
)
"""Documents that are in a generation that is being built, or cannot be, and why."""

SHOWN = documents.c.state != State.REMOVING
SEARCHABLE = documents.c.version.is_not(None) & SHOWN
_FIELDS = tuple(Record.__dataclass_fields__)
COLUMNS = [documents.c[name] for name in _FIELDS]


def record_of(row: RowMapping) -> Record:
    """Return the record in a row that has `COLUMNS`."""
    return Record(**{name: row[name] for name in _FIELDS} | {"state": State(row["state"])})


def one(connection: Connection, where: sa.ColumnElement[bool]) -> Record | None:
    """Return the first document for which `where` holds, or None."""
    row = connection.execute(sa.select(*COLUMNS).where(where)).mappings().first()
    return record_of(row) if row is not None else None


def known(connection: Connection, key: str) -> Record:
    """Return the document with this id, which there is."""
    record = one(connection, documents.c.id == key)
    assert record is not None
    return record


# Adding many files asks this for each; putting a statement together takes longer than its answer.
_TWINS = (
    (documents.c.collection == sa.bindparam("collection"))
    & (documents.c.sha256 == sa.bindparam("content"))
    & documents.c.parent.is_(None)
    & SHOWN
)
_NAMESAKE_AND_TWINS = sa.select(*COLUMNS, _TWINS.label("twin")).where(
    (documents.c.id == sa.bindparam("key")) | _TWINS
)
_INSERT = documents.insert().returning(*COLUMNS)


def twins_of(connection: Connection, collection: str, sha256: str) -> list[Record]:
    """Return the documents of a collection that want this content and came by themselves."""
    asked = {"collection": collection, "content": sha256}
    rows = connection.execute(sa.select(*COLUMNS).where(_TWINS), asked).mappings()
    return [record_of(row) for row in rows]


def namesake_and_twins(
    connection: Connection, key: str, collection: str, sha256: str
) -> tuple[Record | None, list[Record]]:
    """Return the document with this id, and the twins as `twins_of` does, in one query."""
    asked = {"key": key, "collection": collection, "content": sha256}
    namesake, twins = None, []
    for row in connection.execute(_NAMESAKE_AND_TWINS, asked).mappings():
        record = record_of(row)
        if row["twin"]:
            twins.append(record)
        if record.id == key:
            namesake = record
    return namesake, twins


def insert(connection: Connection, values: Mapping[str, object]) -> Record:
    """Write a new document and return it."""
    return record_of(connection.execute(_INSERT, dict(values)).mappings().one())


def queued(now: float) -> dict[str, object]:
    """Return the columns of a document that waits for its first try."""
    return {
        "state": State.QUEUED,
        "stage": "",
        "fraction": 0.0,
        "error": None,
        "from_text": False,
        "attempts": 0,
        "due": 0.0,
        "updated": now,
    }


def change(connection: Connection, key: str, values: Mapping[str, object]) -> None:
    """Set columns of one document."""
    connection.execute(documents.update().where(documents.c.id == key).values(values))


def change_all(connection: Connection, keys: Collection[str], values: Mapping[str, object]) -> None:
    """Set columns of several documents to the same."""
    connection.execute(documents.update().where(documents.c.id.in_(list(keys))).values(values))


def discard(connection: Connection, contents: set[str | None]) -> None:
    """Note that a document lets go of these contents; another may still use them.

    The transaction has to be alone.
    """
    for content in contents - {None}:
        known = sa.select(sa.exists().where(discarded.c.sha256 == content))
        if not connection.execute(known).scalar_one():
            connection.execute(discarded.insert().values(sha256=content))


def ask_again(connection: Connection, old: Record, wanted: Mapping[str, object]) -> None:
    """Have a document that there is, or that is being cleared away, hold other content.

    The transaction has to be alone.
    """
    discard(connection, {old.sha256, old.version})
    if old.state == State.REMOVING:
        # What is being cleared away must not come back; only the new content counts.
        wanted = {"replaces": None, **wanted, "version": None, "chunks": 0}
    else:
        wanted = {name: value for name, value in wanted.items() if name != "parent"}
    change(connection, old.id, wanted)


def mark_removing(connection: Connection, where: sa.ColumnElement[bool]) -> None:
    """Take documents, and all that came in them, out of every list and search.

    Who holds one of them goes on holding it: a document never has two workers.
    """
    while keys := list(connection.execute(sa.select(documents.c.id).where(where, SHOWN)).scalars()):
        change_all(connection, keys, {"state": State.REMOVING, "due": 0.0, "attempts": 0})
        where = documents.c.parent.in_(keys)


def end_replacement(connection: Connection, record: Record) -> None:
    """Remove what a document replaces where that document, and all that came in it, is done.

    Args:
        record: what was just done: that document, or what came in it.
    """
    if record.parent is None and record.replaces is None:
        return
    root: Record | None = record
    while root is not None and root.parent is not None:
        root = one(connection, documents.c.id == root.parent)
    root = one(connection, documents.c.id == root.id) if root is not None else None
    if root is None or root.replaces is None or root.state != State.READY:
        return
    busy = {State.QUEUED, State.RUNNING}
    inside = [root.id]
    while inside:
        query = sa.select(documents.c.id, documents.c.state).where(documents.c.parent.in_(inside))
        rows = connection.execute(query).all()
        if any(row.state in busy for row in rows):
            return
        inside = [row.id for row in rows]
    change(connection, root.id, {"replaces": None})
    mark_removing(connection, documents.c.id == root.replaces)
