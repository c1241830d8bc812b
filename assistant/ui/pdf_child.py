"""Draws pages of PDFs in a process of its own: `python -m assistant.ui.pdf_child`.

PDFium is not safe to use from two threads, and a hostile file may crash it or eat memory;
here it takes nothing else with it. One request is one line of JSON on standard input; the
answer is one line of JSON on standard output, followed by as many bytes as it names.
"""

import ctypes
import io
import json
import resource
import sys
import unicodedata
from contextlib import closing
from typing import Any, BinaryIO

import pypdfium2
from pypdfium2 import raw

WIDTH = 1000
"""Pixels across a picture: sharp at the width of the panel on fine screens."""

MOST_PIXELS = 4_000_000
_QUALITY = 82
_MEMORY = 2 << 30
_SECONDS = 600

Box = tuple[float, float, float, float]


def main() -> None:
    """Answer requests until standard input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        try:
            answer, data = _answer(json.loads(line))
        except (pypdfium2.PdfiumError, OSError, ValueError, MemoryError) as error:
            answer, data = {"error": str(error)[:200] or type(error).__name__}, b""
        _write(out, {**answer, "bytes": len(data)}, data)


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    with closing(pypdfium2.PdfDocument(request["path"])) as pdf:
        number = request["page"]
        if not 1 <= number <= len(pdf):
            raise ValueError(f"there is no page {number}")
        with closing(pdf[number - 1]) as page:
            if request["what"] == "picture":
                return {}, _picture(page)
            width, height = page.get_size()
            boxes = _boxes(page, request["text"], request["start"], request["end"])
            return {"width": width, "height": height, "boxes": boxes}, b""


def _picture(page: Any) -> bytes:
    width, height = page.get_size()
    scale = min(WIDTH / width, (MOST_PIXELS / (width * height)) ** 0.5)
    out = io.BytesIO()
    page.render(scale=scale).to_pil().convert("RGB").save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _boxes(page: Any, text: str, start: int, end: int) -> list[Box]:
    """Return the boxes of text[start:end] on the page, as shares of its width and height.

    `text` is the page's canonical text. It differs from PDFium's in white space, hyphens and
    characters that were cleaned away; the letters and digits are the same and in the same
    order, so their count leads from one to the other.
    """
    with closing(page.get_textpage()) as textpage:
        letters: list[str] = []
        places: list[int] = []
        for index in range(textpage.count_chars()):
            for letter in _solid(chr(raw.FPDFText_GetUnicode(textpage, index))):
                letters.append(letter)
                places.append(index)
        wanted = _solid_text(text[start:end])
        first = _find(letters, wanted, len(_solid_text(text[:start])))
        if first is None or not wanted:
            return []
        begin, last = places[first], places[first + len(wanted) - 1]
        return [_share(box, page) for box in _rectangles(textpage, begin, last + 1 - begin)]


def _solid(character: str) -> str:
    """Return the letters and digits of a character, in one form and case; nothing for others."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", character).casefold()))


def _solid_text(text: str) -> list[str]:
    return [letter for character in text for letter in _solid(character)]


def _find(letters: list[str], wanted: list[str], expected: int) -> int | None:
    """Return where `wanted` begins: at `expected`, or where it stands nearest to it."""
    if letters[expected : expected + len(wanted)] == wanted:
        return expected
    page, words = "".join(letters), "".join(wanted)
    # Letters are single characters mostly; where one is not, places would not agree.
    if len(page) != len(letters) or not words:
        return None
    found, at = None, page.find(words)
    while at >= 0:
        if found is None or abs(at - expected) < abs(found - expected):
            found = at
        at = page.find(words, at + 1)
    return found


def _rectangles(textpage: Any, start: int, count: int) -> list[Box]:
    """Return (left, bottom, right, top) in points, one for each run of text on a line."""
    found = []
    for index in range(raw.FPDFText_CountRects(textpage, start, count)):
        left, top, right, bottom = (ctypes.c_double() for _ in range(4))
        if raw.FPDFText_GetRect(textpage, index, left, top, right, bottom):
            found.append((left.value, bottom.value, right.value, top.value))
    return found


def _share(box: Box, page: Any) -> Box:
    """Return (x, y, width, height) from the top left, as shares, with the page's rotation."""
    corners = []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        column, row = ctypes.c_int(), ctypes.c_int()
        # A fine grid: the call counts in whole device units.
        raw.FPDF_PageToDevice(page, 0, 0, 10_000, 10_000, 0, x, y, column, row)
        corners.append((column.value / 10_000, row.value / 10_000))
    (x0, y0), (x1, y1) = corners
    left, top = min(x0, x1), min(y0, y1)
    return (
        round(left, 4),
        round(top, 4),
        round(abs(x1 - x0), 4),
        round(abs(y1 - y0), 4),
    )


def _write(out: BinaryIO, answer: dict[str, Any], data: bytes) -> None:
    out.write(json.dumps(answer).encode() + b"\n" + data)
    out.flush()


if __name__ == "__main__":
    main()
