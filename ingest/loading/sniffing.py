"""What a file is: its content decides, its extension settles what the content leaves open."""

import re
import zipfile
from pathlib import Path, PurePath

from ingest.loading.text import looks_binary, not_readable, wide_codec

FAMILIES = {
    ".txt": "text",
    ".text": "text",
    ".log": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "web",
    ".htm": "web",
    ".xhtml": "web",
    ".pdf": "pdf",
    ".docx": "office",
}
"""Extension to family; a family is a module of this package."""

# Made of text, but their text is not what a person reads in them.
_NOT_FOR_READING = frozenset({".eml", ".mht", ".mhtml", ".ps", ".rtf", ".svg"})

_HEAD_BYTES = 4096
_PDF_HEADER_WITHIN = 1024  # readers of PDF accept junk before the header, up to here
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OLE2 = b"\xd0\xcf\x11\xe0"  # old Office files, and the wrapper around encrypted new ones
_HTML = re.compile(
    r"(?>(?:<\?xml[^>]*>|<!--.*?-->)\s*)*+<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)


def family_of(path: Path, name: str) -> str:
    """Return the family that reads the file at `path`, which the person calls `name`.

    Raises:
        DocumentError: if no family reads such files.
    """
    suffix = PurePath(name).suffix.lower()
    named = FAMILIES.get(suffix)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)

    if head.startswith(b"%PDF-"):
        return "pdf"
    if named == "pdf" and b"%PDF-" in head[:_PDF_HEADER_WITHIN]:
        return "pdf"
    if head.startswith((OLE2, *_ZIP)):
        if named == "office" or _is_docx(path):
            return "office"
        raise not_readable(name)
    if _is_html(head):
        return "web"
    if suffix in _NOT_FOR_READING or head.startswith(b"{\\rtf"):
        raise not_readable(name)
    if named in {"pdf", "office"}:
        return named if looks_binary(head) else "text"
    return named or "text"


def _is_docx(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return "word/document.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _is_html(head: bytes) -> bool:
    text = head.decode(wide_codec(head) or "utf-8-sig", "ignore")
    return _HTML.match(text.lstrip()) is not None
