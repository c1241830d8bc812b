"""First questions for an empty chat, taken from the documents' own headings."""

import re
from collections.abc import Sequence

from ingest.index import listing
from ingest.index.documents import Heading
from ingest.index.index import Index
from ingest.index.tables import Record, State

SHOWN = 4

_LOOKED_AT = 8
"""Documents whose texts are read for headings, at the most."""

_LARGEST = 2_000_000
"""Characters; longer texts are not read for a suggestion."""

_NUMBERING = re.compile(
    r"^(?:(?:chapter|section|part|article|appendix)\s+)?[\dIVXLC.]+[.:)]?\s+", re.I
)
_LONGEST_TITLE = 60


def suggestions(
    index: Index, collection: str | None, document_ids: Sequence[str]
) -> list[dict[str, str]]:
    """Return {question, document} of up to `SHOWN` headings, from different documents first."""
    if document_ids:
        records = index.catalogue.documents(ids=document_ids[:_LOOKED_AT])
    else:
        wanted = listing.Wanted(collection=collection, state=State.READY)
        part = listing.Part(order="updated", descending=True, limit=_LOOKED_AT)
        records, _ = listing.rows(index.database, wanted, part)
    titles = [(record, _titles(index, record)) for record in records]
    found: list[dict[str, str]] = []
    for turn in range(SHOWN):
        for record, known in titles:
            if turn < len(known) and len(found) < SHOWN:
                question = f"What does {_short(record.name)} say about “{known[turn]}”?"
                found.append({"question": question, "document": record.name})
    return found


def _titles(index: Index, record: Record) -> list[str]:
    if record.characters > _LARGEST:
        return []
    document = index.document(record.id)
    if document is None:
        return []
    # The first heading is mostly the document's title: it asks for everything.
    inner = [one for one in document.headings if _telling(one)]
    inner = [one for one in inner if one.level > 1] or inner[1:]
    return list(dict.fromkeys(_NUMBERING.sub("", one.title).strip() for one in inner))


def _telling(heading: Heading) -> bool:
    title = _NUMBERING.sub("", heading.title).strip()
    return 3 < len(title) <= _LONGEST_TITLE and any(map(str.isalpha, title))


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]
