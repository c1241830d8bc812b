"""What the styles and the numbering of a Word document make of its paragraphs.

Element names: ECMA-376-1, 17.7 (styles) and 17.9 (numbering).
"""

import re
from dataclasses import dataclass, field
from typing import Any

from ingest.loading.xmltree import attribute, local

_HEADING = re.compile(r"heading ([1-9])")
_PLACEHOLDER = re.compile(r"%([1-9])")
_MAX_CHAIN = 20
_LEVELS = 9
_ROMAN = (
    *((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l")),
    *((40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")),
)


def child(element: Any, *names: str) -> Any:
    """Return the first child by this way of names, or None."""
    for name in names:
        if element is None:
            return None
        element = next((part for part in element if local(part) == name), None)
    return element


def value(element: Any, *names: str) -> str | None:
    """Return the `val` of a descendant by this way of names, or None if there is none."""
    found = child(element, *names)
    return attribute(found, "val") if found is not None else None


def number(text: str | None, instead: int = 0) -> int:
    """Return a small number as an attribute has it."""
    return int(text) if text and text.isdecimal() and len(text) < 10 else instead


class Styles:
    """The paragraph styles of a document.

    Args:
        root: of its part `styles.xml`, or None if it has none.
    """

    def __init__(self, root: Any) -> None:
        styles = root.iter("{*}style") if root is not None else ()
        self._styles = {attribute(style, "styleId"): style for style in styles}

    def heading_level(self, properties: Any) -> int:
        """Return the level of a paragraph with these properties as a heading; 0 for none."""
        if (own := value(properties, "outlineLvl")) is not None:
            return _level(own)
        for style in self._chain(properties):
            name = (value(style, "name") or "").lower()
            if match := _HEADING.fullmatch(name):
                return int(match[1])
            if name == "title":
                return 1
            if (level := value(style, "pPr", "outlineLvl")) is not None:
                return _level(level)
        return 0

    def numbering(self, properties: Any) -> tuple[str, int]:
        """Return the list that a paragraph is in, empty for none, and its level from 0."""
        found, level = None, None
        for part in (properties, *(child(style, "pPr") for style in self._chain(properties))):
            found = value(part, "numPr", "numId") if found is None else found
            level = value(part, "numPr", "ilvl") if level is None else level
        key = "" if found in {None, "0"} else str(found)
        return key, min(number(level), _LEVELS - 1)

    def _chain(self, properties: Any) -> list[Any]:
        """Return the style of a paragraph and those that it is based on."""
        chain: list[Any] = []
        key = value(properties, "pStyle")
        while key in self._styles and len(chain) < _MAX_CHAIN:
            chain.append(self._styles[key])
            key = value(chain[-1], "basedOn")
        return chain


def _level(text: str) -> int:
    level = number(text, _LEVELS)
    return level + 1 if level < _LEVELS else 0


@dataclass(slots=True)
class _List:
    """The counters of one list; `levels` are those of its definition."""

    levels: dict[int, Any]
    counts: list[int] = field(default_factory=lambda: [0] * _LEVELS)


class Numbering:
    """Counts the paragraphs of lists, as a person sees them numbered.

    Args:
        root: of the part `numbering.xml`, or None if there is none.
    """

    def __init__(self, root: Any) -> None:
        elements = list(root) if root is not None else []
        abstract = {
            attribute(element, "abstractNumId"): {
                number(attribute(level, "ilvl")): level
                for level in element
                if local(level) == "lvl"
            }
            for element in elements
            if local(element) == "abstractNum"
        }
        shared: dict[str, _List] = {}
        self._lists: dict[str, _List] = {}
        for element in elements:
            if local(element) == "num":
                key = value(element, "abstractNumId") or ""
                own = child(element, "lvlOverride", "startOverride") is not None
                known = None if own else shared.get(key)
                found = known or _List(abstract.get(key, {}))
                shared.setdefault(key, found)
                self._lists[attribute(element, "numId")] = found

    def next_label(self, key: str, level: int) -> str:
        """Count one paragraph of the list `key`; return its mark: `*`, or `2.1` and the like."""
        found = self._lists.get(key)
        definition = found.levels.get(level) if found else None
        if found is None or definition is None:
            return "*"
        start = number(value(definition, "start"), 1)
        found.counts[level] = found.counts[level] + 1 if found.counts[level] else start
        for deeper in range(level + 1, _LEVELS):
            found.counts[deeper] = 0
        kind = value(definition, "numFmt") or "decimal"
        if kind == "bullet":
            return "*"
        if kind == "none":
            return ""
        pattern = value(definition, "lvlText") or ""

        def shown(match: re.Match[str]) -> str:
            above = int(match[1]) - 1
            kind = value(found.levels.get(above), "numFmt") or "decimal"
            return _numeral(found.counts[above] or 1, kind)

        return _PLACEHOLDER.sub(shown, pattern).strip()


def _numeral(count: int, kind: str) -> str:
    if kind in {"lowerLetter", "upperLetter"}:
        text = chr(97 + (count - 1) % 26) * ((count - 1) // 26 % 10 + 1)
    elif kind in {"lowerRoman", "upperRoman"}:
        text, left = "", min(count, 3999)
        for size, letters in _ROMAN:
            text += letters * (left // size)
            left %= size
    elif kind == "decimalZero":
        text = f"{count:02d}"
    else:
        text = str(count)
    return text.upper() if kind.startswith("upper") else text
