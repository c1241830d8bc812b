"""Build the PDF and the Word file of `examples/documents/` from the text in `examples/sources/`.

    python examples/build.py            write both files
    python examples/build.py --check    exit 1 if a file differs from what would be written

The same sources give the same bytes each time: dates are fixed and nothing is compressed. The PDF
needs fpdf2, and another version of it may write other bytes (the committed file is by 2.8.9).
"""

import argparse
import io
import re
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace
from fpdf.outline import OutlineSection

HERE = Path(__file__).parent


# ---- Reading a source: a few `key: value` lines, then blocks parted by blank lines


@dataclass(frozen=True)
class Heading:
    """A line that begins with one or more `#`."""

    level: int
    text: str


@dataclass(frozen=True)
class Paragraph:
    """Running text; `label` is the number of a clause, such as `3.1` or `(a)`, or empty."""

    label: str
    text: str


@dataclass(frozen=True)
class Table:
    """Lines of cells between `|`; the first row is the header."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class PageBreak:
    """A line of three hyphens."""


Block = Heading | Paragraph | Table | PageBreak


@dataclass(frozen=True)
class Source:
    """One document as it is written in `sources/`."""

    title: str
    subtitle: str
    date: str
    author: str
    blocks: tuple[Block, ...]

    @property
    def day(self) -> datetime:
        """The document's date, which is also the date of the file that is built."""
        return datetime.strptime(self.date, "%d %B %Y").replace(hour=12, tzinfo=UTC)


def read_source(path: Path) -> Source:
    """Read one source file."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    return Source(
        fields["title"], fields["subtitle"], fields["date"], fields["author"], tuple(_blocks(body))
    )


def _blocks(body: str) -> Iterator[Block]:
    for block in re.split(r"\n{2,}", body.strip()):
        if block == "---":
            yield PageBreak()
        elif block.startswith("#"):
            marks, text = block.split(" ", 1)
            yield Heading(len(marks), text)
        elif block.startswith("|"):
            lines = block.splitlines()
            yield Table(tuple(tuple(c.strip() for c in line[1:-1].split("|")) for line in lines))
        else:
            found = re.match(r"(\d+\.\d+|\([a-z]\)) ", block)
            label = found[1] if found else ""
            yield Paragraph(label, " ".join(block[len(label) :].split()))


# ---- PDF


class ContractPdf(FPDF):
    """A4 pages with a running title above and the page number below, except on the first page."""

    def __init__(self, source: Source) -> None:
        super().__init__(format="A4")
        self.source = source
        self.set_compression(False)
        self.set_creation_date(source.day)
        self.set_producer("Footnote examples/build.py")
        self.set_title(source.title)
        self.set_author(source.author)
        self.set_lang("en-GB")
        self.set_margins(25, 28, 25)
        self.set_auto_page_break(True, margin=27)

    def header(self) -> None:
        """Draw the running title and a rule."""
        if self.page_no() == 1:
            return
        self.set_y(15)
        self.set_font("Times", "I", 9)
        self.set_text_color(90)
        self.cell(self.epw / 2, 5, self.source.title)
        self.cell(self.epw / 2, 5, self.source.date, align="R")
        self.set_draw_color(160)
        self.line(self.l_margin, 21, self.w - self.r_margin, 21)
        self.set_text_color(0)
        self.set_y(self.t_margin)

    def footer(self) -> None:
        """Draw the page number."""
        self.set_y(-18)
        self.set_font("Times", "", 9)
        self.set_text_color(90)
        self.cell(self.epw, 5, f"Page {self.page_no()} of {{nb}}", align="C")
        self.set_text_color(0)


def build_pdf(source: Source) -> bytes:
    """Lay out a contract: a title page with contents, then the clauses."""
    pdf = ContractPdf(source)
    pdf.add_page()
    _title_page(pdf, source)
    for block in source.blocks:
        match block:
            case Heading():
                _pdf_heading(pdf, block)
            case Paragraph():
                _pdf_paragraph(pdf, block)
            case Table():
                _pdf_table(pdf, block)
            case PageBreak():
                pdf.add_page()
    return bytes(pdf.output())


def _title_page(pdf: FPDF, source: Source) -> None:
    pdf.set_y(48)
    pdf.set_font("Times", "B", 26)
    pdf.multi_cell(pdf.epw, 11, source.title, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(2)
    pdf.set_font("Times", "I", 13)
    pdf.multi_cell(pdf.epw, 6, source.subtitle, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(5)
    pdf.set_line_width(0.5)
    pdf.line(pdf.l_margin, pdf.y, pdf.w - pdf.r_margin, pdf.y)
    pdf.set_line_width(0.2)
    pdf.ln(5)
    pdf.set_font("Times", "", 12)
    pdf.multi_cell(
        pdf.epw, 6, f"Dated {source.date}\n{source.author}", new_x="LMARGIN", new_y="NEXT"
    )
    pdf.ln(14)
    pdf.set_font("Times", "B", 13)
    pdf.cell(pdf.epw, 8, "Contents", new_x="LMARGIN", new_y="NEXT")
    pdf.insert_toc_placeholder(_contents, reset_page_indices=False)


def _contents(pdf: FPDF, outline: list[OutlineSection]) -> None:
    pdf.set_font("Times", "", 11)
    for section in outline:
        link = pdf.add_link(page=section.page_number)
        pdf.set_x(pdf.l_margin)
        pdf.cell(pdf.epw - 12, 5.6, section.name, link=link)
        pdf.cell(12, 5.6, str(section.page_number), align="R", link=link)
        pdf.ln()


def _pdf_heading(pdf: FPDF, heading: Heading) -> None:
    if pdf.will_page_break(34):
        pdf.add_page()
    pdf.ln(4)
    pdf.start_section(heading.text, heading.level - 1)
    pdf.set_font("Times", "B", 13)
    pdf.multi_cell(pdf.epw, 7, heading.text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)


def _pdf_paragraph(pdf: FPDF, paragraph: Paragraph) -> None:
    pdf.set_font("Times", "", 11)
    start, width = {"": (0, 0), "(": (11, 8)}.get(paragraph.label[:1], (0, 11))
    room = pdf.epw - start - width
    height = pdf.multi_cell(room, 5.2, paragraph.text, align="L", dry_run=True, output="HEIGHT")
    if pdf.will_page_break(float(height)):  # type: ignore[arg-type]
        pdf.add_page()
    pdf.set_x(pdf.l_margin + start)
    if paragraph.label:
        pdf.cell(width, 5.2, paragraph.label)
    pdf.multi_cell(room, 5.2, paragraph.text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1.8)


def _pdf_table(pdf: FPDF, table: Table) -> None:
    pdf.set_font("Times", "", 10.5)
    pdf.set_draw_color(160)
    widths = tuple(
        max(12, min(50, max(len(cell) for cell in column)))
        for column in zip(*table.rows, strict=True)
    )
    with pdf.table(
        table.rows,
        col_widths=widths,
        line_height=5.2,
        padding=1,
        text_align="LEFT",
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD"),
    ):
        pass
    pdf.ln(4)


# ---- Word file

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

_CONTENT_TYPES = (
    f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels"'
    ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{_WORD_TYPE}.document.main+xml"/>'
    f'<Override PartName="/word/styles.xml" ContentType="{_WORD_TYPE}.styles+xml"/>'
    '<Override PartName="/docProps/core.xml"'
    ' ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
    "</Types>"
)
_PACKAGE_LINKS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
    f'<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties"'
    ' Target="docProps/core.xml"/>'
    "</Relationships>"
)
_DOCUMENT_LINKS = (
    f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    "</Relationships>"
)


def build_docx(source: Source) -> bytes:
    """Write minutes as a Word file with title, heading and table styles."""
    body = [_word_text("Title", source.title)]
    body += [_word_text("Subtitle", text) for text in (source.subtitle, source.date)]
    for block in source.blocks:
        match block:
            case Heading():
                body.append(_word_text(f"Heading{block.level}", block.text))
            case Paragraph():
                body.append(_word_text("Normal", f"{block.label} {block.text}".strip()))
            case Table():
                body.append(_word_table(block))
            case PageBreak():
                body.append('<w:p><w:r><w:br w:type="page"/></w:r></w:p>')
    page = (
        '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="1440" w:right="1440"'
        ' w:bottom="1440" w:left="1440" w:header="709" w:footer="709" w:gutter="0"/></w:sectPr>'
    )
    document = (
        f'{_XML}<w:document xmlns:w="{_W}"><w:body>{"".join(body)}{page}</w:body></w:document>'
    )
    parts = {
        "[Content_Types].xml": _CONTENT_TYPES,
        "_rels/.rels": _PACKAGE_LINKS,
        "docProps/core.xml": _word_properties(source),
        "word/document.xml": document,
        "word/styles.xml": _word_styles(),
        "word/_rels/document.xml.rels": _DOCUMENT_LINKS,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, xml in parts.items():
            entry = zipfile.ZipInfo(name, source.day.timetuple()[:6])
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, xml.encode())
    return buffer.getvalue()


def _word_text(style: str, text: str) -> str:
    return (
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>'
        f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )


def _word_table(table: Table) -> str:
    columns = len(table.rows[0])
    width = 9026 // columns
    rows = []
    for number, row in enumerate(table.rows):
        style = "TableCell" if number else "TableHead"
        mark = "" if number else "<w:trPr><w:tblHeader/></w:trPr>"
        cells = "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
            f"{_word_text(style, cell)}</w:tc>"
            for cell in row
        )
        rows.append(f"<w:tr>{mark}{cells}</w:tr>")
    grid = f'<w:gridCol w:w="{width}"/>' * columns
    return (
        '<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/><w:tblW w:w="0" w:type="auto"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
        '<w:p><w:pPr><w:pStyle w:val="TableCell"/></w:pPr></w:p>'
    )


def _word_properties(source: Source) -> str:
    stamp = source.day.strftime("%Y-%m-%dT%H:%M:%SZ")
    dates = "".join(
        f'<dcterms:{name} xsi:type="dcterms:W3CDTF">{stamp}</dcterms:{name}>'
        for name in ("created", "modified")
    )
    return (
        f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(source.title)}</dc:title>"
        f"<dc:creator>{escape(source.author)}</dc:creator>{dates}</cp:coreProperties>"
    )


def _word_styles() -> str:
    def style(
        name: str, spacing: tuple[int, int], size: int, *, bold: bool = False, outline: int = -1
    ) -> str:
        before, after = spacing
        based = "" if name == "Normal" else '<w:basedOn w:val="Normal"/>'
        following = '<w:next w:val="Normal"/><w:qFormat/>' if outline >= 0 else ""
        level = f'<w:outlineLvl w:val="{outline}"/>' if outline >= 0 else ""
        keep = "<w:keepNext/>" if outline >= 0 else ""
        shown = re.sub(r"(?<=[a-z])(?=[A-Z0-9])", " ", name)
        shown = shown.lower() if outline >= 0 else shown
        default = ' w:default="1"' if name == "Normal" else ""
        return (
            f'<w:style w:type="paragraph"{default} w:styleId="{name}"><w:name w:val="{shown}"/>'
            f'{based}{following}<w:pPr>{keep}<w:spacing w:before="{before}" w:after="{after}"/>'
            f"{level}</w:pPr><w:rPr>{'<w:b/>' if bold else ''}"
            f'<w:sz w:val="{size}"/></w:rPr></w:style>'
        )

    sides = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="999999"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    return (
        f'{_XML}<w:styles xmlns:w="{_W}"><w:docDefaults><w:rPrDefault><w:rPr>'
        '<w:rFonts w:ascii="Cambria" w:hAnsi="Cambria" w:cs="Cambria"/><w:lang w:val="en-GB"/>'
        "</w:rPr></w:rPrDefault></w:docDefaults>"
        + style("Normal", (0, 140), 22)
        + style("Title", (0, 60), 44, bold=True)
        + style("Subtitle", (0, 60), 24)
        + style("Heading1", (320, 100), 30, bold=True, outline=0)
        + style("Heading2", (220, 80), 25, bold=True, outline=1)
        + style("TableHead", (40, 40), 21, bold=True)
        + style("TableCell", (40, 40), 21)
        + '<w:style w:type="table" w:styleId="TableGrid"><w:name w:val="Table Grid"/>'
        f"<w:tblPr><w:tblBorders>{sides}</w:tblBorders></w:tblPr></w:style></w:styles>"
    )


# ---- The command

TARGETS: dict[str, tuple[str, Callable[[Source], bytes]]] = {
    "lighthouse-lease.pdf": ("lighthouse-lease.md", build_pdf),
    "board-minutes.docx": ("board-minutes.md", build_docx),
}


def main() -> int:
    """Write both files, or with `--check` compare them with what is there."""
    parser = argparse.ArgumentParser(description="Build the PDF and Word examples.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    stale = 0
    for name, (source, build) in TARGETS.items():
        path = HERE / "documents" / name
        data = build(read_source(HERE / "sources" / source))
        if not check:
            path.write_bytes(data)
            print(f"wrote {path} ({len(data):,} bytes)")
        elif not path.is_file() or path.read_bytes() != data:
            stale += 1
            print(f"{path} is out of date: run python examples/build.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
