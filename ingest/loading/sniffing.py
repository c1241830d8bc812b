"""What a file is: its content decides, its extension settles what the content leaves open."""

import re
import zipfile
from pathlib import Path, PurePath

from ingest.index.errors import DocumentError
from ingest.loading import limits
from ingest.loading.text import looks_binary, not_readable, wide_codec

_EXTENSIONS = {
    "text": """
        .txt .text .log .tex .vtt .srt .ics .vcf .ini .cfg .conf .toml .yaml .yml .properties
        .py .pyi .js .mjs .jsx .ts .tsx .java .kt .kts .scala .groovy .go .rs .c .h .cc .cpp .cxx
        .hpp .cs .fs .vb .swift .m .mm .rb .php .pl .pm .lua .r .jl .sh .bash .zsh .fish .ps1 .bat
        .sql .css .scss .sass .less .vue .svelte .dart .ex .exs .erl .hs .ml .clj .el .lisp .asm
        .tf .gradle .cmake .mk .diff .patch .proto .graphql .adoc .asciidoc .textile .wiki""",
    "markdown": ".md .markdown",
    "rst": ".rst .rest",
    "org": ".org",
    "web": ".html .htm .xhtml",
    "pdf": ".pdf",
    "word": ".docx .docm .dotx .dotm",
    "slides": ".pptx .pptm .ppsx .potx",
    "spreadsheet": ".xlsx .xlsm .xltx .xltm",
    "xls": ".xls .xlt",
    "delimited": ".csv .tsv .tab",
    "opendocument": ".odt .ods .odp .odg .ott .ots .otp .fodt .fods .fodp",
    "epub": ".epub",
    "rtf": ".rtf",
    "mail": ".eml .mht .mhtml",
    "outlook": ".msg",
    "records": ".json .jsonl .ndjson .geojson .jsonld",
    "elements": ".xml .svg .rss .atom .kml .gpx .opml",
    "notebook": ".ipynb",
    "archive": ".zip",
    "image": ".png .jpg .jpeg .tif .tiff .gif .webp .bmp .pbm .pgm .ppm",
    "legacy": """
        .doc .dot .wri .ppt .pps .pot .wps .wpd .sxw .sdw .sxi .sdd .sxc .sdc .xlsb .vsd .vsdx
        .pub""",
}

FAMILIES = {
    suffix: family for family, suffixes in _EXTENSIONS.items() for suffix in suffixes.split()
}
"""Extension to family; a family is a module of this package."""

TEXTUAL = frozenset(
    {
        *("text", "markdown", "rst", "org", "web", "delimited", "mail", "records", "elements"),
        "notebook",
    }
)
"""Families whose files are made of characters."""

_OWN_TEXT = frozenset({"text", "markdown", "rst", "org"})
"""Families that a person who names them wants as they stand, whatever the text looks like."""

_HEAD_BYTES = 4096
_PDF_HEADER_WITHIN = 1024  # readers of PDF accept junk before the header, up to here
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
OLE2 = b"\xd0\xcf\x11\xe0"  # old Office files, and the wrapper around encrypted new ones
_PICTURES = (
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*"),
    *(b"II+\0", b"MM\0+"),
)
_HTML = re.compile(
    r"(?>(?:<\?xml[^>]*>|<!--.*?-->)\s*)*+<(?:!doctype\s+html|html[\s>])",
    re.IGNORECASE | re.DOTALL,
)
_XML = re.compile(r"<\?xml\s")
_FLAT_OPENDOCUMENT = re.compile(r"<office:document\b")
_MAIL = re.compile(
    r"(?:(?:From |[\w-]+:)[^\n]*\n(?:[ \t]+[^\n]*\n)*)*?"
    r"(?:Received|Return-Path|Delivered-To|Message-ID|MIME-Version):",
    re.IGNORECASE,
)
_NOTEBOOK = re.compile(r'\s*\{\s*"(?:cells|metadata|nbformat)"')


def family_of(path: Path, name: str) -> str:  # noqa: PLR0911 - one case after the other
    """Return the family that reads the file at `path`, which the person calls `name`.

    Raises:
        DocumentError: if no family reads such files.
    """
    suffix = _suffix(name)
    named = FAMILIES.get(suffix)
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)

    if head.startswith(b"%PDF-") or (named == "pdf" and b"%PDF-" in head[:_PDF_HEADER_WITHIN]):
        return "pdf"
    if head.startswith(_ZIP):
        return _family_of_zip(path, name, named)
    if head.startswith(OLE2):
        return _family_of_ole(path, name, named)
    if head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP"):
        return "image"
    if named == "image" and head.startswith((b"BM", b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")):
        return "image"
    if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{\\rtf"):
        return "rtf"
    if named == "xls" and head[:1] == b"\t" and head[1:2] in {b"\0", b"\2", b"\4", b"\x08"}:
        return "xls"  # of a time before OLE
    if named == "legacy" and suffix != ".doc" and looks_binary(head):
        return "legacy"
    if named in TEXTUAL:
        return _family_of_text(head, named)
    if named == "pdf" and looks_binary(head):
        return "pdf"  # whose reader says what is wrong
    if looks_binary(head):
        raise limits.damaged(name) if named else not_readable(name)
    return _family_of_text(head, "delimited" if named in {"xls", "spreadsheet"} else None)


def legacy_suffix(path: Path, name: str) -> str:
    """Return the extension under which LibreOffice is given the file at `path`."""
    with path.open("rb") as file:
        head = file.read(8)
    if head.startswith(OLE2):
        streams = _streams(path)
        for stream, suffix in _LEGACY_STREAMS.items():
            if stream in streams:
                return suffix
    elif head.startswith(_ZIP) and "xl/workbook.bin" in _members(path):
        return ".xlsb"
    suffix = _suffix(name)
    return suffix if FAMILIES.get(suffix) == "legacy" else ".doc"


_LEGACY_STREAMS = {
    "WordDocument": ".doc",
    "PowerPoint Document": ".ppt",
    "VisioDocument": ".vsd",
    "Quill": ".pub",
}


def _suffix(name: str) -> str:
    """Return the extension in a name; a page's name is its address."""
    if name.startswith(("http://", "https://")):
        _, _, name = name.partition("://")[2].partition("?")[0].partition("/")
    return PurePath(name).suffix.lower()


def _family_of_text(head: bytes, named: str | None) -> str:  # noqa: PLR0911 - likewise
    """Return the family of a file made of characters."""
    start = head.decode(wide_codec(head) or "utf-8-sig", "ignore").lstrip()
    if named in {"mail", "epub"}:
        return named
    if _HTML.match(start):
        return "web"
    if named in _OWN_TEXT:
        return str(named)
    if _XML.match(start):
        return "opendocument" if _FLAT_OPENDOCUMENT.search(start) else "elements"
    if named:
        return named
    if _MAIL.match(start):
        return "mail"
    if _NOTEBOOK.match(start) and '"cells"' in start:
        return "notebook"
    return "records" if start.startswith(("{", "[")) else "text"


def _family_of_zip(path: Path, name: str, named: str | None) -> str:  # noqa: PLR0911 - likewise
    names = _members(path)
    if any(member.endswith((".iwa", "index.apxl")) for member in names):
        raise DocumentError(
            f"{name} is a Pages, Numbers or Keynote file.",
            "Export it as PDF or in an Office format, and add that.",
        )
    folders = {name.partition("/")[0] for name in names}
    if "xl/workbook.bin" in names or "visio" in folders:
        return "legacy"
    for folder, family in (("word", "word"), ("ppt", "slides"), ("xl", "spreadsheet")):
        if folder in folders and ("[Content_Types].xml" in names or named == family):
            return family
        if f"{folder}/document.xml" in names or f"{folder}/workbook.xml" in names:
            return family
    if "META-INF/container.xml" in names or any(name.endswith(".opf") for name in names):
        return "epub"
    if "content.xml" in names and {"mimetype", "META-INF/manifest.xml"} & names:
        return "legacy" if named == "legacy" else "opendocument"
    if names or named is None:
        return "archive"
    return named if named not in TEXTUAL else "archive"


def _family_of_ole(path: Path, name: str, named: str | None) -> str:
    streams = _streams(path)
    if "EncryptedPackage" in streams or "EncryptionInfo" in streams:
        raise limits.protected(name)
    if {"Workbook", "Book"} & streams:
        return "xls"
    if any(stream.startswith("__properties_version1") for stream in streams):
        return "outlook"
    if streams & _LEGACY_STREAMS.keys() or named == "legacy":
        return "legacy"
    if named in {"xls", "outlook"}:
        return named
    if named in {"word", "slides", "spreadsheet"}:
        raise limits.protected(name)  # the only reason for such a wrapper around these
    if not streams:
        raise limits.damaged(name)
    raise not_readable(name)


def _members(path: Path) -> frozenset[str]:
    """Return the names of an archive's members; none if it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return frozenset()


def _streams(path: Path) -> frozenset[str]:
    """Return the names at the top of an OLE file; none if it is damaged."""
    import olefile

    try:
        with olefile.OleFileIO(path) as file:
            return frozenset(entry[0] for entry in file.listdir(streams=True, storages=True))
    except Exception:  # noqa: BLE001 - olefile raises whatever comes up in a damaged file
        return frozenset()
