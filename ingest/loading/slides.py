"""PowerPoint presentations (.pptx): a slide is a page, its title a heading, its notes below."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.loading.builder import Builder
from ingest.loading.containers import Container, open_container
from ingest.loading.loaded import Loaded
from ingest.loading.tables import Row, table_lines
from ingest.loading.xmltree import attribute, local, parse, relations, relations_name

_TITLES = frozenset({"title", "ctrTitle"})
_FURNITURE = frozenset({"dt", "ftr", "hdr", "sldNum", "sldImg"})
_MAX_POINTS = 10_000


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a PowerPoint presentation."""
    builder = Builder("pptx", name)
    furniture: set[str] = set()
    with open_container(path, name) as container:
        for number, part in enumerate(_slides(container), 1):
            builder.page(number)
            _Slide(container, part).add_to(builder, furniture)
    return Loaded(builder.document())


def _slides(container: Container) -> list[str]:
    """Return the parts of the slides in the order of the show."""
    top = relations(container.read("_rels/.rels"), "")
    main = next(part for kind, part in top.values() if kind == "officeDocument")
    related = relations(container.read(relations_name(main)), main)
    found = [
        related.get(attribute_of_relation(element), ("", ""))
        for element in parse(container.read(main)).iter("{*}sldId")
    ]
    return [part for kind, part in found if kind == "slide" and part in container]


def attribute_of_relation(element: Any) -> str:
    """Return the id of the relation that an element refers to; `id` alone is another one."""
    return next((str(v) for k, v in element.attrib.items() if k.endswith("relationships}id")), "")


class _Slide:
    """One slide with the parts around it."""

    def __init__(self, container: Container, part: str) -> None:
        self._container = container
        self._root = parse(container.read(part))
        name = relations_name(part)
        self._related = relations(container.read(name), part) if name in container else {}

    def add_to(self, builder: Builder, furniture: set[str]) -> None:
        """Add the slide's title, then its shapes in their order, then its notes.

        Args:
            builder: to add to.
            furniture: dates and footers that slides before had; this one's are added to it.
        """
        shapes = list(_shapes(self._root))
        title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
        if title is not None:
            builder.heading(1, " ".join(_paragraphs(title)))
        for shape in shapes:
            if _placeholder(shape) in _FURNITURE:
                lines = [line for line in _typed(shape) if line not in furniture]
                furniture.update(lines)
                builder.lines(lines)
            elif shape is not title:
                self._add(shape, builder)
        for kind, part in self._related.values():
            if kind == "notesSlide" and part in self._container:
                notes = [
                    line
                    for shape in _shapes(parse(self._container.read(part)))
                    if _placeholder(shape) not in _FURNITURE
                    for line in _paragraphs(shape)
                ]
                if notes:
                    builder.lines(["Notes:", *notes])

    def _add(self, shape: Any, builder: Builder) -> None:
        if local(shape) == "graphicFrame":
            for table in shape.iter("{*}tbl"):
                builder.lines(table_lines(_rows(table), _header_rows(table)))
            for chart in shape.iter("{*}chart"):
                self._add_chart(attribute_of_relation(chart), builder)
            for diagram in shape.iter("{*}relIds"):
                self._add_diagram(attribute(diagram, "dm"), builder)
        else:
            builder.lines(_paragraphs(shape))

    def _add_chart(self, relation: str, builder: Builder) -> None:
        root = self._read(relation)
        if root is None:
            return
        builder.lines(line for title in root.iter("{*}title") for line in _paragraphs(title))
        builder.lines(table_lines(_chart_rows(root), 1))

    def _add_diagram(self, relation: str, builder: Builder) -> None:
        root = self._read(relation)
        if root is not None:
            builder.lines(line for point in root.iter("{*}pt") for line in _paragraphs(point))

    def _read(self, relation: str) -> Any:
        _, part = self._related.get(relation, ("", ""))
        return parse(self._container.read(part)) if part in self._container else None


def _shapes(node: Any) -> Iterator[Any]:
    """Yield shapes and frames, those in groups one by one; of alternatives the first."""
    for child in node:
        name = local(child)
        if name in {"sp", "graphicFrame", "cxnSp", "pic"}:
            yield child
        elif name == "AlternateContent":
            yield from _shapes(next(iter(child), ()))
        elif name in {"cSld", "spTree", "grpSp", "Choice", "Fallback"}:
            yield from _shapes(child)


def _placeholder(shape: Any) -> str:
    """Return what the layout has the shape for; empty for a shape of the slide's own."""
    for properties in shape:
        if local(properties).startswith("nv"):
            for mark in properties.iter("{*}ph"):
                return mark.get("type") or "body"
    return ""


def _paragraphs(node: Any) -> list[str]:
    return [text for p in node.iter("{*}p") if (text := _text(p))]


def _typed(shape: Any) -> list[str]:
    """Return the paragraphs of a shape but those that PowerPoint fills in: dates, numbers."""
    return [
        text
        for p in shape.iter("{*}p")
        if next(p.iter("{*}fld"), None) is None and (text := _text(p))
    ]


def _text(paragraph: Any) -> str:
    runs = paragraph.iter("{*}t", "{*}br")
    text = "".join((run.text or "") if local(run) == "t" else " " for run in runs)
    return " ".join(text.split())


def _header_rows(table: Any) -> int | None:
    marked = any(local(child) == "tblPr" and child.get("firstRow") == "1" for child in table)
    return 1 if marked else None


def _rows(table: Any) -> Iterator[Row]:
    for row in table.iter("{*}tr"):
        yield [" ".join(_paragraphs(cell)) for cell in row if local(cell) == "tc"]


def _chart_rows(root: Any) -> Iterator[Row]:
    """Yield a chart's cached numbers: a column a series, a row a category."""
    names, columns = [], []
    categories: list[str] = []
    for series in root.iter("{*}ser"):
        found = {local(part): _points(part) for part in series}
        names.append(" ".join(found.get("tx", [])))
        columns.append(found.get("val") or found.get("yVal") or [])
        categories = categories or found.get("cat") or found.get("xVal") or []
    yield ["", *names]
    for row in range(max(map(len, columns), default=0)):
        label = categories[row] if row < len(categories) else ""
        yield [label, *(column[row] if row < len(column) else "" for column in columns)]


def _points(part: Any) -> list[str]:
    values: list[str] = []
    for point in part.iter("{*}pt"):
        index = point.get("idx", "")
        at = int(index) if index.isdecimal() and len(index) < 6 else len(values)
        if len(values) <= at < _MAX_POINTS:
            values += [""] * (at + 1 - len(values))
            values[at] = "".join(node.text or "" for node in point.iter("{*}v"))
    return values
