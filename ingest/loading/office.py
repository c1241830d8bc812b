"""Word documents: through HTML to Markdown, by the styles that their author used."""

import re
import zipfile
from pathlib import Path
from typing import BinaryIO

import mammoth

from ingest.index.errors import DocumentError
from ingest.loading.loaded import Loaded
from ingest.loading.markup import from_markup
from ingest.loading.sniffing import OLE2

MAX_UNPACKED = 500_000_000
_STYLES = "p[style-name='Title'] => h1:fresh"
_BACK_LINK = re.compile(r'\s*<a href="#(?:foot|end)note-ref-[^"]*">↑</a>')


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a Word document (.docx)."""
    with path.open("rb") as file:
        _check_archive(file, name)
        markup = _html(file)
    return Loaded(from_markup(_BACK_LINK.sub("", markup), "docx"))


def _check_archive(file: BinaryIO, name: str) -> None:
    if file.read(len(OLE2)) == OLE2:
        raise DocumentError(
            f"{name} is protected by a password, or is an old Word document (.doc).",
            "Save it as .docx without a password and add that.",
        )
    with zipfile.ZipFile(file) as archive:
        # Members never unpack to more than they declare: zipfile stops there.
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_UNPACKED:
        raise DocumentError(
            f"{name} unpacks to more than {MAX_UNPACKED // 1_000_000} MB.",
            "Split it into smaller files and add those.",
        )
    file.seek(0)


def _html(file: BinaryIO) -> str:
    result = mammoth.convert_to_html(
        file,
        style_map=_STYLES,
        include_embedded_style_map=False,  # a document does not say how it is read
        convert_image=lambda _image: [],
    )
    return str(result.value)
