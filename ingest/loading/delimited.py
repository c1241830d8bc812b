"""Comma-separated values and their relatives: each row with the names of its columns."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from ingest.index.documents import Document
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded
from ingest.loading.tables import Row, table_lines
from ingest.loading.text import decode

_DECLARED = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 60
_SAMPLE_CHARACTERS = 200_000
_MAX_FIELD = 10_000_000
_MAX_LINES_IN_FIELD = 200
"""A field with more lines begins at a quotation mark that nothing closes."""


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a table of delimited text; text without columns is read as it stands."""
    text = decode(path.read_bytes(), name)
    if declared := _DECLARED.match(text):  # Excel writes this line and reads it
        delimiter: str | None = declared[1]
        text = text[declared.end() :]
    else:
        tabbed = PurePath(name).suffix.lower() in {".tsv", ".tab"}
        delimiter = find_delimiter(text, "\t" if tabbed else ",")
    if delimiter is None:
        return Loaded(Document(text, "text"))
    builder = Builder("csv", name)
    builder.lines(table_lines(_rows(text, delimiter)))
    return Loaded(builder.document())


def find_delimiter(text: str, likely: str) -> str | None:
    """Return what separates the fields of most rows into the same number, or None.

    Args:
        text: the table.
        likely: what wins where others do as well.
    """
    sample = text[:_SAMPLE_CHARACTERS]
    best, best_score = None, 0.0
    for delimiter in _DELIMITERS:
        if delimiter not in sample:
            continue
        rows = _rows(sample, delimiter)
        counts = [len(row) for row, _ in zip(rows, range(_SAMPLE_ROWS), strict=False) if row]
        usual = max(set(counts), key=lambda count: (counts.count(count), count), default=1)
        if usual < 2:
            continue
        score = counts.count(usual) / len(counts) + min(usual, 20) / 100
        score += 0.1 if delimiter == likely else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _rows(text: str, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_MAX_FIELD)
    source = io.StringIO(text, newline="")
    if _quotes_are_closed(text, delimiter):
        yield from csv.reader(source, delimiter=delimiter)
    else:
        yield from csv.reader(source, delimiter=delimiter, quoting=csv.QUOTE_NONE)


def _quotes_are_closed(text: str, delimiter: str) -> bool:
    if '"' not in text:
        return True
    try:
        return all(
            field.count("\n") <= _MAX_LINES_IN_FIELD
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            for field in row
        )
    except csv.Error:  # a field longer than any is
        return False
