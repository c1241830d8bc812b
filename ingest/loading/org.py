"""Org mode files, kept as they stand, with their headings found."""

import re
from pathlib import Path

from ingest.index.documents import Document, Heading
from ingest.loading.loaded import Loaded
from ingest.loading.text import decode

_LINE = re.compile(
    r"""
    ^(?:
        (?P<stars>\*+)[ \t]+(?P<title>[^\r\n]*\S)
      | \#\+title:[ \t]*(?P<document>[^\r\n]*\S)
      | [ \t]*\#\+(?P<edge>begin|end)_\w+
    )
    """,
    re.MULTILINE | re.VERBOSE | re.IGNORECASE,
)
_TAGS = re.compile(r"[ \t]+:[\w@#%:]+:$")
_DEEPEST = 6


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read an Org mode file as it stands."""
    text = decode(path.read_bytes(), name)
    headings: list[Heading] = []
    within_block = False
    for line in _LINE.finditer(text):
        if line["edge"]:
            within_block = line["edge"].lower() == "begin"
        elif line["document"]:
            headings.append(Heading(1, line["document"], *line.span()))
        elif not within_block and (title := _TAGS.sub("", line["title"]).strip()):
            headings.append(Heading(min(len(line["stars"]), _DEEPEST), title, *line.span()))
    return Loaded(Document(text, "text", headings=tuple(headings)))
