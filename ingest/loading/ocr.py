"""Reading pictures of text with Tesseract, a program of its own (Debian: tesseract-ocr)."""

import io
import os
import re
import shutil
import subprocess
from functools import lru_cache

from PIL import Image

from ingest.loading.text import clean

TIME_LIMIT = 120.0
"""Seconds for one page."""

AT_A_TIME = os.cpu_count() or 1
"""Pages; each is read by a program of its own on one core."""

MAX_PIXELS = 25_000_000
"""Larger pictures are made smaller; A4 at 400 dpi has 15 million."""

_MAX_LANGUAGES = 4
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐¬]\n(?=[^\W\d_A-Z])")
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")


def program() -> str | None:
    """Return where Tesseract is, or None if it is not installed."""
    return shutil.which("tesseract")


def read_picture(picture: Image.Image) -> str:
    """Return the text in a picture, lines as they are; empty where none is found in time."""
    tesseract = program()
    if tesseract is None:
        return ""
    grey = picture.convert("L")
    darkest, brightest = grey.getextrema()
    if darkest == brightest:
        return ""  # a blank page
    if (pixels := grey.width * grey.height) > MAX_PIXELS:
        factor = (MAX_PIXELS / pixels) ** 0.5
        grey = grey.resize((max(1, int(grey.width * factor)), max(1, int(grey.height * factor))))
    buffer = io.BytesIO()
    grey.save(buffer, "PNG", compress_level=1)
    try:
        run = subprocess.run(
            [tesseract, "stdin", "stdout", "-l", _languages(tesseract)],
            input=buffer.getvalue(),
            capture_output=True,
            timeout=TIME_LIMIT,
            check=False,
            env=os.environ | {"OMP_THREAD_LIMIT": "1"},
        )
    except subprocess.TimeoutExpired:
        return ""
    text = clean(run.stdout.decode("utf-8", "replace")).replace("\f", "")
    return _HYPHEN.sub("", _BLANK_LINES.sub("\n\n", text)).strip()


@lru_cache(maxsize=4)
def _languages(tesseract: str) -> str:
    """Return the languages whose data is installed, as Tesseract takes them; English first."""
    run = subprocess.run(
        [tesseract, "--list-langs"], capture_output=True, timeout=TIME_LIMIT, check=False
    )
    listed = run.stdout.decode("utf-8", "replace").splitlines()[1:]
    known = [name.strip() for name in listed if re.fullmatch(r"[a-z]{3}(?:_\w+)?", name.strip())]
    known = [name for name in known if name != "osd"]
    known.sort(key=lambda name: (name != "eng", name))
    return "+".join(known[:_MAX_LANGUAGES]) or "eng"
