"""What a person confines a search to: collection, documents, kinds of file, dates."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.index.catalogue import Catalogue
from ingest.index.dates import moment_of
from ingest.index.errors import InputError
from ingest.index.store import Where

NOTHING_THERE = "No document fits what the search was confined to. Widen it, then ask again."


@dataclass(frozen=True, slots=True)
class Scope:
    """What to search, in a person's words; None leaves a field open.

    Attributes:
        kinds: what documents were read as, such as `pdf` (docs/formats.md).
        since, before: dates in ISO 8601 (see `moment_of`). A document's is when its file was last
            changed, where that is known, or else when it was added; `since` is the first one
            that counts, `before` the first one that no longer does.
    """

    collection: str | None = None
    document_ids: Sequence[str] | None = None
    kinds: Sequence[str] | None = None
    since: str | None = None
    before: str | None = None

    @property
    def narrow(self) -> bool:
        """Whether more than a collection confines it, so that it may hold nothing."""
        more = (self.document_ids, self.kinds, self.since, self.before)
        return any(one is not None for one in more)

    def where(self, catalogue: Catalogue) -> Where:
        """Return it as the store takes it.

        Raises:
            InputError: there is no such collection or kind of file, a date is none, or what came
                from another program is of the wrong type.
        """
        collection = _text("collection", self.collection)
        ids, kinds = _texts("document_ids", self.document_ids), _texts("kinds", self.kinds)
        catalogue.require_collection(collection)
        if kinds is not None:
            catalogue.require_kinds(kinds)
        since, before = (
            None if text is None else moment_of(text)
            for text in (_text("since", self.since), _text("before", self.before))
        )
        if since is not None and before is not None and since >= before:
            raise InputError(
                f"No date lies from {self.since} on and before {self.before}.",
                "Choose a later end, or an earlier beginning.",
            )
        return Where(
            collection,
            # What is no id is nobody's.
            None if ids is None else tuple(one for one in ids if _ID.fullmatch(one)),
            None if kinds is None else tuple(kind.lower() for kind in kinds),
            since,
            before,
        )


EVERYTHING = Scope()


def readable(text: str) -> str:
    """Return a text that can be written as UTF-8 and kept in any database."""
    return _UNREADABLE.sub("\ufffd", text)


_UNREADABLE = re.compile("[\0\ud800-\udfff]")
_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def _text(name: str, value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"`{name}` is no text.", "Give it as a string, or leave it out.")
    return readable(value)


def _texts(name: str, values: object) -> list[str] | None:
    if values is None:
        return None
    if not isinstance(values, list | tuple) or not all(isinstance(one, str) for one in values):
        raise InputError(f"`{name}` is no list of texts.", "Give it as one, or leave it out.")
    return [readable(one) for one in values]
