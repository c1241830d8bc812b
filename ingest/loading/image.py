"""Pictures of text, through OCR; each picture of a file with several is a page."""

import warnings
from pathlib import Path

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from ingest.index.errors import DocumentError
from ingest.loading import limits, ocr
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded

_MAX_PIXELS = 150_000_000
_MAX_PAGES = 1_000
_FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "PPM")


def load(path: Path, name: str, _scratch: Path) -> Loaded:
    """Read the text in a picture."""
    if ocr.program() is None:
        raise DocumentError(
            f"{name} is a picture, and OCR is not installed.",
            "Install Tesseract (Debian: apt install tesseract-ocr) and retry it.",
        )
    builder = Builder("image", name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, and of size, which is bounded here
        try:
            _read(path, name, builder)
        except Image.DecompressionBombError as error:
            raise _too_large(name) from error
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise limits.damaged(name) from error
    document = builder.document()
    if not document.text.strip():
        raise DocumentError(f"{name} is a picture without text.", "Add a picture of text.")
    return Loaded(document)


def _read(path: Path, name: str, builder: Builder) -> None:
    with Image.open(path, formats=_FORMATS) as image:
        if image.width * image.height > _MAX_PIXELS:
            raise _too_large(name)
        # Only TIFF keeps pages; the pictures of a GIF are a film.
        frames = ImageSequence.Iterator(image) if image.format == "TIFF" else iter([image])
        for number, frame in enumerate(frames, 1):
            if number > _MAX_PAGES:
                return
            builder.page(number)
            builder.paragraph(ocr.read_picture(_upright(frame)))


def _too_large(name: str) -> DocumentError:
    return DocumentError(
        f"{name} has more than {_MAX_PIXELS // 1_000_000} million pixels.",
        "Make it smaller and add it again.",
    )


def _upright(frame: Image.Image) -> Image.Image:
    """Return a picture the way up it was taken, on white where it is transparent."""
    frame = ImageOps.exif_transpose(frame)
    if frame.mode in {"RGBA", "LA", "PA"} or "transparency" in frame.info:
        drawn = frame.convert("RGBA")
        frame = Image.new("RGBA", drawn.size, "white")
        frame.alpha_composite(drawn)
    return frame
