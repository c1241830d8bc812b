"""Puts a document together from blocks, and keeps where its pages and headings are."""

from collections.abc import Iterable
from dataclasses import replace

from ingest.index.documents import Document, Heading, Page
from ingest.loading import limits
from ingest.loading.text import clean

_DEEPEST = 6


class Builder:
    """Collects blocks of text; between two of them stands a blank line.

    Args:
        kind: of the document.
        name: of the file, for the sentence when it holds too much.
    """

    def __init__(self, kind: str, name: str) -> None:
        self._kind = kind
        self.name = name
        self._parts: list[str] = []
        self._length = 0
        self._pages: list[Page] = []
        self._page_start = 0
        self._page_number = 0
        self._headings: list[Heading] = []

    def heading(self, level: int, title: str, line: str = "") -> None:
        """Add a heading; `line` is how it stands in the text, as Markdown if not given."""
        title = " ".join(clean(title).split())
        if not title:
            return
        level = min(max(level, 1), _DEEPEST)
        start = self._add(" ".join(clean(line).split()) or f"{'#' * level} {title}")
        self._headings.append(Heading(level, title, start, self._length))

    def paragraph(self, text: str) -> None:
        """Add a block of text, if there is any in it."""
        text = clean(text).strip("\n").rstrip()
        if text:
            self._add(text)

    def lines(self, lines: Iterable[str]) -> None:
        """Add a block of lines; those without text are left out."""
        first = True
        for line in map(str.rstrip, map(clean, lines)):
            if line:
                self._add(line, "\n\n" if first else "\n")
                first = False

    def append(self, document: Document, lower: int = 0) -> None:
        """Add a whole document with its headings, these `lower` levels below where they were."""
        text = document.text.rstrip()
        if not text.strip():
            return
        pieces: list[str] = []
        headings: list[Heading] = []
        position = added = 0
        for heading in document.headings:
            level = min(heading.level + lower, _DEEPEST)
            # The marks of Markdown say the level as well.
            marks = "#" * (level - heading.level) if text[heading.start] == "#" else ""
            pieces += (text[position : heading.start], marks)
            start, position = heading.start + added, heading.start
            added += len(marks)
            headings.append(
                Heading(level, heading.title, start, min(heading.end, len(text)) + added)
            )
        offset = self._add("".join([*pieces, text[position:]]))
        self._headings += (
            replace(heading, start=offset + heading.start, end=offset + heading.end)
            for heading in headings
        )

    def page(self, number: int) -> None:
        """Begin the page `number`."""
        self._end_page()
        self._page_number = number

    def document(self) -> Document:
        """Return what was put together."""
        self._end_page()
        self._parts.append("\n" if self._parts else "")
        return Document("".join(self._parts), self._kind, tuple(self._pages), tuple(self._headings))

    def _add(self, text: str, separator: str = "\n\n") -> int:
        if not self._parts:
            separator = ""
        if self._length == self._page_start:
            self._page_start += len(separator)
        start = self._length + len(separator)
        self._parts += (separator, text)
        self._length = start + len(text)
        if self._length > limits.MAX_CHARACTERS:
            raise limits.too_long(self.name)
        return start

    def _end_page(self) -> None:
        if self._page_number:
            end = max(self._length, self._page_start)
            self._pages.append(Page(self._page_number, self._page_start, end))
        self._page_start = self._length
