"""Files for the tests of loading, built in memory, and the two things done with them."""

import io
import struct
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from fpdf import FPDF

from ingest.index.documents import Document
from ingest.index.errors import DocumentError
from ingest.loading import load
from ingest.loading.loaded import Loaded

Bookmark = tuple[int, str, int]
"""Level from 0, title, number of the page."""

_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def read(name: str, data: bytes) -> Document:
    """Return the document of `data` as the file called `name`."""
    return loaded(name, data).document


def loaded(name: str, data: bytes) -> Loaded:
    """Load `data` as the file called `name`, from a path that says nothing about it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "5f1d7a84db00d2fce00b31a7fc73224f")
        path.write_bytes(data)
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        return load(path, name, scratch)


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


def docx_file(
    *body: str, extra: dict[str, bytes] | None = None, parts: dict[str, str] | None = None
) -> bytes:
    """Build a Word document with the styles Title (`T`) and heading 1 and 2 (`H1`, `H2`).

    Args:
        body: paragraphs and tables.
        extra: more members of the archive.
        parts: more parts by their kinds, in the place of those above.
    """
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/></w:style>'
        for key, name in {"T": "Title", "H1": "heading 1", "H2": "heading 2"}.items()
    )
    kinds = {"styles": f'<w:styles xmlns:w="{_WORD}">{styles}</w:styles>'} | (parts or {})
    content: dict[str, str | bytes] = {
        "word/document.xml": (
            f'<w:document xmlns:w="{_WORD}"><w:body>{"".join(body)}</w:body></w:document>'
        ),
        **{f"word/{kind}.xml": part for kind, part in kinds.items()},
        **(extra or {}),
    }
    related = {f"word/{kind}.xml": kind for kind in kinds}
    return office_file("word/document.xml", content, {"word/document.xml": related})


def zip_file(parts: dict[str, bytes]) -> bytes:
    """Build a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def unpack(name: str, data: bytes) -> tuple[Document, dict[str, bytes]]:
    """Load `data`, and return its document, and the bytes of the files in it by their names."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "5f1d7a84db00d2fce00b31a7fc73224f")
        path.write_bytes(data)
        scratch = Path(folder, "scratch")
        scratch.mkdir()
        loaded = load(path, name, scratch)
        assert all(scratch in found.path.resolve().parents for found in loaded.attachments)
        return loaded.document, {f.name: f.path.read_bytes() for f in loaded.attachments}


def outline(document: Document) -> list[tuple[int, str]]:
    """Return level and title of each heading, after a look at their spans."""
    end = 0
    for heading in document.headings:
        assert end <= heading.start < heading.end <= len(document.text)
        end = heading.end
    return [(heading.level, heading.title) for heading in document.headings]


def office_file(
    main: str, parts: dict[str, str | bytes], related: dict[str, dict[str, str]]
) -> bytes:
    """Build an Office file.

    Args:
        main: name of its main part.
        parts: its parts.
        related: name of a part to its relations, the target of each by its kind; the id of
            a relation is `r` and its number from 1.
    """
    relations = {"": {main: "officeDocument"}} | related
    built: dict[str, bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>'.encode()
    }
    for part, targets in relations.items():
        folder, _, file = part.rpartition("/")
        lines = "".join(
            f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="/{target}"/>'
            for number, (target, kind) in enumerate(targets.items(), 1)
        )
        name = f"{folder}/_rels/{file}.rels".lstrip("/")
        built[name] = (
            f'<Relationships xmlns="{_PACKAGE}/relationships">{lines}</Relationships>'.encode()
        )
    built |= {
        name: part.encode() if isinstance(part, str) else part for name, part in parts.items()
    }
    return zip_file(built)


def xlsx_file(*sheets: tuple[str, str], parts: dict[str, str] | None = None) -> bytes:
    """Build an Excel workbook of sheets: title, and the XML of its rows."""
    listed = "".join(
        f'<sheet name="{title}" sheetId="{number}" r:id="r{number}"/>'
        for number, (title, _) in enumerate(sheets, 1)
    )
    content: dict[str, str | bytes] = {
        "xl/workbook.xml": f'<workbook xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    }
    related = {}
    for number, (_, rows) in enumerate(sheets, 1):
        content[f"xl/sheet{number}.xml"] = f"<worksheet>{rows}</worksheet>"
        related[f"xl/sheet{number}.xml"] = "worksheet"
    for name, part in (parts or {}).items():
        content[f"xl/{name}.xml"] = part
        related[f"xl/{name}.xml"] = name
    return office_file("xl/workbook.xml", content, {"xl/workbook.xml": related})


def sheet_rows(*rows: tuple[str | float, ...]) -> str:
    """Return rows of a sheet."""
    cells = (
        "".join(
            f"<c><v>{cell}</v></c>"
            if isinstance(cell, int | float)
            else f'<c t="inlineStr"><is><t>{cell}</t></is></c>'
            for cell in row
        )
        for row in rows
    )
    return f"<sheetData>{''.join(f'<row>{row}</row>' for row in cells)}</sheetData>"


def ole_file(streams: dict[str, bytes]) -> bytes:
    """Build a compound file of version 3; `/` in a name separates storages ([MS-CFB])."""
    sector = 512
    folders: dict[str, list[str]] = {"": []}
    for name in streams:
        parts = name.split("/")
        for depth in range(len(parts)):
            above, here = "/".join(parts[:depth]), "/".join(parts[: depth + 1])
            if here not in folders.setdefault(above, []):
                folders[above].append(here)
    order = ["", *sorted({name for names in folders.values() for name in names})]
    table: list[int] = []
    body = b""
    entries = b""
    for name in order:
        # Shorter ones would have to go into a stream of their own.
        data = streams[name].ljust(4096, b"\0") if name in streams else b""
        start = len(table) if data else 0xFFFFFFFE
        sectors = -(-len(data) // sector)
        table += [*range(start + 1, start + sectors), 0xFFFFFFFE] if data else []
        body += data.ljust(sectors * sector, b"\0")
        siblings = folders[name.rpartition("/")[0]] if name else [""]
        place = siblings.index(name)
        right = order.index(siblings[place + 1]) if place + 1 < len(siblings) else 0xFFFFFFFF
        child = order.index(folders[name][0]) if folders.get(name) else 0xFFFFFFFF
        title = (name.rpartition("/")[2] or "Root Entry").encode("utf-16-le") + b"\0\0"
        kind = 5 if not name else 2 if name in streams else 1
        entries += title.ljust(64, b"\0") + struct.pack(
            "<HBBIII36xIQ", len(title), kind, 1, 0xFFFFFFFF, right, child, start, len(data)
        )
    first = len(table)
    sectors = -(-len(entries) // sector)
    entries = entries.ljust(sectors * sector, b"\0")
    table += [*range(first + 1, first + sectors), 0xFFFFFFFE]
    size = -(-(len(table) + 2) // (sector // 4))
    assert size <= 109
    where = len(table)
    table += [0xFFFFFFFD] * size
    packed = struct.pack(f"<{len(table)}I", *table).ljust(size * sector, b"\xff")
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 62, 3, 0xFFFE, 9, 6, 0, size, first, 0),
        *(0, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0),
    )
    places = [*range(where, where + size), *[0xFFFFFFFF] * (109 - size)]
    return header + struct.pack("<109I", *places) + body + entries + packed
