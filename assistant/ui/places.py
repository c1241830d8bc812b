"""A span of a document with its neighbourhood, and a whole document, as the page shows them."""

import re
from typing import TypedDict

from ingest.index.documents import Document

CONTEXT = 320
"""Characters of a document shown on either side of a passage."""

_PAGE_LINE = re.compile(r"(?<!\n)\n(?=.)(?!\s*(?:\n|\d+[.)\d]*\s|\(\w{1,3}\)|[-•*–]\s))")
_BLANK_LINES = re.compile(r"\n\s*\n\s*")


class PlaceShape(TypedDict):
    """A quote in its passage in its document; all text is plain.

    Attributes:
        before, after: the neighbourhood of the passage.
        lead, tail: what the passage says before and after the quote.
        page: where the quote begins, with `pages` the number of all.
    """

    before: str
    lead: str
    quote: str
    tail: str
    after: str
    page: int | None
    pages: int | None
    kind: str
    start: int
    end: int


def place(document: Document, first: int, last: int, start: int, end: int) -> PlaceShape:
    """Return the span [start, end) inside the passage [first, last) of a document."""
    text = document.text
    first, last = min(first, start), max(last, end)
    before, after = _around(text, first, last)
    return {
        "before": prose(before, document.kind),
        "lead": prose(text[first:start], document.kind),
        "quote": prose(text[start:end], document.kind),
        "tail": prose(text[end:last], document.kind),
        "after": prose(after, document.kind),
        "page": document.page_at(start),
        "pages": len(document.pages) or None,
        "kind": document.kind,
        "start": start,
        "end": end,
    }


def prose(text: str, kind: str) -> str:
    """Return a piece of a document for reading: a PDF page's lines joined to paragraphs."""
    if kind == "pdf":
        text = _PAGE_LINE.sub(" ", text)
    return _BLANK_LINES.sub("\n\n", text)


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the neighbourhood of a span, cut at words, with dots where more follows."""
    before, after = text[max(0, start - CONTEXT) : start], text[end : end + CONTEXT]
    if start > CONTEXT:
        before = "…" + before[before.find(" ") + 1 :]
    if end + CONTEXT < len(text):
        after = after[: after.rfind(" ") + 1] + "…"
    return before, after
