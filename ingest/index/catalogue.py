"""The catalogue: what is queued, running, ready or failed, and why. It is the truth.

One row is one document, known by its collection and name. `sha256` is the content that is
wanted; `version` is the content that searches answer from. They differ while a new version
is being indexed, or after that failed: the old version then stays. Store and files follow
the catalogue: what it does not name does not count, and is swept away.

A worker holds a row by a lease that it renews; when a worker dies its lease runs out and
the row is claimed again.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping
from sqlalchemy.exc import SQLAlchemyError

from ingest.index.database import open_engine, reason
from ingest.index.documents import document_id
from ingest.index.errors import DataFolderError, InputError


class State(StrEnum):
    """What a document is at; `REMOVING` is never shown, it ends with the row."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    REMOVING = "removing"


class Outcome(StrEnum):
    """What adding a file did."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class Record:
    """One document as the catalogue knows it.

    Attributes:
        stage: what a worker is doing with it, in a word, while `running`.
        fraction: how far the stage is, in [0, 1].
        error: why it failed, with the next step, while `failed`.
        sha256: SHA-256 of the content that is wanted.
        version: SHA-256 of the content that is searchable, None before the first success.
        size: bytes of the wanted content.
        chunks, pages, characters: of the searchable version; pages None where there are none.
        attempts: tries at the wanted content so far.
    """

    id: str
    collection: str
    name: str
    state: State
    stage: str
    fraction: float
    error: str | None
    sha256: str
    version: str | None
    size: int
    chunks: int
    pages: int | None
    characters: int
    attempts: int
    updated: float


_LOCK = 0x466F6F74
"""Key of Footnote's advisory lock in a PostgreSQL database."""

_metadata = sa.MetaData()

_documents = sa.Table(
    "documents",
    _metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("collection", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("stage", sa.Text, nullable=False, default=""),
    sa.Column("fraction", sa.Float, nullable=False, default=0.0),
    sa.Column("error", sa.Text),
    sa.Column("sha256", sa.String(64), nullable=False, index=True),
    sa.Column("version", sa.String(64), index=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("chunks", sa.Integer, nullable=False, default=0),
    sa.Column("pages", sa.Integer),
    sa.Column("characters", sa.BigInteger, nullable=False, default=0),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("due", sa.Float, nullable=False, default=0.0),
    sa.Column("worker", sa.Text),
    sa.Column("lease_until", sa.Float),
    sa.Column("updated", sa.Float, nullable=False),
    sa.UniqueConstraint("collection", "name"),
)

_discarded = sa.Table(
    "discarded",
    _metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
)
"""Content that a document let go of, until a worker has seen to its files."""

_facts = sa.Table(
    "facts",
    _metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

_COLUMNS = [_documents.c[name] for name in Record.__dataclass_fields__]

# Every search asks this; putting a statement together takes longer than its answer.
_VERSIONS = sa.select(_documents.c.id, _documents.c.version, _documents.c.name).where(
    _documents.c.id.in_(sa.bindparam("ids", expanding=True)),
    _documents.c.version.is_not(None),
    _documents.c.state != State.REMOVING,
)


class Catalogue:
    """Documents and their states in one database.

    Args:
        url: SQLAlchemy address; SQLite in WAL mode, or PostgreSQL.
        clock: seconds since the epoch; replaced in tests.

    Raises:
        DataFolderError: the database cannot be opened.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._engine = open_engine(url)
        try:
            with self._write() as connection:
                self._alone(connection)
                _metadata.create_all(connection)
        except SQLAlchemyError as error:
            raise DataFolderError(
                f"The catalogue cannot be opened ({reason(error)}).",
                "Check FOOTNOTE_DATA_DIR (or FOOTNOTE_DATABASE_URL) and its permissions.",
            ) from error

    # -- people's side -------------------------------------------------------------------

    def add(self, collection: str, name: str, sha256: str, size: int) -> tuple[Record, Outcome]:
        """Ask for `name` to hold the content `sha256`.

        The same content twice is one document: where another name in the collection has
        it, that document is returned. The same name with new content is queued to replace
        the old, which stays searchable meanwhile.
        """
        key = document_id(collection, name)
        fresh = {
            "state": State.QUEUED,
            "stage": "",
            "fraction": 0.0,
            "error": None,
            "sha256": sha256,
            "size": size,
            "attempts": 0,
            "due": 0.0,
            "worker": None,
            "lease_until": None,
            "updated": self._clock(),
        }
        with self._write() as connection:
            self._alone(connection)
            old = self._one(connection, _documents.c.id == key)
            if old is None:
                twin = self._one(
                    connection,
                    (_documents.c.collection == collection)
                    & (_documents.c.sha256 == sha256)
                    & (_documents.c.state != State.REMOVING),
                )
                if twin is not None:
                    if twin.state == State.FAILED:
                        self._set(connection, twin.id, fresh)
                    return self._known(connection, twin.id), Outcome.DUPLICATE
                values = {"id": key, "collection": collection, "name": name, **fresh}
                connection.execute(_documents.insert().values(values))
                return self._known(connection, key), Outcome.ADDED
            if old.sha256 == sha256 and old.state in (State.QUEUED, State.RUNNING, State.READY):
                return old, Outcome.UNCHANGED
            if old.version == sha256 and old.state != State.REMOVING:
                # Back to the content that is still searchable: nothing is left to do.
                self._set(connection, key, {**fresh, "state": State.READY})
                return self._known(connection, key), Outcome.UNCHANGED
            self._discard(connection, old)
            if old.state == State.REMOVING:
                # What is being cleared away must not come back; only the new content counts.
                self._set(connection, key, {**fresh, "version": None, "chunks": 0})
                return self._known(connection, key), Outcome.ADDED
            self._set(connection, key, fresh)
            outcome = Outcome.REPLACED if old.version is not None else Outcome.ADDED
            return self._known(connection, key), outcome

    def documents(
        self, collection: str | None = None, ids: Sequence[str] | None = None
    ) -> list[Record]:
        """Return the documents, those of one collection or of these ids, by name."""
        query = sa.select(*_COLUMNS).where(_documents.c.state != State.REMOVING)
        if collection is not None:
            query = query.where(_documents.c.collection == collection)
        if ids is not None:
            query = query.where(_documents.c.id.in_(ids))
        with self._read() as connection:
            rows = connection.execute(query.order_by(_documents.c.collection, _documents.c.name))
            return [_record(row) for row in rows.mappings()]

    def get(self, document_id: str) -> Record | None:
        """Return one document, or None if there is none or it is being removed."""
        return next(iter(self.documents(ids=[document_id])), None)

    def collections(self) -> list[str]:
        """Return the names of the collections that hold documents."""
        column = _documents.c.collection
        query = sa.select(column).where(_documents.c.state != State.REMOVING).distinct()
        with self._read() as connection:
            return list(connection.execute(query.order_by(column)).scalars())

    def require_collection(self, collection: str | None) -> None:
        """Refuse a collection that holds nothing; None stands for all of them.

        Raises:
            InputError: there is no such collection.
        """
        if collection is None:
            return
        there = sa.exists().where(
            _documents.c.collection == collection, _documents.c.state != State.REMOVING
        )
        with self._read() as connection:
            if connection.execute(sa.select(there)).scalar_one():
                return
        names = ", ".join(self.collections()) or "none yet"
        raise InputError(
            f"There is no collection called {collection}.",
            f"Choose one of: {names}; or add documents to it with `ingest add --collection`.",
        )

    def totals(self) -> Mapping[State, int]:
        """Return the number of documents in each state."""
        query = sa.select(_documents.c.state, sa.func.count()).group_by(_documents.c.state)
        with self._read() as connection:
            return {State(state): count for state, count in connection.execute(query)}

    def passages(self, collection: str | None = None) -> int:
        """Return the number of searchable passages."""
        query = sa.select(sa.func.coalesce(sa.func.sum(_documents.c.chunks), 0)).where(
            _documents.c.version.is_not(None), _documents.c.state != State.REMOVING
        )
        if collection is not None:
            query = query.where(_documents.c.collection == collection)
        with self._read() as connection:
            return int(connection.execute(query).scalar_one())

    def is_searchable(self) -> bool:
        """Whether there is any searchable document, without counting them."""
        ready = _documents.c.version.is_not(None) & (_documents.c.state != State.REMOVING)
        with self._read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(ready))).scalar_one())

    def remove(self, document_id: str) -> None:
        """Take a document out of every list and search at once; a worker clears up behind it."""
        with self._write() as connection:
            values = {"state": State.REMOVING, "due": 0.0, "worker": None, "lease_until": None}
            self._set(connection, document_id, values)

    def retry(self, document_id: str) -> None:
        """Queue a document again, from the start."""
        values = {
            "state": State.QUEUED,
            "error": None,
            "attempts": 0,
            "due": 0.0,
            "worker": None,
            "lease_until": None,
            "updated": self._clock(),
        }
        with self._write() as connection:
            self._set(connection, document_id, values)

    # -- readers' side -------------------------------------------------------------------

    def versions(self, document_ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Return {id: (searchable version, name)} of those documents that are searchable."""
        with self._read() as connection:
            rows = connection.execute(_VERSIONS, {"ids": list(document_ids)})
            return {key: (version, name) for key, version, name in rows}

    # -- workers' side -------------------------------------------------------------------

    def claim(self, worker: str, lease: float) -> Record | None:
        """Take the next document that is due for `lease` seconds, or None when there is none.

        Its state is `running`, or `removing` where it is to be cleared away.
        """
        now = self._clock()
        table = _documents.c
        unheld = (table.lease_until.is_(None)) | (table.lease_until < now)
        waiting = table.state.in_([State.QUEUED, State.REMOVING, State.RUNNING])
        query = (
            sa.select(table.id, table.state)
            .where(waiting, unheld, table.due <= now)
            .order_by(table.updated)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._write() as connection:
            found = connection.execute(query).first()
            if found is None:
                return None
            values: dict[str, object] = {"worker": worker, "lease_until": now + lease}
            if found.state != State.REMOVING:
                values |= {
                    "state": State.RUNNING,
                    "stage": "starting",
                    "fraction": 0.0,
                    "attempts": table.attempts + 1,
                }
            self._set(connection, found.id, values)
            return self._known(connection, found.id)

    def renew(self, record: Record, worker: str, lease: float, stage: str, fraction: float) -> bool:
        """Report progress and keep the lease; False when the work is no longer wanted."""
        values = {"stage": stage, "fraction": fraction, "lease_until": self._clock() + lease}
        return self._if_held(record, worker, values)

    def finish(
        self, record: Record, worker: str, chunks: int, pages: int | None, characters: int
    ) -> bool:
        """Make the wanted content the searchable one; False when it is no longer wanted."""
        values = {
            "state": State.READY,
            "stage": "",
            "fraction": 1.0,
            "error": None,
            "version": record.sha256,
            "chunks": chunks,
            "pages": pages,
            "characters": characters,
            "worker": None,
            "lease_until": None,
            "updated": self._clock(),
        }
        with self._write() as connection:
            if self._update_held(connection, record, worker, values):
                self._discard(connection, record)
                return True
        return False

    def fail(self, record: Record, worker: str, error: str) -> bool:
        """End the work with the reason why; an old version stays searchable."""
        values = {
            "state": State.FAILED,
            "stage": "",
            "error": error,
            "worker": None,
            "lease_until": None,
            "updated": self._clock(),
        }
        return self._if_held(record, worker, values)

    def postpone(self, record: Record, worker: str, error: str, delay: float) -> bool:
        """Queue the work again in `delay` seconds, with the reason why."""
        values = {
            "state": record.state if record.state == State.REMOVING else State.QUEUED,
            "stage": "",
            "error": error,
            "due": self._clock() + delay,
            "worker": None,
            "lease_until": None,
        }
        return self._if_held(record, worker, values)

    def forget(self, record: Record) -> None:
        """Drop the row of a document that was to be removed and is cleared away."""
        with self._write() as connection:
            self._discard(connection, record)
            connection.execute(
                _documents.delete().where(
                    _documents.c.id == record.id, _documents.c.state == State.REMOVING
                )
            )

    def discarded(self) -> list[str]:
        """Return the contents that documents let go of, to be passed to `clear_unused`."""
        with self._read() as connection:
            return list(connection.execute(sa.select(_discarded.c.sha256)).scalars())

    def clear_unused(self, sha256: str, delete: Callable[[str], None]) -> None:
        """Call `delete` for this content unless a document wants or shows it.

        No document can come to want it meanwhile: `add` waits until the call is over.
        """
        holds = (_documents.c.sha256 == sha256) | (_documents.c.version == sha256)
        query = sa.select(sa.exists().where(holds, _documents.c.state != State.REMOVING))
        with self._write() as connection:
            self._alone(connection)
            if not connection.execute(query).scalar_one():
                delete(sha256)
            connection.execute(_discarded.delete().where(_discarded.c.sha256 == sha256))

    def release(self, worker: str) -> None:
        """Give back everything that `worker` holds, so that the next one need not wait."""
        with self._write() as connection:
            connection.execute(
                _documents.update()
                .where(_documents.c.worker == worker)
                .values(worker=None, lease_until=None)
            )

    # -- facts ---------------------------------------------------------------------------

    def fact(self, key: str) -> str | None:
        """Return a fact about the index, or None."""
        with self._read() as connection:
            query = sa.select(_facts.c.value).where(_facts.c.key == key)
            return connection.execute(query).scalar_one_or_none()

    def settle_fact(self, key: str, value: str) -> str:
        """Record a fact unless it is there; return the one that holds."""
        with self._write() as connection:
            self._alone(connection)
            query = sa.select(_facts.c.value).where(_facts.c.key == key)
            found = connection.execute(query).scalar_one_or_none()
            if found is None:
                connection.execute(_facts.insert().values(key=key, value=value))
            return value if found is None else str(found)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    # -- below ---------------------------------------------------------------------------

    def _read(self) -> AbstractContextManager[Connection]:
        return self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def _write(self) -> AbstractContextManager[Connection]:
        return self._engine.begin()

    def _alone(self, connection: Connection) -> None:
        """Let no other such transaction run beside this one, which reads before it inserts.

        With SQLite every writing transaction is alone.
        """
        if self._engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))

    def _one(self, connection: Connection, where: sa.ColumnElement[bool]) -> Record | None:
        row = connection.execute(sa.select(*_COLUMNS).where(where)).mappings().first()
        return _record(row) if row is not None else None

    def _known(self, connection: Connection, key: str) -> Record:
        query = sa.select(*_COLUMNS).where(_documents.c.id == key)
        return _record(connection.execute(query).mappings().one())

    def _set(self, connection: Connection, key: str, values: Mapping[str, object]) -> None:
        connection.execute(_documents.update().where(_documents.c.id == key).values(values))

    def _discard(self, connection: Connection, record: Record) -> None:
        """Note that a document lets go of its contents; another may still use them."""
        self._alone(connection)
        for content in {record.sha256, record.version} - {None}:
            known = sa.select(sa.exists().where(_discarded.c.sha256 == content))
            if not connection.execute(known).scalar_one():
                connection.execute(_discarded.insert().values(sha256=content))

    def _if_held(self, record: Record, worker: str, values: Mapping[str, object]) -> bool:
        with self._write() as connection:
            return self._update_held(connection, record, worker, values)

    def _update_held(
        self, connection: Connection, record: Record, worker: str, values: Mapping[str, object]
    ) -> bool:
        held = (
            (_documents.c.id == record.id)
            & (_documents.c.worker == worker)
            & (_documents.c.sha256 == record.sha256)
        )
        return connection.execute(_documents.update().where(held).values(values)).rowcount == 1


def sqlite_url(data_dir: Path) -> str:
    """Return the address of the catalogue inside a data folder."""
    return f"sqlite:///{data_dir / 'catalogue.sqlite3'}"


def _record(row: RowMapping) -> Record:
    return Record(**{**row, "state": State(row["state"])})
