"""Tables of HTML: which of them hold data, and their cells as rows."""

from collections.abc import Callable, Iterator

from ingest.loading.htmltree import HEADINGS, Node
from ingest.loading.tables import MAX_SPAN, Row, table_lines

_PARTS = frozenset({"thead", "tbody", "tfoot", "form"})
_CELLS = frozenset({"td", "th"})
_MAX_SPANNED = 500_000
_LONGEST_CELL = 2_000
_NOT_IN_CELLS = (*sorted(HEADINGS), "pre", "table")

_Cells = list[Node]


def only_arranges(table: Node) -> bool:
    """Whether a table puts blocks in places on the page, as tables once did."""
    rows = [cells for cells, _ in _rows(table)]
    if all(len(cells) < 2 for cells in rows):
        return True
    return any(
        cell.find(*_NOT_IN_CELLS) or len(cell.text()) > _LONGEST_CELL
        for cells in rows
        for cell in cells
    )


def table_text(table: Node, flat: Callable[[Node], str]) -> list[str]:
    """Return the lines of a table of data.

    Args:
        table: its element.
        flat: gives the text of a cell on one line.
    """
    rows = list(_rows(table))
    header = 0
    while header < len(rows) and _names_columns(*rows[header]):
        header += 1
    cells = [row for row, _ in rows]
    grid = _grid(cells, header, flat)
    if header in {0, len(rows)} and all(row[0].tag == "th" for row in cells):
        return [_keyed(row) for row in grid]
    return list(table_lines(grid, header if 0 < header < len(rows) else None))


def _rows(node: Node, within_head: bool = False) -> Iterator[tuple[_Cells, bool]]:
    """Yield the cells of each row, and whether it is in the table's head."""
    for child in node.children:
        if isinstance(child, str):
            continue
        if child.tag in _PARTS:
            yield from _rows(child, within_head or child.tag == "thead")
        elif child.tag == "tr":
            cells = [
                cell for cell in child.children if isinstance(cell, Node) and cell.tag in _CELLS
            ]
            if cells:
                yield cells, within_head


def _names_columns(cells: _Cells, within_head: bool) -> bool:
    return within_head or (len(cells) > 1 and all(cell.tag == "th" for cell in cells))


def _grid(rows: list[_Cells], header: int, flat: Callable[[Node], str]) -> list[Row]:
    """Return the texts of the cells in their columns.

    A cell that spans rows counts in each of them; one that names several columns, in those.
    A table of cells that span more than any table has is read as if they did not.
    """
    grid: list[Row] = []
    below: dict[int, tuple[int, str]] = {}  # column: rows left, text
    left = _MAX_SPANNED
    for number, cells in enumerate(rows):
        row: list[str] = []
        for cell in cells:
            _descend(below, row)
            text = flat(cell)
            columns, deep = _span(cell, "colspan"), _span(cell, "rowspan")
            if columns * deep > 1:
                left -= columns * deep
                if left < 0:
                    columns = deep = 1
            for offset in range(columns):
                shown = text if offset == 0 or number < header else ""
                if deep > 1:
                    below[len(row)] = deep - 1, shown
                row.append(shown)
        _descend(below, row)
        grid.append(row)
    return grid


def _descend(below: dict[int, tuple[int, str]], row: list[str]) -> None:
    """Fill the columns that follow in `row` with the cells that reach down into them."""
    while len(row) in below:
        left, text = below.pop(len(row))
        if left > 1:
            below[len(row)] = left - 1, text
        row.append(text)


def _span(cell: Node, name: str) -> int:
    number = (cell.attributes.get(name) or "").strip()
    return min(max(int(number), 1), MAX_SPAN) if number.isdecimal() and len(number) < 9 else 1


def _keyed(row: Row) -> str:
    values = " | ".join(filter(None, row[1:]))
    return f"{row[0].rstrip(':')}: {values}" if row[0] and values else row[0] or values
