"""What a PDF holds beside its pages' text: filled-in forms, text put on it, and files.

All of it runs with `PDFIUM` held (see `pdf.py`).
"""

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

import pypdfium2
from pypdfium2 import raw

from ingest.loading.attachments import AttachmentFolder, safe_name
from ingest.loading.text import clean

_MAX_ANNOTATIONS = 5_000
_MAX_ATTACHMENTS = 1_000
_MAX_TEXT = 1_000_000
_FIELDS = frozenset(
    {raw.FPDF_FORMFIELD_TEXTFIELD, raw.FPDF_FORMFIELD_COMBOBOX, raw.FPDF_FORMFIELD_LISTBOX}
)


def added_lines(pdf: Any, page: Any) -> Iterator[str]:
    """Yield what was typed onto a page: `field: value` of forms, and free text."""
    count = min(raw.FPDFPage_GetAnnotCount(page), _MAX_ANNOTATIONS)
    for index in range(count):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if annotation:
            text = clean(_added(pdf, annotation)).strip()
            raw.FPDFPage_CloseAnnot(annotation)
            if text:
                yield text


def _added(pdf: Any, annotation: Any) -> str:
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    if kind == raw.FPDF_ANNOT_FREETEXT:
        return _string(
            lambda buffer, size: raw.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size)
        )
    if kind != raw.FPDF_ANNOT_WIDGET or not pdf.formenv:
        return ""
    form = pdf.formenv.raw
    if raw.FPDFAnnot_GetFormFieldType(form, annotation) not in _FIELDS:
        return ""

    def ask(function: Any) -> str:
        return _string(lambda buffer, size: function(form, annotation, buffer, size)).strip()

    value = ask(raw.FPDFAnnot_GetFormFieldValue)
    name = ask(raw.FPDFAnnot_GetFormFieldAlternateName) or ask(raw.FPDFAnnot_GetFormFieldName)
    return f"{name}: {value}" if name and value else value


def _string(ask: Callable[[Any, int], int]) -> str:
    """Return the UTF-16 text of a call that tells its size first."""
    size = ask(None, 0)
    if not 2 < size <= _MAX_TEXT:
        return ""
    buffer = (ctypes.c_ushort * (size // 2))()
    ask(buffer, size)
    return bytes(buffer).decode("utf-16-le", "replace").rstrip("\0").replace("\r", "\n")


def save_attachments(pdf: Any, folder: AttachmentFolder) -> None:
    """Write the files in a PDF into a folder; those that are damaged are left out."""
    for index in range(min(pdf.count_attachments(), _MAX_ATTACHMENTS)):
        try:
            attachment = pdf.get_attachment(index)
            data = bytes(attachment.get_data())
            name = attachment.get_name()
        except (pypdfium2.PdfiumError, ValueError):
            continue
        folder.add(safe_name(name, f"attachment {len(folder.found) + 1}"), data)
