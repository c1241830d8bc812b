"""Word documents: through HTML to Markdown, by the styles that their author used."""

import re
from pathlib import Path
from typing import BinaryIO

import mammoth

from ingest.loading.containers import open_container
from ingest.loading.loaded import Loaded
from ingest.loading.markup import from_markup

_STYLES = "p[style-name='Title'] => h1:fresh"
_BACK_LINK = re.compile(r'\s*<a href="#(?:foot|end)note-ref-[^"]*">↑</a>')


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a Word document (.docx)."""
    with open_container(path, name), path.open("rb") as file:
        markup = _html(file)
    return Loaded(from_markup(_BACK_LINK.sub("", markup), "docx", name))


def _html(file: BinaryIO) -> str:
    result = mammoth.convert_to_html(
        file,
        style_map=_STYLES,
        include_embedded_style_map=False,  # a document does not say how it is read
        convert_image=lambda _image: [],
    )
    return str(result.value)
