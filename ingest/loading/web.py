"""Web pages: from bytes in whatever encoding to markup, and on to Markdown."""

import re
from pathlib import Path

from ingest.loading.loaded import Loaded
from ingest.loading.markup import from_markup
from ingest.loading.text import clean, decode, wide_codec

_DECLARED = re.compile(
    rb"<(?:meta[^>]+charset|\?xml[^>]+encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE
)
_DECLARED_WITHIN = 4096
_MEANT = {"iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "gb2312": "gb18030"}
"""What browsers read where a page declares the left-hand encoding."""


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a web page."""
    return Loaded(from_markup(decode_markup(path.read_bytes(), name), "html", name))


def decode_markup(data: bytes, name: str) -> str:
    """Return the characters of a page.

    UTF-8 that is valid beats a declaration, which is often a leftover.
    """
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    if declared and not wide_codec(data) and (data.isascii() or not _is_utf8(data)):
        codec = declared[1].decode("ascii").lower()
        try:
            return clean(data.decode(_MEANT.get(codec, codec)))
        except (LookupError, ValueError):  # an unknown name, or not what the bytes are in
            pass
    return decode(data, name)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
