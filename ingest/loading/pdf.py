"""PDF: the text of each page, and the outline as headings.

PDFium is not safe to use from two threads at once; `PDFIUM` is held around every use of it.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from ingest.index.documents import Document, Heading, Page
from ingest.index.errors import DocumentError
from ingest.loading import limits, ocr
from ingest.loading.attachments import AttachmentFolder
from ingest.loading.loaded import Attachment, Loaded
from ingest.loading.pdfextras import added_lines, save_attachments
from ingest.loading.text import clean

PDFIUM = Lock()

_BETWEEN_PAGES = "\n\n"
_HYPHEN = re.compile("[\ufffe\x02]\n?")  # PDFium's mark for a hyphen that ends a line
_HYPHEN_KEPT = re.compile("[\ufffe\x02]\n?(?=[A-Z0-9])")  # Anglo-Saxon, COVID-19
_CONTROLS = dict.fromkeys([*(set(range(32)) - set(b"\t\n")), 0xAD])
_NUMBERING = re.compile(r"\s*(?:(?:[^\W\d]+\s+)?[\dIVXLC.]+[.:)]?\s*)?")  # 2.1, Chapter IV:
_DEEPEST = 6
_MEANINGLESS = re.compile("[\ufffd\ue000-\uf8ff]")
_MAX_BOOKMARKS = 10_000
_MAX_PLACES = 100
"""Places on a page that are tried for one title."""

_STAMP = 50
"""Characters; a scan may carry a stamp or a page number as text, and no more."""
_SCAN_COVERS = 0.5  # of the page
_OCR_SCALE = 300 / 72  # dots an inch


@dataclass(frozen=True, slots=True)
class _Bookmark:
    level: int
    title: str
    page: int


def load(path: Path, name: str, scratch: Path) -> Loaded:
    """Read a PDF; pages without a text layer are read by OCR where that is installed."""
    with closing(_Pages(path, name)) as source:
        texts = source.texts()
        bookmarks = source.bookmarks()
        attachments = source.attachments(scratch)
    if not any(texts):
        raise _without_text(name, len(texts))
    pages = []
    start = 0
    for number, text in enumerate(texts, 1):
        pages.append(Page(number, start, start + len(text)))
        start += len(text) + len(_BETWEEN_PAGES)
    text = _BETWEEN_PAGES.join(texts)
    if len(text) > limits.MAX_CHARACTERS:
        raise limits.too_long(name)
    headings = _headings(text, pages, bookmarks)
    return Loaded(Document(text, "pdf", tuple(pages), headings), attachments)


class _Pages:
    """An open PDF. PDFium is held for one page at a time, never while OCR reads."""

    def __init__(self, path: Path, name: str) -> None:
        with PDFIUM:
            self._pdf = _open(path, name)
            self._pdf.init_forms()

    def close(self) -> None:
        """Close the PDF."""
        with PDFIUM:
            self._pdf.close()

    def bookmarks(self) -> list[_Bookmark]:
        """Return the outline; what comes after a broken entry may be missing."""
        found: list[_Bookmark] = []
        with PDFIUM, suppress(pypdfium2.PdfiumError, ValueError):
            found += islice(_bookmarks(self._pdf), _MAX_BOOKMARKS)
        return found

    def attachments(self, scratch: Path) -> tuple[Attachment, ...]:
        """Write the files in the PDF into `scratch`."""
        folder = AttachmentFolder(scratch)
        with PDFIUM:
            save_attachments(self._pdf, folder)
        return tuple(folder.found)

    def texts(self) -> list[str]:
        """Return the text of each page."""
        with PDFIUM:
            count = len(self._pdf)
        texts, scans = [], []
        for index in range(count):
            with PDFIUM:
                text, scanned = _page_text(self._pdf, index)
            texts.append(text)
            if scanned:
                scans.append(index)
        if scans and ocr.program():
            with ThreadPoolExecutor(ocr.AT_A_TIME) as pool:
                for index, read in zip(scans, pool.map(self._scan_text, scans), strict=True):
                    # A stamp on a scan is found by OCR as well.
                    if len(read) > len(texts[index]) or (read and _is_garbled(texts[index])):
                        texts[index] = read
        return texts

    def _scan_text(self, index: int) -> str:
        try:
            with PDFIUM:
                picture = _picture(self._pdf, index)
        except (pypdfium2.PdfiumError, ValueError):  # a page that nobody can show
            return ""
        return ocr.read_picture(picture)


def _without_text(name: str, count: int) -> DocumentError:
    what = f"{name}: no text on {count} of {count} {'page' if count == 1 else 'pages'}"
    if ocr.program():
        return DocumentError(f"{what}, and OCR finds none.", "Add a version with a text layer.")
    return DocumentError(
        f"{what}, and OCR is not installed.",
        "It looks like a scan: install Tesseract (Debian: apt install tesseract-ocr) and retry "
        "it, or add a version with a text layer.",
    )


def _open(path: Path, name: str) -> Any:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if error.err_code in {raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY}:
            raise DocumentError(
                f"{name} is protected by a password.",
                "Save a copy without the password and add that.",
            ) from error
        raise DocumentError(
            f"{name} is damaged, or is not a PDF.",
            "Open it in a PDF reader, print it to a new PDF, and add that.",
        ) from error


def _page_text(pdf: Any, index: int) -> tuple[str, bool]:
    """Return the text layer of a page, and whether the page looks like a scan."""
    try:
        with closing(pdf[index]) as page:
            text = _text_layer(page)
            scanned = _is_garbled(text) or (len(text) < _STAMP and _is_drawn(page, bool(text)))
            added = [line for line in added_lines(pdf, page) if line not in text]
    except pypdfium2.PdfiumError:  # one broken page does not spoil the rest
        return "", False
    return "\n".join(filter(None, [text, *added])), scanned


def _text_layer(page: Any) -> str:
    with closing(page.get_textpage()) as textpage:
        # The call for bounded text loses line ends between words.
        text: str = textpage.get_text_range()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _HYPHEN.sub("", _HYPHEN_KEPT.sub("-", text))
    return clean(text.translate(_CONTROLS)).strip()


def _is_garbled(text: str) -> bool:
    """Whether most of a text layer are characters of fonts that do not say what they mean."""
    return len(_MEANINGLESS.findall(text)) > len(text) / 2


def _is_drawn(page: Any, stamped: bool) -> bool:
    """Whether a page has pictures or, where it has no text at all, anything on it."""
    wanted = [raw.FPDF_PAGEOBJ_IMAGE] if stamped else None
    area = page.get_width() * page.get_height()
    for thing in page.get_objects(filter=wanted, max_depth=3):
        if not stamped:
            return True
        left, bottom, right, top = thing.get_bounds()
        if (right - left) * (top - bottom) > _SCAN_COVERS * area:
            return True
    return False


def _picture(pdf: Any, index: int) -> Image.Image:
    """Return a page as a grey picture."""
    with closing(pdf[index]) as page:
        width, height = max(page.get_width(), 1), max(page.get_height(), 1)
        scale = min(_OCR_SCALE, (ocr.MAX_PIXELS / (width * height)) ** 0.5)
        with closing(page.render(scale=scale, grayscale=True)) as bitmap:
            picture: Image.Image = bitmap.to_pil().copy()
    return picture


def _bookmarks(pdf: Any) -> Iterator[_Bookmark]:
    for bookmark in pdf.get_toc():
        try:
            destination = bookmark.get_dest()
            page = destination.get_index() if destination else None
            if page is not None:
                yield _Bookmark(bookmark.level, bookmark.get_title(), page)
        except (pypdfium2.PdfiumError, ValueError):
            continue  # the outline is a help, and one bad entry does not spoil the rest


def _headings(text: str, pages: list[Page], bookmarks: list[_Bookmark]) -> tuple[Heading, ...]:
    """Return the bookmarks whose titles are found on their pages, in order of appearance."""
    found: dict[int, Heading] = {}
    squeezed: dict[int, tuple[str, list[int]]] = {}
    for bookmark in bookmarks:
        if not 0 <= bookmark.page < len(pages):
            continue
        page = pages[bookmark.page]
        if bookmark.page not in squeezed:
            squeezed[bookmark.page] = _squeeze(text, page.start, page.end)
        span = _find_line(text, page, *squeezed[bookmark.page], _squeeze(bookmark.title)[0])
        if span and span[0] not in found:
            title = text[span[0] : span[1]]
            level = min(bookmark.level + 1, _DEEPEST)
            found[span[0]] = Heading(level, " ".join(title.split()), *span)
    return tuple(found[start] for start in sorted(found))


def _squeeze(text: str, start: int = 0, end: int | None = None) -> tuple[str, list[int]]:
    """Return a part of `text` without white space and case, and where each character was."""
    characters: list[str] = []
    positions: list[int] = []
    for position in range(start, len(text) if end is None else end):
        for character in text[position].casefold():
            if not character.isspace():
                characters.append(character)
                positions.append(position)
    return "".join(characters), positions


def _find_line(
    text: str, page: Page, squeezed: str, positions: list[int], title: str
) -> tuple[int, int] | None:
    """Return where `title` is a line of its own, or else where it first begins a line."""
    begins_line: tuple[int, int] | None = None
    at = squeezed.find(title) if title else -1
    for _ in range(_MAX_PLACES):
        if at < 0:
            break
        start, end = positions[at], positions[at + len(title) - 1] + 1
        line_start = max(page.start, text.rfind("\n", page.start, start) + 1)
        line_end = text.find("\n", end, page.end)
        before, after = text[line_start:start], text[end : line_end if line_end >= 0 else page.end]
        if not after.strip() and _NUMBERING.fullmatch(before):
            return start, end
        if begins_line is None and not before.strip():
            begins_line = start, end
        at = squeezed.find(title, at + 1)
    return begins_line
