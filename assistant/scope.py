"""What a person confines a search to: collection, documents, kinds of file, dates."""

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
            InputError: there is no such collection or kind of file, or a date is none.
        """
        catalogue.require_collection(self.collection)
        if self.kinds is not None:
            catalogue.require_kinds(self.kinds)
        since = None if self.since is None else moment_of(self.since)
        before = None if self.before is None else moment_of(self.before)
        if since is not None and before is not None and since >= before:
            raise InputError(
                f"No date lies from {self.since} on and before {self.before}.",
                "Choose a later end, or an earlier beginning.",
            )
        return Where(
            self.collection,
            None if self.document_ids is None else tuple(self.document_ids),
            None if self.kinds is None else tuple(kind.lower() for kind in self.kinds),
            since,
            before,
        )
