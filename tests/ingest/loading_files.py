"""Files for the tests of loading, built in memory, and the two things done with them."""

import io
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from fpdf import FPDF

from ingest.index.documents import Document
from ingest.index.errors import DocumentError
from ingest.loading import load

Bookmark = tuple[int, str, int]
"""Level from 0, title, number of the page."""

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(name: str, data: bytes) -> Document:
    """Load `data` as the file called `name`, from a path that says nothing about it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "5f1d7a84db00d2fce00b31a7fc73224f")
        path.write_bytes(data)
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        return load(path, name, scratch).document


def refusal(name: str, data: bytes) -> DocumentError:
    """Return the error that loading raises."""
    with pytest.raises(DocumentError) as caught:
        read(name, data)
    assert caught.value.what.endswith(".")
    assert caught.value.next_step.endswith(".")
    assert name in caught.value.what
    return caught.value


def pdf_file(*pages: str, outline: Iterable[Bookmark] = (), password: str = "") -> bytes:
    """Build a PDF of these pages."""
    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    if password:
        pdf.set_encryption(owner_password=password + "!", user_password=password)
    for number, page in enumerate(pages, 1):
        pdf.add_page()
        for level, title, on_page in outline:
            if on_page == number:
                pdf.start_section(title, level=level)
        for line in filter(None, page.splitlines()):
            pdf.cell(text=line, new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def paragraph(text: str, style: str = "") -> str:
    """Return a paragraph of WordprocessingML."""
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p>{properties}<w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>'


def table(*rows: tuple[str, ...]) -> str:
    """Return a table of WordprocessingML."""
    cells = ("".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows)
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in cells)}</w:tbl>"


def docx_file(*body: str, extra: dict[str, bytes] | None = None) -> bytes:
    """Build a Word document with the styles Title (`T`) and heading 1 and 2 (`H1`, `H2`)."""
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in {"T": "Title", "H1": "heading 1", "H2": "heading 2"}.items()
    )
    parts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="xml" ContentType="application/xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
        ),
        "word/_rels/document.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" '
            f'Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
        ),
        "word/styles.xml": f'<w:styles xmlns:w="{_WORD}">{styles}</w:styles>',
        "word/document.xml": (
            f'<w:document xmlns:w="{_WORD}"><w:body>{"".join(body)}</w:body></w:document>'
        ),
    }
    return zip_file({name: text.encode() for name, text in parts.items()} | (extra or {}))


def zip_file(parts: dict[str, bytes]) -> bytes:
    """Build a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()
