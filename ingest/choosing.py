"""Which documents a command means."""

from collections.abc import Sequence

from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.tables import Record


def require_choice(names: Sequence[str] | None, every: bool, collection: str | None) -> None:
    """Refuse anything but names, or all of one collection.

    Raises:
        InputError: neither is given, or both.
    """
    if bool(names) == every or (every and collection is None):
        raise InputError(
            "It is not clear which documents are meant.",
            "Give their names, or a collection with --collection NAME --all.",
        )


def chosen(index: Index, names: Sequence[str] | None, collection: str | None) -> list[Record]:
    """Return the documents with these names or ids, or all of a collection.

    Raises:
        InputError: one of them, or the collection, is not there.
    """
    index.catalogue.require_collection(collection)
    if names:
        return find(index, names, collection)
    return index.catalogue.documents(collection)


def find(index: Index, names: Sequence[str], collection: str | None) -> list[Record]:
    """Return the documents with these names or ids, in order.

    Raises:
        InputError: one of them is not there, or in several collections.
    """
    known: dict[str, list[Record]] = {}
    for record in index.catalogue.documents(collection):
        for name in {record.name, record.id}:
            known.setdefault(name, []).append(record)
    found = []
    for name in names:
        matches = known.get(name, [])
        if not matches:
            raise InputError(
                f"There is no document called {name}.", "See `ingest list` for the names."
            )
        if len(matches) > 1:
            raise InputError(
                f"{name} is in several collections.", "Name one with --collection, or give the id."
            )
        found += matches
    return found
