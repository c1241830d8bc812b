"""The workers' side of the catalogue: what is due, who holds it, how it ended.

A document is held by one worker at a time. A hold is a lease that its worker renews; when a
worker dies its leases run out and its documents can be claimed again. A person who adds,
removes or retries a document never takes it from its worker: the worker learns of it with
its next report, clears up, and lets go.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest.index.database import Database
from ingest.index.errors import StoreError
from ingest.index.rebuilds import generation_number
from ingest.index.tables import (
    COLUMNS,
    SHOWN,
    Record,
    State,
    change_all,
    discard,
    discarded,
    documents,
    end_replacement,
    mark_removing,
    one,
    record_of,
)

_NOBODY: dict[str, object] = {"worker": None, "lease_until": None}

_WAITING = (State.QUEUED, State.REMOVING, State.RUNNING)
"""States in which there is work to do; the last is due where its worker is dead."""

_END = documents.update().where(documents.c.id == sa.bindparam("key"))


@dataclass(frozen=True, slots=True)
class Done:
    """A document whose wanted content can be searched; fields as in `Record`.

    Attributes:
        notice: what of it was not read.
        children: ids of all the documents that came in it.
    """

    record: Record
    kind: str
    language: str
    chunks: int
    embedded: int
    pages: int | None
    characters: int
    notice: str = ""
    children: Sequence[str] = ()


class Queue:
    """The work of one worker. Methods raise DataFolderError when the database is away.

    Args:
        database: the catalogue's.
        worker: the worker's name, of which there must be no other.
        clock: seconds since the epoch; replaced in tests.
    """

    def __init__(
        self, database: Database, worker: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._worker = worker
        self._clock = clock

    def claim(self, limit: int, lease: float) -> list[Record]:
        """Take up to `limit` documents that are due, for `lease` seconds.

        Their states become `running`, or stay `removing` where they are to be cleared away.
        Those that were begun before and not ended come last, and by themselves: should one
        of them end the process, it takes nothing with it.
        """
        held = {"worker": self._worker, "lease_until": self._clock() + lease}
        begun = {"state": State.RUNNING, "stage": "reading", "error": None}
        with self._database.write() as connection:
            found = self._first_due(connection, limit)
            if found and found[0].attempts:
                found = found[:1]
            else:
                found = [row for row in found if not row.attempts]
            for values, chosen in (
                (held, [row.id for row in found if row.state == State.REMOVING]),
                (held | begun, [row.id for row in found if row.state != State.REMOVING]),
            ):
                if chosen:
                    change_all(connection, chosen, values)
            ids = [row.id for row in found]
            mine = sa.select(*COLUMNS).where(documents.c.id.in_(ids))
            rows = connection.execute(mine).mappings()
            records = {row["id"]: record_of(row) for row in rows}
        return [records[key] for key in ids]

    def has_due(self) -> bool:
        """Whether there is anything to claim; cheaper than claiming."""
        with self._database.read() as connection:
            waiting = documents.c.state.in_(_WAITING)
            query = sa.select(sa.exists().where(waiting, self._is_due()))
            return bool(connection.execute(query).scalar_one())

    def begin(self, records: Sequence[Record]) -> set[str]:
        """Count an attempt at these documents; return the ids of those still wanted as claimed."""
        begun = {
            "stage": "embedding",
            "fraction": 0.0,
            "attempts": documents.c.attempts + 1,
        }
        with self._database.write() as connection:
            found = self._still_wanted(connection, records)
            change_all(connection, found, begun)
            return found

    def renew(self, lease: float) -> None:
        """Keep everything that this worker holds for `lease` more seconds."""
        mine = documents.c.worker == self._worker
        values = {"lease_until": self._clock() + lease}
        with self._database.write() as connection:
            connection.execute(documents.update().where(mine).values(values))

    def report(self, stage: str, fractions: Sequence[tuple[Record, float]]) -> set[str]:
        """Tell how far documents are; return the ids of those still wanted as claimed."""
        with self._database.write() as connection:
            wanted = self._still_wanted(connection, [record for record, _ in fractions])
            as_far: dict[float, list[str]] = {}
            for record, fraction in fractions:
                if record.id in wanted:
                    as_far.setdefault(fraction, []).append(record.id)
            # Small documents of one batch are all as far as the batch is.
            for fraction, ids in as_far.items():
                change_all(connection, ids, {"stage": stage, "fraction": fraction})
            return wanted

    def indexed(self, contents: Collection[str]) -> dict[str, list[str]]:
        """Return {content: ids of the documents that show it}, of these contents."""
        shown = documents.c.version.in_(list(contents)) & (documents.c.state != State.REMOVING)
        found: dict[str, list[str]] = {}
        with self._database.read() as connection:
            query = sa.select(documents.c.version, documents.c.id).where(shown)
            for content, key in connection.execute(query):
                found.setdefault(content, []).append(key)
        return found

    def finish(self, done: Sequence[Done], generation: int = 1) -> set[str]:
        """Make the wanted contents the searchable ones; return the ids of those still wanted.

        The documents stay held: `release` them when nothing of their old versions is left.

        Args:
            generation: of the index in which their chunks are.

        Raises:
            StoreError: the index has gone over to another generation.
        """
        with self._database.write(alone=True) as connection:
            if generation_number(connection) != generation:
                raise StoreError(
                    "The index was built anew with another embedding model meanwhile.",
                    "The document is indexed again by itself.",
                )
            parents = documents.c.parent.in_([one.record.id for one in done])
            query = sa.select(documents.c.parent).where(parents, SHOWN).distinct()
            families = set(connection.execute(query).scalars())
            finished = self._still_wanted(connection, [one.record for one in done])
            ended = [one for one in done if one.record.id in finished]
            if ended:
                connection.execute(_END, [self._ending(one) for one in ended])
            for one in ended:
                _let_go_of_others(connection, one, one.record.id in families)
        self._database.revision += 1
        return finished

    def fail(self, record: Record, error: str) -> bool:
        """End the work with the reason why; an old version stays searchable."""
        values = {"state": State.FAILED, "stage": "", "error": error, "updated": self._clock()}
        with self._database.write(alone=True) as connection:
            failed = self._change_wanted(connection, record, values | _NOBODY)
            end_replacement(connection, record)
            return failed

    def postpone(self, record: Record, error: str, delay: float) -> bool:
        """Put the work off for `delay` seconds, with the reason why; it counts as no attempt."""
        values = {
            "state": State.QUEUED if record.state == State.RUNNING else record.state,
            "stage": "",
            "error": error,
            "attempts": record.attempts,
            "due": self._clock() + delay,
        }
        return self._if_wanted(record, values | _NOBODY)

    def current(self, record: Record) -> Record | None:
        """Return the document as it is wanted now, or None when this worker holds it no longer."""
        with self._database.read() as connection:
            return one(connection, self._held(record))

    def release(self, ids: Collection[str]) -> None:
        """Let go of documents; work that was not ended waits for the next worker."""
        if not ids:
            return
        with self._database.write() as connection:
            mine = documents.c.id.in_(list(ids)) & (documents.c.worker == self._worker)
            unfinished = documents.c.state == State.RUNNING
            again = {"state": State.QUEUED, "stage": "", "attempts": 0}
            connection.execute(documents.update().where(mine, unfinished).values(again))
            connection.execute(documents.update().where(mine).values(_NOBODY))

    def release_mine(self) -> None:
        """Let go of everything that this worker holds."""
        with self._database.read() as connection:
            mine = documents.c.worker == self._worker
            ids = list(connection.execute(sa.select(documents.c.id).where(mine)).scalars())
        self.release(ids)

    def forget(self, record: Record) -> None:
        """Drop the row of a document that was to be removed and is cleared away.

        Where it was asked for again meanwhile, the row is let go of instead.
        """
        with self._database.write(alone=True) as connection:
            discard(connection, {record.sha256, record.version})
            mine = self._held(record)
            gone = documents.c.state == State.REMOVING
            connection.execute(documents.delete().where(mine, gone))
            connection.execute(documents.update().where(mine).values(_NOBODY))
            end_replacement(connection, record)

    def release_all(self) -> None:
        """Let go of every document, whoever held it: for the one owner of an embedded index.

        What its last owner was at when it ended keeps its count of attempts.
        """
        with self._database.write() as connection:
            held = documents.c.worker.is_not(None)
            connection.execute(documents.update().where(held).values(_NOBODY))

    def discarded(self) -> list[str]:
        """Return the contents that documents let go of, to be passed to `clear_unused`."""
        with self._database.read() as connection:
            return list(connection.execute(sa.select(discarded.c.sha256)).scalars())

    def clear_unused(self, sha256: str, delete: Callable[[str], None]) -> None:
        """Call `delete` for this content unless a document wants or shows it.

        No document can come to want it meanwhile: `Catalogue.add` waits until the call is over.
        """
        holds = (documents.c.sha256 == sha256) | (documents.c.version == sha256)
        query = sa.select(sa.exists().where(holds, documents.c.state != State.REMOVING))
        with self._database.write(alone=True) as connection:
            if not connection.execute(query).scalar_one():
                delete(sha256)
            connection.execute(discarded.delete().where(discarded.c.sha256 == sha256))

    def clear_orphan(
        self, document_id: str, version: str, delete: Callable[[str, str], None]
    ) -> None:
        """Call `delete` for this version of a document unless it is wanted, shown or worked on."""
        table = documents.c
        named = (table.sha256 == version) | (table.version == version)
        query = sa.select(sa.exists().where(table.id == document_id, named))
        with self._database.write(alone=True) as connection:
            if not connection.execute(query).scalar_one():
                delete(document_id, version)

    def _ending(self, done: Done) -> dict[str, object]:
        """Return the columns of a document that can be searched now, by its `key`."""
        record = done.record
        return {
            "key": record.id,
            "state": State.READY,
            "stage": "",
            "fraction": 1.0,
            "error": None,
            "from_text": False,
            "version": record.sha256,
            "dated": record.modified,
            "kind": done.kind,
            "language": done.language,
            "chunks": done.chunks,
            "embedded": done.embedded,
            "pages": done.pages,
            "characters": done.characters,
            "notice": done.notice,
            "attempts": 0,
            "updated": self._clock(),
        }

    def _first_due(self, connection: sa.Connection, limit: int) -> list[sa.Row[Any, Any, Any, Any]]:
        """Return the `limit` documents that are due first, with their rows locked.

        Each state is asked for by itself: its index has them in this order, while several states
        at once would be sorted, and of 20,000 files that wait all for each few.
        """
        table = documents.c
        found: list[sa.Row[Any, Any, Any, Any]] = []
        for state in _WAITING:
            query = (
                sa.select(table.id, table.state, table.attempts, table.updated)
                .where(table.state == state, self._is_due())
                .order_by(table.attempts, table.updated, table.id)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            found += connection.execute(query).all()
        return sorted(found, key=lambda row: (row.attempts, row.updated, row.id))[:limit]

    def _is_due(self) -> sa.ColumnElement[bool]:
        """Whether a document that waits can be taken now."""
        table, now = documents.c, self._clock()
        free = table.lease_until.is_(None) | (table.lease_until < now)
        return free & (table.due <= now)

    def _held(self, record: Record) -> sa.ColumnElement[bool]:
        return (documents.c.id == record.id) & (documents.c.worker == self._worker)

    def _still_wanted(self, connection: sa.Connection, records: Sequence[Record]) -> set[str]:
        """Return the ids of those held by this worker and wanted as it claimed them.

        They stay so for the length of the transaction.
        """
        table = documents.c
        claimed = [(record.id, record.sha256, record.state) for record in records]
        wanted = sa.tuple_(table.id, table.sha256, table.state).in_(claimed)
        query = sa.select(table.id).where(wanted, table.worker == self._worker)
        return set(connection.execute(query.with_for_update()).scalars())

    def _if_wanted(self, record: Record, values: dict[str, object]) -> bool:
        with self._database.write() as connection:
            return self._change_wanted(connection, record, values)

    def _change_wanted(
        self, connection: sa.Connection, record: Record, values: dict[str, object]
    ) -> bool:
        wanted = (documents.c.sha256 == record.sha256) & (documents.c.state == record.state)
        update = documents.update().where(self._held(record), wanted).values(values)
        return connection.execute(update).rowcount == 1


def _let_go_of_others(connection: sa.Connection, done: Done, is_parent: bool) -> None:
    """Let go of what a document that can be searched now takes the place of."""
    record = done.record
    if record.version not in (None, record.sha256):
        discard(connection, {record.version})
    if is_parent:
        others = documents.c.id.not_in(list(done.children))
        mark_removing(connection, (documents.c.parent == record.id) & others)
    end_replacement(connection, record)
