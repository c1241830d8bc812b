"""Pages of PDFs as pictures, and where a quote stands on them.

The drawing itself happens in `pdf_child`, in another process that is started on first use
and ends when nothing was asked of it for a while.
"""

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from ingest.index.documents import Document
from ingest.index.errors import DocumentError

CACHED_BYTES = 24 << 20
"""Pictures kept in memory; a page takes 100 to 300 KB."""

PAGE_SECONDS = 20.0
"""Time for one page, after which the file is given up on."""

IDLE_SECONDS = 60.0
"""Time after which the drawing process ends, to give its memory back."""


class PdfPages:
    """Draws pages, one at a time; safe to call from any thread, and to be called off the loop."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._busy = threading.Lock()
        self._idle: threading.Timer | None = None
        self._pictures: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def picture(self, path: Path, page: int, version: str) -> bytes:
        """Return a page as a JPEG.

        Args:
            path: where the file is now.
            version: its SHA-256, under which its pages are kept.

        Raises:
            DocumentError: the page cannot be drawn.
        """
        key = (version, page)
        with self._busy:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
            _, data = self._call({"what": "picture", "path": str(path), "page": page})
            self._pictures[key] = data
            while sum(map(len, self._pictures.values())) > CACHED_BYTES:
                self._pictures.popitem(last=False)
            return data

    def boxes(
        self, path: Path, document: Document, page: int, start: int, end: int
    ) -> dict[str, Any]:
        """Return the page's size in points and the boxes of the part of [start, end) on it.

        Each box is (x, y, width, height) from the top left, as shares of the page.

        Raises:
            DocumentError: the page cannot be read.
        """
        span = next((one for one in document.pages if one.number == page), None)
        if span is None:
            raise DocumentError(f"There is no page {page}.", "Reload the page.")
        text = document.text[span.start : span.end]
        first = min(max(start - span.start, 0), len(text))
        last = min(max(end - span.start, 0), len(text))
        request = {"what": "boxes", "path": str(path), "page": page, "text": text}
        with self._busy:
            answer, _ = self._call({**request, "start": first, "end": last})
        return {key: answer[key] for key in ("width", "height", "boxes")}

    def close(self) -> None:
        """End the drawing process."""
        with self._busy:
            self._end()

    def _call(self, request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """Send one request; `_busy` is held."""
        if self._idle is not None:
            self._idle.cancel()
        child = self._child = self._child or self._start()
        # A file that PDFium never ends with is ended with from here.
        limit = threading.Timer(PAGE_SECONDS, child.kill)
        limit.start()
        try:
            answer, data = _exchange(child, request)
        except (OSError, ValueError) as error:
            self._end()
            raise DocumentError(
                "This page cannot be drawn.", "Open the original file instead."
            ) from error
        finally:
            limit.cancel()
            self._idle = threading.Timer(IDLE_SECONDS, self.close)
            self._idle.daemon = True
            self._idle.start()
        if "error" in answer:
            raise DocumentError(
                f"This page cannot be drawn ({answer['error']}).", "Open the original file instead."
            )
        return answer, data

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "assistant.ui.pdf_child"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _end(self) -> None:
        child, self._child = self._child, None
        if self._idle is not None:
            self._idle.cancel()
        if child is not None:
            child.kill()
            child.communicate()


def _exchange(
    child: subprocess.Popen[bytes], request: dict[str, Any]
) -> tuple[dict[str, Any], bytes]:
    """Write a request and read its answer; ValueError where the process ended instead."""
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(json.dumps(request).encode() + b"\n")
    child.stdin.flush()
    answer: dict[str, Any] = json.loads(child.stdout.readline())
    data = child.stdout.read(answer["bytes"])
    if len(data) != answer["bytes"]:
        raise ValueError("cut")
    return answer, data
