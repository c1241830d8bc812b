"""Jupyter notebooks (.ipynb): their cells, and what the cells printed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.index.documents import Document
from ingest.loading.builder import Builder
from ingest.loading.htmltree import parse_html
from ingest.loading.loaded import Loaded
from ingest.loading.markdown import scan_headings
from ingest.loading.markup import fenced, from_markup
from ingest.loading.text import decode

_MAX_OUTPUT = 20_000
"""Characters of one output: logs of training runs are not what a notebook says."""


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read a notebook; outputs that are pictures or widgets are left out."""
    text = decode(path.read_bytes(), name)
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):  # not a notebook, but it may still say something
        return Loaded(Document(text, "text"))
    builder = Builder("notebook", name)
    for cell in _cells(notebook):
        source = _joined(cell.get("source", cell.get("input")))
        if cell.get("cell_type") == "code":
            if source.strip():
                builder.paragraph(fenced(source))
            for output in cell.get("outputs") or []:
                if isinstance(output, dict):
                    _add_output(builder, output, name)
        else:
            builder.append(Document(source, "markdown", headings=scan_headings(source)))
    return Loaded(builder.document())


def _cells(notebook: Any) -> Iterator[dict[str, Any]]:
    """Yield the cells; notebooks of version 3 keep them in worksheets."""
    if not isinstance(notebook, dict):
        return
    sheets = notebook.get("worksheets") or [notebook]
    for sheet in sheets if isinstance(sheets, list) else []:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from (cell for cell in cells or [] if isinstance(cell, dict))


def _add_output(builder: Builder, output: dict[str, Any], name: str) -> None:
    data = output.get("data", output)
    data = data if isinstance(data, dict) else {}
    html = _joined(data.get("text/html"))
    if "<table" in html:
        builder.append(from_markup(html, "notebook", name), lower=1)
        return
    text = _joined(output.get("text")) or _joined(data.get("text/plain"))
    text = text or parse_html(html).text()
    if output.get("output_type") in {"error", "pyerr"}:
        text = f"{output.get('ename', '')}: {output.get('evalue', '')}"
    if text.strip():
        cut = text if len(text) <= _MAX_OUTPUT else text[:_MAX_OUTPUT] + " …"
        builder.paragraph(f"Output:\n{cut.strip()}")


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""
