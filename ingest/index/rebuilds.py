"""The catalogue's side of `ingest reindex`: what is wanted, how far it is, and the switch.

A rebuild is the next generation of the index (see `Generation`). Its row is there from the
request until the switch; whoever builds it holds it by a lease, as workers hold documents.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ingest.index.database import Database
from ingest.index.embedding import Fingerprint
from ingest.index.errors import InputError
from ingest.index.settings import Precision
from ingest.index.tables import (
    COLUMNS,
    SEARCHABLE,
    Record,
    State,
    documents,
    facts,
    rebuilds,
    rebuilt,
    record_of,
)

EMBEDDER_FACT = "embedder"
"""What the generation that counts was built with."""

GENERATION_FACT = "generation"
"""Its number; 1 where there is no such fact."""

_EDITION = (rebuilt.c.document == documents.c.id) & (rebuilt.c.version == documents.c.version)


@dataclass(frozen=True, slots=True)
class Rebuild:
    """A generation that is being built.

    Attributes:
        fingerprint: what its vectors are made with; None before the first.
        error: why it does not go on, with the next step.
        failed: whether it waits to be asked for again, because of that error.
        document: the name of the document at hand.
    """

    number: int
    model: str
    precision: Precision
    fingerprint: Fingerprint | None
    error: str | None
    failed: bool
    document: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of what is searchable is in a new generation; passages as they are cut now."""

    documents: int
    of_documents: int
    passages: int
    of_passages: int


class Rebuilds:
    """Methods raise DataFolderError when the database is away.

    Args:
        database: the catalogue's.
        clock: seconds since the epoch; replaced in tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    # -- asking --------------------------------------------------------------------------

    def request(self, model: str, precision: Precision) -> Rebuild:
        """Ask for a generation of another model, or again for the one that is being built.

        Raises:
            InputError: one of yet another model is being built.
        """
        with self._database.write(alone=True) as connection:
            now = _wanted(connection)
            other = now is not None and (now.model, now.precision) != (model, precision)
            if now is not None and other and now.failed and now.fingerprint is None:
                _retire(connection, now.number)  # a name that was mistyped, perhaps
                now = None
            elif now is not None and other:
                raise InputError(
                    f"The index is being built anew with {now.model} ({now.precision}).",
                    f"Go on with `ingest reindex --model {now.model}`, or give that up with "
                    "`ingest reindex --cancel`.",
                )
            if now is None:
                known = sa.select(sa.func.max(rebuilds.c.number))
                highest = connection.execute(known).scalar_one() or 1
                number = max(highest, generation_number(connection)) + 1
                row = {"number": number, "model": model, "precision": precision}
                connection.execute(rebuilds.insert().values(row))
            connection.execute(rebuilds.update().where(_WANTED).values(error=None, failed=False))
            asked = _wanted(connection)
            assert asked is not None
            return asked

    def cancel(self) -> Rebuild | None:
        """Give up what is being built; return it. Its store is to be removed."""
        with self._database.write(alone=True) as connection:
            now = _wanted(connection)
            if now is not None:
                _retire(connection, now.number)
            return now

    def wanted(self) -> Rebuild | None:
        """Return what is being built, or None."""
        with self._database.read() as connection:
            return _wanted(connection)

    def progress(self, number: int) -> Progress:
        """Return how far a generation is."""
        inside = documents.outerjoin(rebuilt, _EDITION & (rebuilt.c.number == number))
        done = rebuilt.c.document.is_not(None)
        passages = documents.c.chunks
        query = (
            sa.select(
                sa.func.coalesce(sa.func.sum(sa.case((done, 1), else_=0)), 0),
                sa.func.count(),
                sa.func.coalesce(sa.func.sum(sa.case((done, passages), else_=0)), 0),
                sa.func.coalesce(sa.func.sum(passages), 0),
            )
            .select_from(inside)
            .where(SEARCHABLE)
        )
        with self._database.read() as connection:
            return Progress(*(int(count) for count in connection.execute(query).one()))

    # -- building ------------------------------------------------------------------------

    def hold(self, number: int, worker: str, seconds: float, force: bool = False) -> bool:
        """Take or keep a generation that is being built; False where another worker has it.

        Args:
            force: take it from whoever has it: the one owner of an embedded index may.
        """
        now = self._clock()
        free = rebuilds.c.worker.is_(None) | (rebuilds.c.lease_until < now)
        where = _WANTED & (rebuilds.c.number == number)
        if not force:
            where &= free | (rebuilds.c.worker == worker)
        held = {"worker": worker, "lease_until": now + seconds}
        with self._database.write() as connection:
            return connection.execute(rebuilds.update().where(where).values(held)).rowcount == 1

    def release(self, number: int, worker: str) -> None:
        """Let go of a generation, for another worker to go on."""
        mine = (rebuilds.c.number == number) & (rebuilds.c.worker == worker)
        with self._database.write() as connection:
            nobody = {"worker": None, "lease_until": None, "document": ""}
            connection.execute(rebuilds.update().where(mine).values(nobody))

    def note(self, number: int, **values: object) -> None:
        """Set columns of a generation that is being built: fingerprint, document, error, failed."""
        where = _WANTED & (rebuilds.c.number == number)
        with self._database.write() as connection:
            connection.execute(rebuilds.update().where(where).values(values))

    def missing(self, number: int, limit: int) -> list[Record]:
        """Return documents whose searchable version is not in a generation yet."""
        inside = documents.outerjoin(rebuilt, _EDITION & (rebuilt.c.number == number))
        query = (
            sa.select(*COLUMNS)
            .select_from(inside)
            .where(SEARCHABLE, rebuilt.c.document.is_(None))
            .order_by(documents.c.updated, documents.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [record_of(row) for row in connection.execute(query).mappings()]

    def superfluous(self, number: int) -> list[str]:
        """Return the ids of documents that are in a generation and not searchable any more."""
        query = sa.select(rebuilt.c.document).where(
            rebuilt.c.number == number,
            ~sa.exists().where(documents.c.id == rebuilt.c.document, SEARCHABLE),
        )
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def counts(self, number: int) -> Mapping[tuple[str, str], int]:
        """Return how many chunks of each (document id, version) a generation has to hold."""
        query = sa.select(rebuilt.c.document, rebuilt.c.version, rebuilt.c.chunks).where(
            rebuilt.c.number == number, rebuilt.c.error.is_(None)
        )
        with self._database.read() as connection:
            return {(key, version): chunks for key, version, chunks in connection.execute(query)}

    def done(
        self, number: int, document_id: str, version: str, chunks: int, error: str | None = None
    ) -> None:
        """Note that a version of a document is in a generation, or why it cannot be."""
        row = {"document": document_id, "version": version, "chunks": chunks, "error": error}
        with self._database.write() as connection:
            connection.execute(rebuilt.delete().where(_of(number, document_id)))
            if connection.execute(sa.select(rebuilds.c.number).where(_of_wanted(number))).first():
                connection.execute(rebuilt.insert().values({"number": number, **row}))

    def undo(self, number: int, document_id: str) -> None:
        """Note that a document is not in a generation."""
        with self._database.write() as connection:
            connection.execute(rebuilt.delete().where(_of(number, document_id)))

    def switch(self, number: int, fingerprint: Fingerprint) -> bool:
        """Make a generation the one that counts; False where something is missing in it.

        What could not be brought over is `failed` from then on, with its reason. The
        generation before is to be removed.
        """
        edition = rebuilt.c.number == number, _EDITION
        absent = SEARCHABLE & ~sa.exists().where(*edition)
        spoilt = SEARCHABLE & sa.exists().where(*edition, rebuilt.c.error.is_not(None))
        chunks = sa.select(rebuilt.c.chunks).where(*edition).scalar_subquery()
        error = sa.select(rebuilt.c.error).where(*edition).scalar_subquery()
        with self._database.write(alone=True) as connection:
            if not connection.execute(sa.select(rebuilds.c.number).where(_of_wanted(number))).all():
                return False
            if connection.execute(sa.select(sa.exists().where(absent))).scalar_one():
                return False
            failed = {"state": State.FAILED, "error": error, "version": None, "chunks": 0}
            ready = spoilt & (documents.c.state == State.READY)
            connection.execute(documents.update().where(ready).values(failed))
            connection.execute(documents.update().where(spoilt).values(version=None, chunks=0))
            counted = documents.update().where(SEARCHABLE).values(chunks=chunks, embedded=chunks)
            connection.execute(counted)
            before = generation_number(connection)
            for key, value in (
                (GENERATION_FACT, str(number)),
                (EMBEDDER_FACT, fingerprint.to_json()),
            ):
                connection.execute(facts.delete().where(facts.c.key == key))
                connection.execute(facts.insert().values(key=key, value=value))
            connection.execute(rebuilt.delete().where(rebuilt.c.number == number))
            connection.execute(rebuilds.delete().where(rebuilds.c.number == number))
            connection.execute(rebuilds.insert().values(number=before, retired=True))
            return True

    # -- clearing up ---------------------------------------------------------------------

    def retired(self) -> list[int]:
        """Return the numbers of the generations whose store has to be removed."""
        with self._database.read() as connection:
            query = sa.select(rebuilds.c.number).where(rebuilds.c.retired)
            return list(connection.execute(query).scalars())

    def removed(self, number: int) -> None:
        """Note that the store of a generation is gone."""
        with self._database.write() as connection:
            gone = (rebuilds.c.number == number) & rebuilds.c.retired
            connection.execute(rebuilds.delete().where(gone))


def generation_number(connection: Connection) -> int:
    """Return the number of the generation that counts."""
    query = sa.select(facts.c.value).where(facts.c.key == GENERATION_FACT)
    return int(connection.execute(query).scalar_one_or_none() or 1)


_WANTED = rebuilds.c.retired.is_(False)


def _of_wanted(number: int) -> sa.ColumnElement[bool]:
    return _WANTED & (rebuilds.c.number == number)


def _of(number: int, document_id: str) -> sa.ColumnElement[bool]:
    return (rebuilt.c.number == number) & (rebuilt.c.document == document_id)


def _wanted(connection: Connection) -> Rebuild | None:
    row = connection.execute(sa.select(rebuilds).where(_WANTED)).mappings().first()
    if row is None:
        return None
    fingerprint = row["fingerprint"]
    return Rebuild(
        number=row["number"],
        model=row["model"],
        precision=row["precision"],
        fingerprint=Fingerprint.from_json(fingerprint) if fingerprint is not None else None,
        error=row["error"],
        failed=row["failed"],
        document=row["document"],
    )


def _retire(connection: Connection, number: int) -> None:
    connection.execute(rebuilt.delete().where(rebuilt.c.number == number))
    values = {"retired": True, "worker": None, "lease_until": None, "error": None}
    connection.execute(rebuilds.update().where(rebuilds.c.number == number).values(values))
