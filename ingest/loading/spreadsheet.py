"""Excel workbooks (.xlsx): each sheet under its name, each row with the names of its columns.

The parts are read as a stream, so a sheet that claims a million empty rows costs nothing.
"""

import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from lxml import etree

from ingest.loading import limits
from ingest.loading.builder import Builder
from ingest.loading.containers import Container, open_container
from ingest.loading.loaded import Loaded
from ingest.loading.numbers import Format, builtin_format, format_of, shown
from ingest.loading.tables import MAX_SPAN, Row, table_lines
from ingest.loading.xmltree import attribute, local, parse, relations, relations_name

_MAX_COLUMN = 16_384
_MAX_AREAS = 100_000
_MAX_COLUMNS_MERGED = 100
_AREA = re.compile(rb'mergeCell [^>]*?ref="([A-Z]{1,3})(\d{1,7}):([A-Z]{1,3})(\d{1,7})"')
_REFERENCE = re.compile(r"([A-Za-z]{1,3})(\d*)")


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read an Excel workbook."""
    with open_container(path, name) as container:
        workbook = _Workbook(container)
        builder = Builder("xlsx", name)
        for title, part in workbook.sheets():
            lines = list(table_lines(workbook.rows(part)))
            if any(lines):
                builder.heading(1, title)
                builder.lines(lines)
        return Loaded(builder.document())


class _Workbook:
    """The parts of a workbook that its cells refer to."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._part = next(
            (
                target
                for kind, target in self._relations("").values()
                if kind == "officeDocument" and target in container
            ),
            "xl/workbook.xml",
        )
        self._root = parse(container.read(self._part))
        self._related = self._relations(self._part)
        properties = [child for child in self._root if local(child) == "workbookPr"]
        self._since_1904 = any(p.get("date1904") in {"1", "true"} for p in properties)
        self._strings = self._shared_strings()
        self._formats = self._cell_formats()
        self._cells = 0

    def sheets(self) -> Iterator[tuple[str, str]]:
        """Yield the title and the part of each sheet of cells, in order."""
        for element in self._root.iter("{*}sheet"):
            kind, target = self._related.get(attribute(element, "id"), ("", ""))
            if kind == "worksheet" and target in self._container:
                yield element.get("name", ""), target

    def rows(self, part: str) -> Iterator[Row]:
        """Yield the rows of a sheet; one empty row stands for any number of them."""
        data = self._container.read(part)
        merged = _merged(data)
        last = 0
        for row in _elements(data, "row"):
            number = row.get("r", "")
            this = int(number) if number.isdecimal() and len(number) < 9 else last + 1
            if this > last + 1:
                yield []
            last = this
            cells: list[str] = []
            column = -1
            for cell in row:
                if local(cell) != "c":
                    continue
                column = _column(cell.get("r", ""), column + 1)
                if value := self._value(cell):
                    self._count(column - len(cells) + 1)
                    cells += [""] * (column - len(cells) + 1)
                    cells[column] = value
            merged.fill(this, cells)
            yield cells

    def _count(self, cells: int) -> None:
        self._cells += max(cells, 1)
        if self._cells > limits.MAX_CELLS:
            raise limits.too_many_cells(self._container.name)

    def _value(self, cell: Any) -> str:
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _text(cell)
        parts = {local(child): child.text or "" for child in cell}
        value = parts.get("v", "")
        if not value:
            return f"={parts['f']}" if parts.get("f") else ""
        if kind == "s":
            index = int(value)
            return self._strings[index] if 0 <= index < len(self._strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind == "n":
            style = int(cell.get("s") or 0)
            known = self._formats[style] if 0 <= style < len(self._formats) else Format.PLAIN
            return shown(value, known, self._since_1904)
        return value

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        name = relations_name(part) if part else "_rels/.rels"
        return relations(self._container.read(name), part) if name in self._container else {}

    def _named(self, kind: str) -> str | None:
        targets = (target for found, target in self._related.values() if found == kind)
        return next((target for target in targets if target in self._container), None)

    def _shared_strings(self) -> list[str]:
        part = self._named("sharedStrings")
        return list(map(_text, _elements(self._container.read(part), "si"))) if part else []

    def _cell_formats(self) -> list[Format]:
        part = self._named("styles")
        if part is None:
            return []
        root = parse(self._container.read(part))
        own = {
            element.get("numFmtId"): format_of(element.get("formatCode", ""))
            for element in root.iter("{*}numFmt")
        }
        cell_styles = next(root.iter("{*}cellXfs"), ())
        ids = [element.get("numFmtId", "0") for element in cell_styles]
        return [own[key] if key in own else builtin_format(key) for key in ids]


class _Merged:
    """Cells that reach over several: what they say counts for each row and column in them."""

    def __init__(self, areas: dict[int, list[tuple[int, int, int]]]) -> None:
        self._areas = areas
        self._open: list[tuple[int, int, str]] = []  # last row, column, text

    def fill(self, row: int, cells: list[str]) -> None:
        """Write the text of merged cells into the cells that they cover in this row."""
        self._open = [area for area in self._open if area[0] >= row]
        for _, column, text in self._open:
            _put(cells, column, text)
        titled = sum(map(bool, cells)) < 2  # a title over the whole table is none of its cells
        for bottom, left, right in self._areas.pop(row, ()):
            text = cells[left] if left < len(cells) else ""
            if not text:
                continue
            if bottom > row:
                self._open.append((bottom, left, text))
            for column in range(left + 1, left if titled else right + 1):
                _put(cells, column, text)


def _put(cells: list[str], column: int, text: str) -> None:
    cells += [""] * (column + 1 - len(cells))
    cells[column] = cells[column] or text


def _merged(data: bytes) -> _Merged:
    """Return the merged cells; they are listed at the end of a sheet, after its rows."""
    areas: dict[int, list[tuple[int, int, int]]] = {}
    for match in islice(_AREA.finditer(data), _MAX_AREAS):
        left, top, right, bottom = match.groups()
        first, last = int(top), min(int(bottom), int(top) + MAX_SPAN)
        start = _column(left.decode(), 0)
        end = min(_column(right.decode(), 0), start + _MAX_COLUMNS_MERGED)
        areas.setdefault(first, []).append((last, start, end))
    return _Merged(areas)


def _elements(data: bytes, name: str) -> Iterator[Any]:
    """Yield the elements of this name one after the other, and forget each."""
    events = etree.iterparse(
        io.BytesIO(data),
        tag=f"{{*}}{name}",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    for _, element in events:
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _text(element: Any) -> str:
    """Return the text of a string, without its reading aids (phonetic runs)."""
    runs = (run for run in element.iter("{*}t") if local(run.getparent()) != "rPh")
    return "".join(run.text or "" for run in runs)


def _column(reference: str, following: int) -> int:
    """Return the column of a cell from 0; without a reference, the one that follows."""
    match = _REFERENCE.match(reference)
    if not match:
        return following
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return min(column, _MAX_COLUMN) - 1
