"""Markdown, kept as it stands, with its headings found."""

import re
from pathlib import Path

from ingest.index.documents import Document, Heading
from ingest.loading.loaded import Loaded
from ingest.loading.text import decode

_MARK = re.compile(
    r"""
    (?:^|(?<=\r))(?:
        [ \t]*+ (?P<fence>`{3,}|~{3,}) (?P<info>[^\r\n]*+)
      | [ ]{0,3} (?P<hashes>\#{1,6}) (?P<atx>[ \t][^\r\n]*+)
      | (?P<setext>[^\r\n]++) (?:\r\n|\n|\r) [ ]{0,3} (?P<underline>=+|-+) [ \t]*+ (?![^\r\n])
    )
    """,
    re.MULTILINE | re.VERBOSE,
)
_FRONT_MATTER = re.compile(
    r"---[ \t]*\r?\n[\w\"' -]+:.*?^(?:---|\.\.\.)[ \t]*\r?$", re.MULTILINE | re.DOTALL
)
_OTHER_BLOCK = re.compile(r"\s*\Z| {4}| {0,3}(?:[\t#>|<]|[-*+=]|\d{1,9}[.)][ \t])")
_BLANK_LINE_AT_END = re.compile(r"(?:\n|\r(?!\n))[ \t]*(?:\r\n|\n|\r)\Z")
_LOOK_BACK = 80


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a Markdown file as it stands."""
    text = decode(path.read_bytes(), name)
    return Loaded(Document(text, "markdown", headings=scan_headings(text)))


def scan_headings(text: str) -> tuple[Heading, ...]:
    """Return the headings of Markdown text, those in code fences and front matter left out."""
    headings: list[Heading] = []
    front_matter = _FRONT_MATTER.match(text)
    block_start = front_matter.end() if front_matter else 0
    fence = ""
    for mark in _MARK.finditer(text, block_start):
        heading = None
        if fence:
            if (mark["fence"] or "").startswith(fence) and not mark["info"].strip():
                fence = ""
                block_start = mark.end()
        elif mark["fence"]:
            if "`" not in mark["info"]:
                fence = mark["fence"]
        elif mark["hashes"]:
            heading = _atx(mark)
        else:
            heading = _setext(text, mark, block_start)
        if heading:
            headings.append(heading)
            block_start = heading.end
    return tuple(headings)


def _atx(mark: re.Match[str]) -> Heading | None:
    title = mark["atx"].strip()
    without_closing = title.rstrip("#")
    if not without_closing or without_closing[-1].isspace():
        title = without_closing.rstrip()
    return Heading(len(mark["hashes"]), title, *mark.span()) if title else None


def _setext(text: str, mark: re.Match[str], block_start: int) -> Heading | None:
    """Return the underlined heading if its title is a paragraph of its own.

    The last line of a longer paragraph with dashes below is, in practice, not a heading.
    """
    above = text[max(block_start, mark.start() - _LOOK_BACK) : mark.start()]
    starts_paragraph = not above.strip() or _BLANK_LINE_AT_END.search(above)
    if not starts_paragraph or _OTHER_BLOCK.match(mark["setext"]):
        return None
    level = 1 if mark["underline"][0] == "=" else 2
    return Heading(level, mark["setext"].strip(), *mark.span())
