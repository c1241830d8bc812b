"""Word documents (.docx): paragraphs, headings by style, lists as they are numbered, tables."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.index.documents import Document
from ingest.loading.builder import Builder
from ingest.loading.containers import Container, open_container
from ingest.loading.loaded import Loaded
from ingest.loading.tables import MAX_SPAN, Row, table_lines
from ingest.loading.wordstyles import Numbering, Styles, child, number, value
from ingest.loading.xmltree import attribute, local, parse, relations, relations_name

_MAIN = "word/document.xml"
_NOT_TEXT = frozenset(
    {
        *("pPr", "rPr", "tblPr", "trPr", "tcPr", "sdtPr", "sdtEndPr", "sectPr", "del", "moveFrom"),
        *("instrText", "delText", "delInstrText", "rt", "annotationRef", "commentReference"),
        *("object", "drawing", "pict", "AlternateContent", "tblGrid", "fldData"),
    }
)
_CHARACTERS = {"tab": " ", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "ptab": " "}
_WRAPPERS = frozenset({"sdt", "sdtContent", "customXml", "ins", "moveTo"})
_BULLET = "*"
_LONGEST_CELL = 2_000


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a Word document."""
    with open_container(path, name) as container:
        reader = _Reader(container, name)
        return Loaded(reader.read())


class _Reader:
    """Walks the body of a document, and adds its blocks to a builder."""

    def __init__(self, container: Container, name: str) -> None:
        self._container = container
        top = _relations(container, "")
        mains = [part for kind, part in top.values() if kind == "officeDocument"]
        main = next((part for part in mains if part in container), _MAIN)
        self._related = _relations(container, main)
        self._body = child(parse(container.read(main)), "body")
        if self._body is None:
            raise ValueError("a document without a body")
        self._styles = Styles(self._part("styles"))
        self._numbering = Numbering(self._part("numbering"))
        self._notes: dict[str, dict[str, str]] = {}
        for kind in ("footnote", "endnote"):
            self._notes[f"{kind}Reference"] = self._read_notes(kind)
        self._builder = Builder("docx", name)
        self._items: list[str] = []

    def read(self) -> Document:
        """Return the document: what stands on top of its pages, its body, what stands below."""
        self._builder.lines(self._furniture("header"))
        self._blocks(self._body)
        self._end_list()
        self._builder.lines(self._furniture("footer"))
        return self._builder.document()

    def _furniture(self, kind: str) -> list[str]:
        """Return what headers or footers of pages say, each line once, without page numbers."""
        found: dict[str, None] = {}
        for known, part in self._related.values():
            if known == kind and part in self._container:
                for paragraph in _paragraphs(parse(self._container.read(part))):
                    if not _numbers_pages(paragraph):
                        found[self._text(paragraph)] = None
        return list(found)

    def _blocks(self, node: Any) -> None:
        for element in node:
            name = local(element)
            if name == "p":
                self._paragraph(element)
            elif name == "tbl":
                self._table(element)
            elif name and name not in _NOT_TEXT:
                self._blocks(element)

    def _paragraph(self, paragraph: Any) -> None:
        text = self._text(paragraph)
        properties = child(paragraph, "pPr")
        if text:
            level = self._styles.heading_level(properties)
            key, depth = self._styles.numbering(properties)
            label = self._numbering.next_label(key, depth) if key else ""
            if level:
                self._end_list()
                title = text if label == _BULLET else f"{label} {text}".strip()
                self._builder.heading(level, title)
            elif key:
                indent = "  " * depth
                mark = f"{indent}{label} " if label else indent
                self._items.append(mark + text.replace("\n", "\n" + " " * len(mark)))
            else:
                self._end_list()
                self._builder.paragraph(text)
        for box in _boxes(paragraph):
            self._end_list()
            self._blocks(box)

    def _end_list(self) -> None:
        self._builder.lines(self._items)
        self._items = []

    def _table(self, table: Any) -> None:
        self._end_list()
        rows = [(row, list(_within(row, "tc"))) for row in _within(table, "tr")]
        if self._only_arranges([cells for _, cells in rows]):
            for _, cells in rows:
                for cell in cells:
                    self._blocks(cell)
            self._end_list()
            return
        header = 0
        while header < len(rows) and _is_on(child(rows[header][0], "trPr", "tblHeader")):
            header += 1
        grid = self._grid(rows, max(header, 1))
        self._builder.lines(table_lines(grid, header if 0 < header < len(rows) else None))
        for _, cells in rows:
            for cell in cells:
                for paragraph in _paragraphs(cell):
                    for box in _boxes(paragraph):
                        self._blocks(box)

    def _only_arranges(self, rows: list[list[Any]]) -> bool:
        """Whether a table puts blocks in places on the page."""
        if all(len(cells) < 2 for cells in rows):
            return True
        for cells in rows:
            for cell in cells:
                headings = (
                    self._styles.heading_level(child(p, "pPr")) and self._text(p)
                    for p in _paragraphs(cell)
                )
                if any(headings) or len(self._flat(cell)) > _LONGEST_CELL:
                    return True
        return False

    def _grid(self, rows: list[tuple[Any, list[Any]]], header: int) -> Iterator[Row]:
        above: dict[int, str] = {}
        for index, (row, cells) in enumerate(rows):
            line = [""] * min(number(value(row, "trPr", "gridBefore")), MAX_SPAN)
            for cell in cells:
                properties = child(cell, "tcPr")
                span = min(max(number(value(properties, "gridSpan"), 1), 1), MAX_SPAN)
                text = self._flat(cell)
                merged = child(properties, "vMerge")
                if merged is not None and attribute(merged, "val") != "restart":
                    text = text or above.get(len(line), "")
                above[len(line)] = text
                line += [text] + [text if index < header else ""] * (span - 1)
            yield line

    def _flat(self, node: Any) -> str:
        """Return everything in a cell on one line."""
        return " ".join(" ".join(map(self._text, _paragraphs(node))).split())

    def _text(self, paragraph: Any) -> str:
        """Return a paragraph's text; its text boxes are blocks of their own."""
        lines = "".join(self._runs(paragraph)).split("\n")
        return "\n".join(" ".join(line.split()) for line in lines).strip("\n")

    def _runs(self, node: Any) -> Iterator[str]:
        for element in node:
            name = local(element)
            if name == "t":
                yield element.text or ""
            elif name in _CHARACTERS:
                yield _CHARACTERS[name]
            elif name == "sym":
                yield _symbol(element)
            elif name in self._notes:
                note = self._notes[name].get(attribute(element, "id"), "")
                yield f" ({note})" if note else ""
            elif name == "r" and _is_on(child(element, "rPr", "vanish")):
                continue
            elif name and name not in _NOT_TEXT and name != "p":
                yield from self._runs(element)

    def _part(self, kind: str) -> Any:
        parts = (part for found, part in self._related.values() if found == kind)
        part = next((part for part in parts if part in self._container), None)
        return parse(self._container.read(part)) if part else None

    def _read_notes(self, kind: str) -> dict[str, str]:
        root = self._part(f"{kind}s")
        notes = root.iter(f"{{*}}{kind}") if root is not None else ()
        return {
            attribute(note, "id"): self._flat(note)
            for note in notes
            if attribute(note, "type") in {"", "normal"}
        }


def _relations(container: Container, part: str) -> dict[str, tuple[str, str]]:
    name = relations_name(part) if part else "_rels/.rels"
    return relations(container.read(name), part) if name in container else {}


def _within(node: Any, name: str) -> Iterator[Any]:
    """Yield the children of this name, also those within wrappers."""
    for element in node:
        if local(element) == name:
            yield element
        elif local(element) in _WRAPPERS:
            yield from _within(element, name)


def _paragraphs(node: Any) -> Iterator[Any]:
    """Yield the paragraphs in a cell or a note, those of nested tables too, not of text boxes."""
    for element in node:
        name = local(element)
        if name == "p":
            yield element
        elif name and name not in _NOT_TEXT:
            yield from _paragraphs(element)


def _boxes(paragraph: Any) -> Iterator[Any]:
    """Yield the contents of the text boxes in a paragraph, each once.

    A box is written twice, for programs that know it and for those that do not.
    """
    for box in paragraph.iter("{*}txbxContent"):
        fallback = around = False
        for above in box.iterancestors():
            if above is paragraph:
                break
            around = around or local(above) == "p"
            if local(above) == "Fallback":
                choices = above.getparent().iter("{*}Choice")
                fallback = fallback or any(
                    next(choice.iter("{*}txbxContent"), None) is not None for choice in choices
                )
        if not fallback and not around:
            yield box


def _numbers_pages(paragraph: Any) -> bool:
    codes = [element.text or "" for element in paragraph.iter("{*}instrText")]
    codes += [attribute(element, "instr") for element in paragraph.iter("{*}fldSimple")]
    return any("PAGE" in code.upper() for code in codes)


def _is_on(switch: Any) -> bool:
    return switch is not None and attribute(switch, "val") not in {"0", "false", "off"}


def _symbol(element: Any) -> str:
    """Return a character of a symbol font; many of those lie in the private area."""
    try:
        code = int(attribute(element, "char", ""), 16)
    except ValueError:
        return ""
    if 0xF020 <= code <= 0xF0FF:
        code -= 0xF000
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else ""
