"""Collections: what they hold, whose they are, and moving documents between them.

A collection is there as soon as it is named, and gone with its last document.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa

from ingest.index.catalogue import Outcome
from ingest.index.database import Database
from ingest.index.documents import document_id as identify
from ingest.index.errors import InputError
from ingest.index.tables import (
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
    one,
    queued,
    twins_of,
)


@dataclass(frozen=True, slots=True)
class Holding:
    """What a collection holds.

    Attributes:
        passages: how many can be searched.
        failed: how many of the documents failed.
    """

    collection: str
    documents: int
    passages: int
    failed: int


class Collections:
    """The collections of a catalogue; every method raises DataFolderError when it is away.

    Args:
        database: the catalogue's.
        clock: seconds since the epoch; replaced in tests.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    def holdings(self) -> list[Holding]:
        """Return what each collection that holds documents holds, by name."""
        table = documents.c
        failed = sa.func.sum(sa.case((table.state == State.FAILED, 1), else_=0))
        passages = sa.func.sum(sa.case((SEARCHABLE, table.chunks), else_=0))
        query = sa.select(table.collection, sa.func.count(), passages, failed).where(SHOWN)
        query = query.group_by(table.collection).order_by(table.collection)
        with self._database.read() as connection:
            return [
                Holding(name, int(count), int(chunks), int(failures))
                for name, count, chunks, failures in connection.execute(query)
            ]

    def give_to_folder(self, collection: str, folder: str) -> None:
        """Make a collection belong to a folder, unless it holds anything else.

        Raises:
            InputError: it holds documents and does not belong to this folder.
        """
        key = f"folder:{collection}"
        holds = sa.select(sa.exists().where(documents.c.collection == collection, SHOWN))
        with self._database.write(alone=True) as connection:
            query = sa.select(facts.c.value).where(facts.c.key == key)
            owner = connection.execute(query).scalar_one_or_none()
            if owner == folder:
                return
            if connection.execute(holds).scalar_one():
                raise InputError(
                    f"The collection {collection} belongs to the folder {owner}."
                    if owner
                    else f"The collection {collection} holds documents that were added otherwise.",
                    "Choose another with --collection, or empty this one with "
                    f"`ingest remove --collection {collection} --all`.",
                )
            connection.execute(facts.delete().where(facts.c.key == key))
            connection.execute(facts.insert().values(key=key, value=folder))

    def remove(self, collection: str) -> int:
        """Remove all documents of a collection, as `Catalogue.remove` does; return their number."""
        where = (documents.c.collection == collection) & SHOWN
        values = {"state": State.REMOVING, "due": 0.0, "attempts": 0}
        with self._database.write() as connection:
            return connection.execute(documents.update().where(where).values(values)).rowcount

    def move(self, document_id: str, collection: str) -> tuple[Record, Outcome]:
        """Ask for a document to be in another collection, under its name.

        It is searched where it was until it is ready where it goes; then it leaves with all
        that came in it. Its passages keep their vectors.

        Returns:
            The document there, and DUPLICATE where the collection has its content already,
            UNCHANGED where it is the document's own.

        Raises:
            InputError: it is gone, came in another, or the collection has another of its name.
        """
        with self._database.write(alone=True) as connection:
            old = one(connection, (documents.c.id == document_id) & SHOWN)
            if old is None:
                raise InputError("The document was removed.", "Add it again.")
            if old.parent is not None:
                raise InputError(
                    f"{old.name} came in another document.", "Move that one; this one follows."
                )
            if old.collection == collection:
                return old, Outcome.UNCHANGED
            key = identify(collection, old.name)
            there = one(connection, documents.c.id == key)
            if there is not None and there.state != State.REMOVING and there.sha256 != old.sha256:
                raise InputError(
                    f"{collection} has another document called {old.name}.",
                    "Remove one of the two first.",
                )
            # What cannot be searched yet is missed by nobody, and hands on what it replaces.
            going = old.id if old.version is not None else old.replaces
            for gone in {old.id, old.replaces} - {going, None}:
                mark_removing(connection, documents.c.id == gone)
            twins = twins_of(connection, collection, old.sha256)
            if twins:
                twin = next((one for one in twins if one.id == key), twins[0])
                if twin.version == old.sha256:
                    mark_removing(connection, documents.c.id == going)
                else:
                    again = queued(self._clock()) if twin.state == State.FAILED else {}
                    change(connection, twin.id, {**again, "replaces": going})
                return known(connection, twin.id), Outcome.DUPLICATE
            wanted = {
                **queued(self._clock()),
                "sha256": old.sha256,
                "size": old.size,
                "modified": old.modified,
                "replaces": going,
            }
            if there is None:
                row = {"id": key, "collection": collection, "name": old.name}
                return insert(connection, {**row, **wanted}), Outcome.ADDED
            ask_again(connection, there, {**wanted, "parent": None})
            return known(connection, key), Outcome.ADDED
