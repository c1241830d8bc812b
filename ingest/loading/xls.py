"""Old Excel workbooks (.xls), through xlrd."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import olefile
import xlrd

from ingest.loading import limits
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded
from ingest.loading.numbers import Format, format_of, shown
from ingest.loading.tables import Row, table_lines


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read an old Excel workbook."""
    builder = Builder("xls", name)
    with _open(path, name) as book:
        for sheet in book.sheets():
            lines = list(table_lines(_rows(book, sheet)))
            if any(lines):
                builder.heading(1, sheet.name)
                builder.lines(lines)
    return Loaded(builder.document())


def _open(path: Path, name: str) -> Any:
    options: dict[str, Any] = {
        "file_contents": _stream(path),
        "logfile": io.StringIO(),
        "ragged_rows": True,
    }
    try:
        try:
            return xlrd.open_workbook(formatting_info=True, **options)
        except xlrd.XLRDError:
            raise
        except Exception:  # noqa: BLE001 - damaged formats cost their percentages, not the file
            return xlrd.open_workbook(**options)
    except xlrd.XLRDError as error:
        if "encrypt" in str(error).lower():
            raise limits.protected(name) from error
        raise limits.damaged(name) from error


def _stream(path: Path) -> bytes:
    """Return the workbook's records; xlrd's own way to them never ends in some damaged files."""
    if not olefile.isOleFile(path):
        return path.read_bytes()
    with olefile.OleFileIO(path) as file:
        stream = "Workbook" if file.exists("Workbook") else "Book"
        return bytes(file.openstream(stream).read())


def _rows(book: Any, sheet: Any) -> Iterator[Row]:
    for number in range(sheet.nrows):
        yield [_value(book, cell) for cell in sheet.row(number)]


def _value(book: Any, cell: Any) -> str:
    if cell.ctype == xlrd.XL_CELL_DATE:
        known = _format(book, cell)
        date = known if known in {Format.DATE, Format.TIME} else Format.DATE
        return shown(repr(cell.value), date, book.datemode == 1)
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        return shown(repr(cell.value), _format(book, cell))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    return str(cell.value)


def _format(book: Any, cell: Any) -> Format:
    if cell.xf_index is None or not book.xf_list:
        return Format.PLAIN
    code = book.format_map.get(book.xf_list[cell.xf_index].format_key)
    return format_of(code.format_str) if code else Format.PLAIN
