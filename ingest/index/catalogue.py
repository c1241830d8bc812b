"""The catalogue: what is queued, running, ready or failed, and why. It is the truth.

One row is one document, known by its collection and name. `sha256` is the content that is
wanted; `version` is the content that searches answer from. They differ while a new version
is being indexed, or after that failed: the old version then stays. Store and files follow
the catalogue: what it does not name does not count, and is swept away.

This is the side of people and readers; the workers' side is `ingest.queue`. Asking for
something changes what is wanted and never who is at work: a worker that holds the document
notices, and lets go.
"""

import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

from ingest.index.database import Database
from ingest.index.documents import document_id
from ingest.index.errors import InputError
from ingest.index.tables import (
    COLUMNS,
    SEARCHABLE,
    SHOWN,
    Record,
    State,
    ask_again,
    change,
    documents,
    facts,
    insert,
    known,
    mark_removing,
    namesake_and_twins,
    one,
    queued,
    record_of,
)

SUMMARY_SECONDS = 10.0
"""Until a language that another process brought in is searched for, or a gone one no longer."""

_COLLECTIONS_KEPT = 1_000
"""Whose summaries are remembered."""

_IDS = 10_000
"""Most ids in one query: databases bound the number of parameters."""


# Every search asks this; putting a statement together takes longer than its answer.
_VERSIONS = sa.select(documents.c.id, documents.c.version, documents.c.name).where(
    documents.c.id.in_(sa.bindparam("ids", expanding=True)), SEARCHABLE
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What can be searched.

    Attributes:
        languages: of the documents, in order; UNKNOWN may be among them.
        kinds: what they were read as, in order.
        passages: how many there are.
    """

    languages: tuple[str, ...]
    kinds: tuple[str, ...]
    passages: int


class Outcome(StrEnum):
    """What adding a file did."""

    ADDED = "added"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"


class Catalogue:
    """Documents and their states; every method raises DataFolderError when it cannot be used.

    Args:
        database: where they are.
        clock: seconds since the epoch; replaced in tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._summaries: dict[str | None, tuple[int, float, Summary]] = {}

    # -- asking --------------------------------------------------------------------------

    def add(
        self,
        collection: str,
        name: str,
        sha256: str,
        size: int,
        *,
        modified: int | None = None,
        parent: str | None = None,
        keep: Callable[[], None] = lambda: None,
        leaving: Container[str] = (),
    ) -> tuple[Record, Outcome]:
        """Ask for `name` to hold the content `sha256`.

        The same content twice is one document: where another name in the collection has
        it, that document is returned. The same name with new content is queued to replace
        the old, which stays searchable meanwhile. What came in a parent lives and goes with
        it, so it is never the twin of another.

        Args:
            modified: when the file was last changed, in seconds since the epoch; None where that
                is not known.
            keep: stores the bytes; called while no worker can clear content away.
            leaving: ids of documents that are about to be removed, so they are no twins. Where
                one of them shows this content, the new document replaces it: it goes, but not
                before the new one is ready.

        Raises:
            InputError: the parent is there no longer.
        """
        key = document_id(collection, name)
        now = self._clock()
        dated = int(now) if modified is None else modified
        wanted = {**queued(now), "sha256": sha256, "size": size, "modified": dated}
        with self._database.write(alone=True) as connection:
            keep()
            if parent is not None and one(connection, (documents.c.id == parent) & SHOWN) is None:
                raise InputError(f"What {name} came in was removed.", "Add it again.")
            old, twins = namesake_and_twins(connection, key, collection, sha256)
            twins = [] if parent is not None else twins
            shown_by = (twin.id for twin in twins if twin.id in leaving and twin.version == sha256)
            wanted |= {"replaces": next(shown_by, None)} if twins else {}
            if old is None:
                staying = (twin for twin in twins if twin.id not in leaving)
                if (twin := next(staying, None)) is not None:
                    if twin.state == State.FAILED:
                        change(connection, twin.id, queued(self._clock()) | {"sha256": sha256})
                    return known(connection, twin.id), Outcome.DUPLICATE
                row = {"id": key, "collection": collection, "name": name, "parent": parent}
                return insert(connection, {**row, **wanted}), Outcome.ADDED
            # It is asked for again, so nothing replaces it.
            renamed = documents.c.replaces == key
            connection.execute(documents.update().where(renamed).values(replaces=None))
            if old.sha256 == sha256 and old.state in (State.QUEUED, State.RUNNING, State.READY):
                return old, Outcome.UNCHANGED
            if old.version == sha256 and old.state != State.REMOVING:
                # Back to the content that is still searchable: nothing is left to do.
                ready = {"replaces": None, "state": State.READY, "modified": old.dated}
                change(connection, key, {**wanted, **ready})
                return known(connection, key), Outcome.UNCHANGED
            ask_again(connection, old, {**wanted, "parent": parent})
            replaced = old.version is not None and old.state != State.REMOVING
            return known(connection, key), Outcome.REPLACED if replaced else Outcome.ADDED

    def remove(self, document_id: str) -> None:
        """Take a document, and all that came in it, out of every list and search at once.

        A worker clears up behind it.
        """
        with self._database.write() as connection:
            mark_removing(connection, documents.c.id == document_id)

    def retry(self, document_id: str, from_text: bool = False) -> None:
        """Queue a document again, from the start, or from the text that was read of it."""
        values = queued(self._clock()) | {"from_text": from_text}
        with self._database.write() as connection:
            where = (documents.c.id == document_id) & SHOWN
            connection.execute(documents.update().where(where).values(values))

    # -- looking -------------------------------------------------------------------------

    def documents(
        self, collection: str | None = None, ids: Sequence[str] | None = None
    ) -> list[Record]:
        """Return the documents, those of one collection or of these ids, by name."""
        query = sa.select(*COLUMNS).where(SHOWN)
        if collection is not None:
            query = query.where(documents.c.collection == collection)
        query = query.order_by(documents.c.collection, documents.c.name)
        slices: list[Sequence[str] | None] = [None]
        if ids is not None:
            slices = [ids[first : first + _IDS] for first in range(0, len(ids), _IDS)]
        records: list[Record] = []
        with self._database.read() as connection:
            for some in slices:
                within = query if some is None else query.where(documents.c.id.in_(some))
                records += [record_of(row) for row in connection.execute(within).mappings()]
        if len(slices) > 1:
            records.sort(key=lambda record: (record.collection, record.name))
        return records

    def family(self, ids: Sequence[str]) -> list[Record]:
        """Return the documents with these ids and all that came in them, by name."""
        known = {record.id: record for record in self.documents(ids=ids)}
        newest = list(known)
        while newest:
            inside: list[Record] = []
            with self._database.read() as connection:
                for first in range(0, len(newest), _IDS):
                    parents = documents.c.parent.in_(newest[first : first + _IDS])
                    rows = connection.execute(sa.select(*COLUMNS).where(parents, SHOWN))
                    inside += [record_of(row) for row in rows.mappings()]
            newest = [record.id for record in inside if record.id not in known]
            known |= {record.id: record for record in inside}
        return sorted(known.values(), key=lambda record: (record.collection, record.name))

    def children(self, document_id: str) -> list[str]:
        """Return the ids of the documents that came in one."""
        query = sa.select(documents.c.id).where(documents.c.parent == document_id, SHOWN)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def get(self, document_id: str) -> Record | None:
        """Return one document, or None if there is none or it is being removed."""
        return next(iter(self.documents(ids=[document_id])), None)

    def collections(self) -> list[str]:
        """Return the names of the collections that hold documents."""
        column = documents.c.collection
        with self._database.read() as connection:
            query = sa.select(column).where(SHOWN).distinct().order_by(column)
            return list(connection.execute(query).scalars())

    def require_collection(self, collection: str | None) -> None:
        """Refuse a collection that holds nothing; None stands for all of them.

        Raises:
            InputError: there is no such collection.
        """
        if collection is None or self.summary(collection).passages:
            return
        there = sa.exists().where(documents.c.collection == collection, SHOWN)
        with self._database.read() as connection:
            if connection.execute(sa.select(there)).scalar_one():
                return
        names = ", ".join(self.collections()) or "none yet"
        raise InputError(
            f"There is no collection called {collection}.",
            f"Choose one of: {names}; or add documents to it with `ingest add --collection`.",
        )

    def require_kinds(self, kinds: Sequence[str]) -> None:
        """Refuse kinds of file that nothing was read as yet.

        Raises:
            InputError: there is no such kind.
        """
        if {kind.lower() for kind in kinds} <= set(self.summary().kinds):
            return
        column = documents.c.kind
        query = sa.select(column).where(SEARCHABLE).distinct().order_by(column)
        with self._database.read() as connection:
            known = list(connection.execute(query).scalars())
        for kind in kinds:
            if kind.lower() not in known:
                raise InputError(
                    f"No document was read as {kind!r}.",
                    f"Choose one of: {', '.join(known) or 'none yet'}.",
                )

    def totals(self) -> Mapping[State, int]:
        """Return the number of documents in each state."""
        query = sa.select(documents.c.state, sa.func.count()).group_by(documents.c.state)
        with self._database.read() as connection:
            return {State(state): count for state, count in connection.execute(query)}

    def unfinished(self) -> int:
        """Return the number of documents that a worker still has to see to."""
        busy = [State.QUEUED, State.RUNNING, State.REMOVING]
        totals = self.totals()
        return sum(totals.get(state, 0) for state in busy)

    def passages(self, collection: str | None = None) -> int:
        """Return the number of searchable passages."""
        query = sa.select(sa.func.coalesce(sa.func.sum(documents.c.chunks), 0)).where(SEARCHABLE)
        if collection is not None:
            query = query.where(documents.c.collection == collection)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def is_searchable(self) -> bool:
        """Whether there is any searchable document, without counting them."""
        with self._database.read() as connection:
            return bool(connection.execute(sa.select(sa.exists().where(SEARCHABLE))).scalar_one())

    def versions(self, document_ids: Iterable[str]) -> Mapping[str, tuple[str, str]]:
        """Return {id: (searchable version, name)} of those documents that are searchable."""
        with self._database.read() as connection:
            rows = connection.execute(_VERSIONS, {"ids": list(document_ids)})
            return {key: (version, name) for key, version, name in rows}

    def summary(self, collection: str | None = None) -> Summary:
        """Return what can be searched.

        Every search asks, and the answer hardly ever changes: so it is remembered. What this
        process makes searchable is seen at once, any other change within SUMMARY_SECONDS.
        """
        revision, now = self._database.revision, time.monotonic()
        known = self._summaries.get(collection)
        if known is not None and known[0] == revision and now - known[1] < SUMMARY_SECONDS:
            return known[2]
        counted = sa.func.coalesce(sa.func.sum(documents.c.chunks), 0)
        columns = documents.c.language, documents.c.kind
        query = sa.select(*columns, counted).where(SEARCHABLE)
        if collection is not None:
            query = query.where(documents.c.collection == collection)
        with self._database.read() as connection:
            rows = connection.execute(query.group_by(*columns)).all()
        found = Summary(
            languages=tuple(sorted({language for language, _, _ in rows})),
            kinds=tuple(sorted({kind for _, kind, _ in rows})),
            passages=sum(int(passages) for _, _, passages in rows),
        )
        if len(self._summaries) >= _COLLECTIONS_KEPT:
            self._summaries.clear()
        self._summaries[collection] = (revision, now, found)
        return found

    # -- facts ---------------------------------------------------------------------------

    def fact(self, key: str) -> str | None:
        """Return a fact about the index, or None."""
        with self._database.read() as connection:
            query = sa.select(facts.c.value).where(facts.c.key == key)
            return connection.execute(query).scalar_one_or_none()

    def facts(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Return those of these facts that there are, as they stood at one moment."""
        with self._database.read() as connection:
            query = sa.select(facts.c.key, facts.c.value).where(facts.c.key.in_(keys))
            return {row.key: row.value for row in connection.execute(query)}

    def settle_fact(self, key: str, value: str) -> str:
        """Record a fact unless it is there; return the one that holds."""
        with self._database.write(alone=True) as connection:
            query = sa.select(facts.c.value).where(facts.c.key == key)
            found = connection.execute(query).scalar_one_or_none()
            if found is None:
                connection.execute(facts.insert().values(key=key, value=value))
            return value if found is None else str(found)
