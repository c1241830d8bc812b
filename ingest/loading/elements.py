"""XML as text: each element's name in front of what it says, running text as running text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from ingest.index.documents import Document
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded
from ingest.loading.tables import SEPARATOR
from ingest.loading.web import decode_markup
from ingest.loading.xmltree import local, parse

_MAX_LINE = 600
_MAX_PREFIX = 200
_DRAWN_TEXT = ("{*}title", "{*}desc", "{*}text")


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read XML; what only looks like it is read as the text that it is."""
    data = path.read_bytes()
    try:
        root = parse(data)
    except etree.XMLSyntaxError:
        return Loaded(Document(decode_markup(data, name), "text"))
    builder = Builder("xml", name)
    if local(root) == "svg":  # a picture: only its words are for reading
        builder.lines(_flat(part) for part in root.iter(*_DRAWN_TEXT))
    else:
        builder.lines(_lines(root))
    return Loaded(builder.document())


def _lines(root: Any) -> Iterator[str]:
    stack: list[tuple[str, Any]] = [("", root)]
    while stack:
        above, element = stack.pop()
        prefix = _joined(above, local(element))
        children = [child for child in element if local(child)]
        if not children or _is_running_text(element):
            if text := SEPARATOR.join(filter(None, [*_attributes(element), _flat(element)])):
                yield f"{prefix}: {text}"
        elif (line := _record(element, children)) is not None:
            yield f"{prefix}: {line}" if line else ""
        else:
            if attributes := SEPARATOR.join(_attributes(element)):
                yield f"{prefix}: {attributes}"
            # The outermost element says what the file is, not what a value is.
            inner = prefix if element is not root else ""
            stack += [(inner, child) for child in reversed(children)]


def _record(element: Any, children: list[Any]) -> str | None:
    """Return an element of short leaves as one line, if that is not too long."""
    if len(children) < 2 or any(len(child) for child in children):
        return None
    parts = _attributes(element)
    length = 0
    for child in children:
        text = SEPARATOR.join(filter(None, [*_attributes(child), _flat(child)]))
        length += len(text) + len(local(child))
        if length > _MAX_LINE:
            return None
        if text:
            parts.append(f"{local(child)}: {text}")
    return SEPARATOR.join(parts)


def _is_running_text(element: Any) -> bool:
    """Whether there are words between the elements in it."""
    tails = (child.tail for child in element)
    return any(text and text.strip() for text in (element.text, *tails))


def _attributes(element: Any) -> list[str]:
    return [
        f"{key.rpartition('}')[2]}: {' '.join(value.split())}"
        for key, value in element.attrib.items()
        if value.strip() and not key.endswith("schemaLocation")
    ]


def _flat(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _joined(above: str, name: str) -> str:
    joined = f"{above}.{name}" if above else name
    return joined if len(joined) <= _MAX_PREFIX else "…" + joined[-_MAX_PREFIX:]
