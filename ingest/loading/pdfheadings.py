"""Headings of a PDF: its outline, or else lines that are larger than the rest."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.index.documents import Heading, Page

DEEPEST = 6
MAX_TITLES = 10_000

_MAX_PLACES = 100
"""Places on a page that are tried for one title."""

_NUMBERING = re.compile(r"\s*(?:(?:[^\W\d]+\s+)?[\dIVXLC.]+[.:)]?\s*)?")  # 2.1, Chapter IV:
_LARGER = 1.15  # than the text; at 1.07, formulas and lists were taken for titles
_LEVELS = 3
_MAX_LENGTH = 150
_MAX_LINES = 3
_MAX_SHARE = 0.2  # of all lines; where more are large, size says nothing
_FEW = 3
_WORDS = re.compile(r"[^\W\d_]{2}")
_NO_TITLE = re.compile(r"(?:\. ?){4}|@|[\x00-\x1f\ufffd-\uffff]")  # contents, addresses, formulas


@dataclass(frozen=True, slots=True)
class Title:
    """A heading that is looked for: its words, its level from 1, and its page from 0."""

    level: int
    words: str
    page: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a page: its text, and the height of its first character in points."""

    text: str
    size: float
    page: int


def large_titles(lines: Sequence[Line]) -> list[Title]:
    """Return lines in larger type as titles; the largest size is level 1.

    The size of the text is the one in which most characters are set.
    """
    characters: Counter[float] = Counter()
    for line in lines:
        characters[_rounded(line)] += len(line.text)
    if not characters:
        return []
    text_size = characters.most_common(1)[0][0]
    found: list[list[Line]] = []
    ended = True
    for line in lines:
        if _rounded(line) <= text_size * _LARGER or len(line.text) > _MAX_LENGTH:
            ended = True
            continue
        last = found[-1] if found and not ended else []
        if 0 < len(last) < _MAX_LINES and _place(last[0]) == _place(line):
            last.append(line)  # a title of several lines
        else:
            found.append([line])
        ended = False
    found = [parts for parts in found if _is_title(" ".join(part.text for part in parts))]
    if len(found) > max(_FEW, _MAX_SHARE * len(lines)):
        return []
    sizes = sorted({_rounded(parts[0]) for parts in found}, reverse=True)
    levels = {size: min(rank, _LEVELS) for rank, size in enumerate(sizes, 1)}
    return [
        Title(levels[_rounded(parts[0])], " ".join(part.text for part in parts), parts[0].page)
        for parts in found[:MAX_TITLES]
    ]


def _is_title(words: str) -> bool:
    letters = sum(map(str.isalpha, words))
    return bool(_WORDS.search(words)) and not _NO_TITLE.search(words) and letters > len(words) / 2


def _rounded(line: Line) -> float:
    return round(line.size * 2) / 2


def _place(line: Line) -> tuple[int, float]:
    return line.page, _rounded(line)


def find_headings(text: str, pages: list[Page], titles: Sequence[Title]) -> tuple[Heading, ...]:
    """Return the titles that are found on their pages, in order of appearance."""
    found: dict[int, Heading] = {}
    squeezed: dict[int, tuple[str, list[int]]] = {}
    for title in titles:
        if not 0 <= title.page < len(pages):
            continue
        page = pages[title.page]
        if title.page not in squeezed:
            squeezed[title.page] = _squeeze(text, page.start, page.end)
        span = _find_line(text, page, *squeezed[title.page], _squeeze(title.words)[0])
        if span and span[0] not in found:
            words = " ".join(text[span[0] : span[1]].split())
            found[span[0]] = Heading(min(title.level, DEEPEST), words, *span)
    return tuple(found[start] for start in sorted(found))


def _squeeze(text: str, start: int = 0, end: int | None = None) -> tuple[str, list[int]]:
    """Return a part of `text` without white space and case, and where each character was."""
    characters: list[str] = []
    positions: list[int] = []
    for position in range(start, len(text) if end is None else end):
        for character in text[position].casefold():
            if not character.isspace():
                characters.append(character)
                positions.append(position)
    return "".join(characters), positions


def _find_line(
    text: str, page: Page, squeezed: str, positions: list[int], title: str
) -> tuple[int, int] | None:
    """Return where `title` is a line of its own, or else where it first begins a line."""
    begins_line: tuple[int, int] | None = None
    at = squeezed.find(title) if title else -1
    for _ in range(_MAX_PLACES):
        if at < 0:
            break
        start, end = positions[at], positions[at + len(title) - 1] + 1
        line_start = max(page.start, text.rfind("\n", page.start, start) + 1)
        line_end = text.find("\n", end, page.end)
        before, after = text[line_start:start], text[end : line_end if line_end >= 0 else page.end]
        if not after.strip() and _NUMBERING.fullmatch(before):
            return start, end
        if begins_line is None and not before.strip():
            begins_line = start, end
        at = squeezed.find(title, at + 1)
    return begins_line
