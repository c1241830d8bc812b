"""OpenDocument files: texts (.odt), spreadsheets (.ods) and presentations (.odp)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.loading import limits
from ingest.loading.builder import Builder
from ingest.loading.containers import open_container
from ingest.loading.loaded import Loaded
from ingest.loading.tables import Row, table_lines
from ingest.loading.xmltree import attribute, local, parse

_KINDS = {"text": "odt", "spreadsheet": "ods", "presentation": "odp", "drawing": "odp"}
_NOT_TEXT = frozenset(
    {
        *("tracked-changes", "sequence-decls", "forms", "bookmark-ref-end", "desc", "title"),
        *("alphabetical-index-source", "table-of-content-source", "object", "object-ole"),
        *("shapes", "named-expressions", "database-ranges", "event-listeners", "ruby-text"),
    }
)
_NOT_BODY = frozenset({"header", "footer", "date-time", "page-number"})
_MAX_REPEATED = 1_000
_MAX_COLUMNS = 16_384


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read an OpenDocument file, zipped or as a single XML file."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"PK"
    if zipped:
        with open_container(path, name) as container:
            if "META-INF/manifest.xml" in container:
                manifest = container.read("META-INF/manifest.xml")
                if b"encryption-data" in manifest:
                    raise limits.protected(name)
            content = container.read("content.xml")
    else:
        content = path.read_bytes()
    bodies = parse(content).iter("{urn:oasis:names:tc:opendocument:xmlns:office:1.0}body")
    body = next(child for child in next(bodies) if local(child))
    kind = _KINDS.get(local(body), "odt")
    builder = Builder(kind, name)
    _Reader(builder, kind).read(body)
    return Loaded(builder.document())


class _Reader:
    """Walks the body of a document, and adds its blocks to a builder."""

    def __init__(self, builder: Builder, kind: str) -> None:
        self._builder = builder
        self._kind = kind
        self._page = 0
        self._cells = 0

    def read(self, node: Any, indent: str = "") -> None:
        """Add everything in `node`; `indent` is that of the list around it."""
        for child in node:
            name = local(child)
            if not name or name in _NOT_TEXT:
                continue
            if name == "h":
                level = attribute(child, "outline-level", "1")
                self._heading(int(level) if level.isdecimal() else 1, child)
            elif name == "p":
                self._paragraph(child)
            elif name == "list" and next(child.iter("{*}h", "{*}table"), None) is None:
                self._builder.lines(self._list(child, indent))
            elif name == "table":
                self._table(child)
            elif name == "page":
                self._begin_page(child)
            elif name == "notes":
                notes = [text for p in child.iter("{*}p") if (text := "".join(_text(p)).strip())]
                self._builder.lines(["Notes:", *notes] if notes else [])
            elif name == "frame" and attribute(child, "class") == "title":
                self._heading(1, child)
            else:
                self.read(child, indent)

    def _heading(self, level: int, element: Any) -> None:
        self._builder.heading(level, "".join(_text(element)))
        self._boxes(element)

    def _paragraph(self, paragraph: Any) -> None:
        self._builder.paragraph(" ".join("".join(_text(paragraph)).split(" ")).strip())
        self._boxes(paragraph)

    def _boxes(self, paragraph: Any) -> None:
        """Add the text boxes and tables that are anchored in a paragraph."""
        for box in paragraph.iter("{*}text-box"):
            around = (above for above in box.iterancestors() if local(above) in {"p", "h"})
            if next(around, None) is paragraph:
                self.read(box)

    def _begin_page(self, page: Any) -> None:
        self._page += 1
        self._builder.page(self._page)
        self.read(page)

    def _list(self, node: Any, indent: str) -> Iterator[str]:
        for item in node:
            first = True
            for part in item:
                if local(part) == "list":
                    yield from self._list(part, indent + "  ")
                    continue
                text = " ".join("".join(_text(part)).split())
                if text:
                    yield f"{indent}{'*' if first else ' '} {text}"
                    first = False

    def _table(self, table: Any) -> None:
        headers = [row for part in table if local(part) == "table-header-rows" for row in part]
        lines = list(table_lines(self._rows(table), len(headers) or None))
        if any(lines):
            if self._kind == "ods":
                self._builder.heading(1, attribute(table, "name"))
            self._builder.lines(lines)

    def _rows(self, node: Any) -> Iterator[Row]:
        for child in node:
            name = local(child)
            if name == "table-row":
                row = list(self._row(child))
                repeated = _repeated(child, "number-rows-repeated") if any(row) else 1
                for _ in range(repeated):
                    self._count(len(row))
                    yield row
            elif name in {"table-rows", "table-row-group", "table-header-rows"}:
                yield from self._rows(child)

    def _row(self, row: Any) -> Iterator[str]:
        empty = 0
        column = 0
        for cell in row:
            if local(cell) not in {"table-cell", "covered-table-cell"}:
                continue
            value = _cell_text(cell)
            if not value:
                repeated = attribute(cell, "number-columns-repeated", "1")
                empty += int(repeated) if repeated.isdecimal() and len(repeated) < 9 else 1
                continue
            if column + empty >= _MAX_COLUMNS:
                return
            yield from [""] * empty
            count = _repeated(cell, "number-columns-repeated")
            yield from [value] * count
            column += empty + count
            empty = 0

    def _count(self, cells: int) -> None:
        self._cells += cells
        if self._cells > limits.MAX_CELLS:
            raise limits.too_many_cells(self._builder.name)


def _repeated(element: Any, name: str) -> int:
    number = attribute(element, name, "1")
    return min(int(number), _MAX_REPEATED) if number.isdecimal() and len(number) < 9 else 1


def _cell_text(cell: Any) -> str:
    parts = []
    for child in cell:
        if local(child) in {"annotation", "shapes"}:
            continue
        blocks = [child] if local(child) in {"p", "h"} else child.iter("{*}p", "{*}h")
        parts += ["".join(_text(block)) for block in blocks]
    text = " ".join(" ".join(parts).split())
    date = attribute(cell, "date-value")
    return date.removesuffix("T00:00:00").replace("T", " ") if date and text else text


def _text(node: Any) -> Iterator[str]:
    """Yield the text of a paragraph; notes stand where they are called, boxes elsewhere."""
    yield node.text or ""
    for child in node:
        name = local(child)
        if name == "s":
            count = attribute(child, "c", "1")
            yield " " * (min(int(count), 100) if count.isdecimal() and len(count) < 9 else 1)
        elif name == "tab":
            yield "\t"
        elif name == "line-break":
            yield "\n"
        elif name == "note":
            yield from _note(child)
        elif name == "annotation":
            pass
        elif (
            name
            and name not in _NOT_TEXT | _NOT_BODY
            and not (name == "text-box" and local(node) == "frame" and _within_paragraph(node))
        ):
            yield from _text(child)
        yield child.tail or ""


def _within_paragraph(frame: Any) -> bool:
    return any(local(above) in {"p", "h"} for above in frame.iterancestors())


def _note(note: Any) -> Iterator[str]:
    body = next((part for part in note if local(part) == "note-body"), None)
    if body is not None:
        text = " ".join("".join("".join(_text(p)) for p in body.iter("{*}p")).split())
        yield f" ({text})" if text else ""
