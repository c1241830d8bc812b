"""JSON as text: each value behind the names that lead to it, so that any piece makes sense."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.index.documents import Document
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded
from ingest.loading.tables import SEPARATOR
from ingest.loading.text import decode

_MAX_LINE = 600
_MAX_PREFIX = 200

Blocks = Iterator[list[str]]


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read JSON, or JSON a line; what is neither is read as the text that it is."""
    text = decode(path.read_bytes(), name)
    values = _values(text)
    if values is None:
        return Loaded(Document(text, "text"))
    builder = Builder("json", name)
    for value in values:
        for block in blocks_of(value):
            builder.lines(block)
    return Loaded(builder.document())


def _values(text: str) -> list[Any] | None:
    """Return the value of a JSON file, or those of its lines; None if it has none."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError):  # also a number with too many digits, and deep nesting
        pass
    try:
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return None


def blocks_of(value: Any) -> Blocks:
    """Yield the lines of each record in a value.

    An object whose values are short and simple is one line, `name: Ada | born: 1815`;
    otherwise each of its values has a line, and those within it name their way:
    `address.city: London`.
    """
    lines: list[str] = []
    # A stack instead of recursion: JSON may nest deeper than Python calls.
    stack: list[tuple[str, Any, bool]] = [("", value, False)]
    while stack:
        prefix, item, is_record = stack.pop()
        if is_record and lines:
            yield lines
            lines = []
        line = _short_object(item) if isinstance(item, dict) else None
        if line is not None:
            lines.append(f"{prefix}: {line}" if prefix else line)
        elif isinstance(item, dict):
            parts = [(_joined(prefix, str(key)), inner, False) for key, inner in item.items()]
            stack += reversed(parts)
        elif isinstance(item, list) and not all(map(_is_simple, item)):
            stack += [(prefix, inner, isinstance(inner, dict | list)) for inner in reversed(item)]
        elif isinstance(item, list):
            lines += _simple_list(prefix, item)
        else:
            lines.append(f"{prefix}: {_shown(item)}" if prefix else _shown(item))
    if lines:
        yield lines


def _short_object(item: dict[Any, Any]) -> str | None:
    """Return an object of simple values as one line, if that is not too long."""
    if not item or not all(map(_is_simple, item.values())):
        return None
    if sum(len(str(key)) + len(str(value)) for key, value in item.items()) > _MAX_LINE:
        return None
    return SEPARATOR.join(f"{key}: {_shown(value)}" for key, value in item.items())


def _simple_list(prefix: str, values: list[Any]) -> Iterator[str]:
    """Yield simple values, as many on a line as fit."""
    line = ""
    for value in map(_shown, values):
        if line and len(line) + len(value) > _MAX_LINE:
            yield f"{prefix}: {line}" if prefix else line
            line = ""
        line = f"{line}, {value}" if line else value
    if line:
        yield f"{prefix}: {line}" if prefix else line


def _is_simple(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _joined(prefix: str, key: str) -> str:
    joined = f"{prefix}.{key}" if prefix else key
    return joined if len(joined) <= _MAX_PREFIX else "…" + joined[-_MAX_PREFIX:]


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split()) if "\n" not in value else value.strip()
    return json.dumps(value)
