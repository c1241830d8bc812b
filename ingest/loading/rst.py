"""reStructuredText, kept as it stands, with its headings found."""

import re
from pathlib import Path

from ingest.index.documents import Document, Heading
from ingest.loading.loaded import Loaded
from ingest.loading.text import decode

_TITLE = re.compile(
    r"""
    (?:^(?P<over>([!-/:-@\[-`{-~])\2+)[ \t]*\r?\n)?
    ^(?P<title>(?P<indent>[ \t]*)\S[^\r\n]*?)[ \t]*\r?\n
    (?P<under>([!-/:-@\[-`{-~])\6+)[ \t]*(?=\r?\n|\Z)
    """,
    re.MULTILINE | re.VERBOSE,
)
_DEEPEST = 6


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a reStructuredText file as it stands."""
    text = decode(path.read_bytes(), name)
    return Loaded(Document(text, "text", headings=_headings(text)))


def _headings(text: str) -> tuple[Heading, ...]:
    """Return the underlined titles; the first style seen is level 1, the next one level 2."""
    styles: list[str] = []
    headings = []
    for mark in _TITLE.finditer(text):
        over, under, title = mark["over"], mark["under"], mark["title"].strip()
        if over and over != under:
            continue
        if mark["indent"] and not over:
            continue
        # docutils takes a shorter line for text, unless it has four marks or more.
        if len(under) < min(len(title), 4) or not any(map(str.isalnum, title)):
            continue
        style = under[0] * (2 if over else 1)
        if style not in styles:
            styles.append(style)
        level = min(styles.index(style) + 1, _DEEPEST)
        headings.append(Heading(level, title, *mark.span()))
    return tuple(headings)
