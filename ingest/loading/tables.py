"""Tables as text: each row on a line of its own, each value behind the words of its column.

    Country: Canada | Capital: Ottawa

A passage cut anywhere out of a table then still tells what its numbers are.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, zip_longest

Row = Sequence[str]

SEPARATOR = " | "
MAX_SPAN = 1_000
"""Columns or rows that one cell is taken to span, whatever it says."""

_LOOK_AHEAD = 8
_MAX_LABEL = 80
_NUMBER = re.compile(r"\W*(?:[A-Z]{2,3} )?\W*\d[\d\W]*[^\W\d]{0,3}\W*")
_PERIOD = re.compile(r"(?:19|20)\d\d(?:-\d\d-\d\d)?")


def table_lines(rows: Iterable[Row], header_rows: int | None = None) -> Iterator[str]:
    """Return the lines of a table, in order.

    Args:
        rows: cells from left to right; empty rows separate tables.
        header_rows: how many rows at the top name the columns; None where the table does
            not tell, then its content is asked.
    """
    source = iter(rows)
    window = deque(islice(source, _LOOK_AHEAD))
    labels: list[str] = []
    searching = header_rows is None
    waiting = False  # for the first row below a header
    header = [window.popleft() for _ in range(min(header_rows or 0, len(window)))]
    if header and window:
        labels = _labels(header)
    yield from map(_joined, header)
    while window:
        row = _squeezed(window.popleft())
        window.extend(islice(source, _LOOK_AHEAD - len(window)))
        filled = _filled(row)
        if not filled:
            searching = header_rows is None and not waiting
            continue
        if searching and filled == 1 and window:
            yield _joined(row)  # a title above the table
            continue
        header = _find_header(row, window) if searching else []
        if header:
            labels = _labels(header)
            yield from map(_joined, header)
            while len(header) > 1 and window.popleft() is not header[-1]:
                continue
        else:
            if searching and any(value and i >= len(labels) for i, value in enumerate(row)):
                labels = []
            yield _row_line(row, labels)
        searching = False
        waiting = bool(header)


def looks_numeric(value: str) -> bool:
    """Whether a cell is a number or a date, with whatever currency or unit stands beside it."""
    return len(value) < 40 and _NUMBER.fullmatch(value) is not None


def _find_header(row: Row, following: Iterable[Row]) -> list[Row]:
    """Return the rows from `row` on that name columns; none if `row` is already data."""
    block = [below for below in following if _filled(below)]
    if not block or not _names_columns(row):
        return []
    below = _squeezed(block[0])
    is_group = (
        len(block) > 1
        and _names_columns(below)
        and not _names_columns(_squeezed(block[1]))
        and any(value and not above for above, value in zip_longest(row, below, fillvalue=""))
    )
    if is_group:  # names of groups above the names of their columns
        return [row, block[0]]
    return [row] if _filled(row) >= 0.6 * max(map(_filled, block)) else []


def _names_columns(row: Row) -> bool:
    values = [value for value in row if value]
    if len(values) < 2 or len(set(values)) <= len(values) / 2:
        return False
    if looks_numeric(values[0]):
        return False
    return all(_PERIOD.fullmatch(value) or not looks_numeric(value) for value in values)


def _labels(header: Sequence[Row]) -> list[str]:
    """Return one label a column: what stands above it, from top to bottom."""
    labels: list[str] = []
    for column in zip_longest(*map(_squeezed, header), fillvalue=""):
        parts = dict.fromkeys(filter(None, column))
        labels.append(_shortened(" ".join(parts)).rstrip(":"))
    return labels


def _shortened(label: str) -> str:
    if len(label) <= _MAX_LABEL:
        return label
    return label[:_MAX_LABEL].rsplit(" ", 1)[0] + "…"


def _row_line(row: Row, labels: Sequence[str]) -> str:
    cells: list[str] = []
    before = ""
    for column, value in enumerate(row):
        if not value:
            continue
        label = labels[column] if column < len(labels) else ""
        if label and label == before:  # one column in parts: a sign, a number, a unit
            cells[-1] += f" {value}"
        else:
            cells.append(f"{label}: {value}" if label and label != value else value)
        before = label
    return SEPARATOR.join(cells)


def _joined(row: Row) -> str:
    """Return the cells of a row without labels, what spans columns once."""
    cells = [value for value in _squeezed(row) if value]
    return SEPARATOR.join(v for i, v in enumerate(cells) if not i or v != cells[i - 1])


def _squeezed(row: Row) -> list[str]:
    return [" ".join(value.split()) for value in row]


def _filled(row: Row) -> int:
    return sum(1 for value in row if value and not value.isspace())
