"""PDF: the text of each page, and the outline as headings.

PDFium is not safe to use from two threads at once; `PDFIUM` is held around every use of it.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

import pypdfium2
from PIL import Image
from pypdfium2 import raw

from ingest.index.documents import Document, Page
from ingest.index.errors import DocumentError
from ingest.loading import limits, ocr, progress
from ingest.loading.attachments import AttachmentFolder
from ingest.loading.loaded import Attachment, Loaded
from ingest.loading.pdfextras import added_lines, save_attachments
from ingest.loading.pdfheadings import MAX_TITLES, Line, Title, find_headings, large_titles
from ingest.loading.text import clean

PDFIUM = Lock()

_BETWEEN_PAGES = "\n\n"
_HYPHEN = re.compile("[\ufffe\x02]\n?")  # PDFium's mark for a hyphen that ends a line
_HYPHEN_KEPT = re.compile("[\ufffe\x02]\n?(?=[A-Z0-9])")  # Anglo-Saxon, COVID-19
_CONTROLS = dict.fromkeys([*(set(range(32)) - set(b"\t\n")), 0xAD])
_MEANINGLESS = re.compile("[\ufffd\ue000-\uf8ff]")
_MAX_LINES = 1_000_000
_STAMP = 50
"""Characters; a scan may carry a stamp or a page number as text, and no more."""
_SCAN_COVERS = 0.5  # of the page
_OCR_SCALE = 300 / 72  # dots an inch
_NAMED_PAGES = 5
_INSTALL_OCR = (
    "Install Tesseract (Debian: apt install tesseract-ocr) and retry it, or add a version with a "
    "text layer."
)


def load(path: Path, name: str, scratch: Path) -> Loaded:
    """Read a PDF; pages without a text layer are read by OCR where that is installed."""
    with closing(_Pages(path, name)) as source:
        texts = source.texts()
        titles = source.outline() or large_titles(source.lines)
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
    headings = find_headings(text, pages, titles)
    return Loaded(Document(text, "pdf", tuple(pages), headings), attachments, source.notice())


class _Pages:
    """An open PDF. PDFium is held for one page at a time, never while OCR reads.

    Attributes:
        lines: of the pages that were read, with their sizes.
        unread: pages that look like scans, where OCR is not installed; numbers from 1.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.lines: list[Line] = []
        self.unread: list[int] = []
        with PDFIUM:
            self._pdf = _open(path, name)
            self._pdf.init_forms()

    def close(self) -> None:
        """Close the PDF."""
        with PDFIUM:
            self._pdf.close()

    def outline(self) -> list[Title]:
        """Return the outline; what comes after a broken entry may be missing."""
        found: list[Title] = []
        with PDFIUM, suppress(pypdfium2.PdfiumError, ValueError):
            found += islice(_bookmarks(self._pdf), MAX_TITLES)
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
                text, scanned = self._read(index)
            texts.append(text)
            if scanned:
                scans.append(index)
            progress.report(index + 1 - len(scans), count)
        if scans and ocr.program():
            with ThreadPoolExecutor(ocr.AT_A_TIME) as pool:
                found = zip(scans, pool.map(self._scan_text, scans), strict=True)
                for done, (index, read) in enumerate(found, 1):
                    # A stamp on a scan is found by OCR as well.
                    if len(read) > len(texts[index]) or (read and _is_garbled(texts[index])):
                        texts[index] = read
                    progress.report(count - len(scans) + done, count)
        else:
            self.unread = [index + 1 for index in scans]
        return texts

    def notice(self) -> str:
        """Return which pages were not read, where OCR could have read them; empty for none."""
        if not self.unread:
            return ""
        if len(self.unread) == 1:
            return f"Page {self.unread[0]} looks like a scan and was not read. {_INSTALL_OCR}"
        pages = _numbers(self.unread)
        return f"Pages {pages} look like scans and were not read. {_INSTALL_OCR}"

    def _read(self, index: int) -> tuple[str, bool]:
        """Return the text layer of a page, and whether the page looks like a scan."""
        try:
            with closing(self._pdf[index]) as page:
                text, lines = _text_layer(page, index)
                scanned = _is_garbled(text) or (len(text) < _STAMP and _is_drawn(page, bool(text)))
                added = [line for line in added_lines(self._pdf, page) if line not in text]
        except pypdfium2.PdfiumError:  # one broken page does not spoil the rest
            return "", False
        if len(self.lines) < _MAX_LINES:
            self.lines += lines
        return "\n".join(filter(None, [text, *added])), scanned

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
        f"It looks like a scan. {_INSTALL_OCR}",
    )


def _numbers(pages: list[int]) -> str:
    """Return two or more page numbers in words, of many the first ones."""
    more = len(pages) - _NAMED_PAGES
    if more > 0:
        return f"{', '.join(map(str, pages[:_NAMED_PAGES]))} and {more} more"
    return f"{', '.join(map(str, pages[:-1]))} and {pages[-1]}"


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


def _text_layer(page: Any, index: int) -> tuple[str, list[Line]]:
    """Return the text of the page `index`, and its lines with their sizes."""
    with closing(page.get_textpage()) as textpage:
        # The call for bounded text loses line ends between words.
        text: str = textpage.get_text_range()
        lines = [Line(words, _height(textpage, at), index) for at, words in _lines(text)]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _HYPHEN.sub("", _HYPHEN_KEPT.sub("-", text))
    return clean(text.translate(_CONTROLS)).strip(), lines


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a page, and where their first characters are."""
    position = 0
    for line in text.splitlines(keepends=True):
        words = line.strip()
        if words:
            yield position + line.index(words[0]), words
        position += len(line)


def _height(textpage: Any, index: int) -> float:
    """Return the height of a character's font on the page, in points; 0 if it has none."""
    box = raw.FS_RECTF()
    if not raw.FPDFText_GetLooseCharBox(textpage, index, box):
        return 0.0
    return float(box.top - box.bottom)


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


def _bookmarks(pdf: Any) -> Iterator[Title]:
    for bookmark in pdf.get_toc():
        try:
            destination = bookmark.get_dest()
            page = destination.get_index() if destination else None
            if page is not None:
                yield Title(bookmark.level + 1, bookmark.get_title(), page)
        except (pypdfium2.PdfiumError, ValueError):
            continue  # the outline is a help, and one bad entry does not spoil the rest
