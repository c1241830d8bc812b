"""Loaders: from the bytes of a file to its document, one module per family of files.

A loader is a function `load(path, name) -> Document` in a module named after its family.
Families are imported when the first of their files arrives, because their libraries are heavy.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from ingest.index.documents import Document
from ingest.index.errors import DocumentError
from ingest.loading.sniffing import FAMILIES, family_of

SUPPORTED: frozenset[str] = frozenset(FAMILIES)
"""Extensions, lower case with their dot, that say by themselves how a file is read."""

MAX_CHARACTERS = 100_000_000
_MAX_BYTES_PER_CHARACTER = 4


def load(path: Path, name: str) -> Document:
    """Read the file at `path` into a document.

    Args:
        path: where the bytes are; what the file is called there means nothing.
        name: what the person called the file; its extension counts, and messages show it.

    Raises:
        DocumentError: whenever the file cannot be read, whatever the reason.
    """
    try:
        document = _load(path, name)
    except DocumentError:
        raise
    except OSError as error:
        raise DocumentError(
            f"{name} cannot be opened.", "Check that the file exists and that you may read it."
        ) from error
    except MemoryError as error:
        raise DocumentError(
            f"{name} needs more memory than there is.", "Split it into smaller files and add those."
        ) from error
    except Exception as error:
        raise DocumentError(
            f"{name} is damaged and cannot be read.",
            "Open it in the program it came from, save it again, and add the new copy.",
        ) from error
    if len(document.text) > MAX_CHARACTERS:
        raise _too_long(name)
    return document


def _load(path: Path, name: str) -> Document:
    size = path.stat().st_size
    if not size:
        raise _without_text(f"{name} is empty.")
    family = family_of(path, name)
    if family in {"text", "markdown", "web"} and size > MAX_CHARACTERS * _MAX_BYTES_PER_CHARACTER:
        raise _too_long(name)
    loader: Callable[[Path, str], Document] = import_module(f"{__name__}.{family}").load
    document = loader(path, name)
    if not document.text.strip():
        plain = document.kind in {"text", "markdown"}
        raise _without_text(f"{name} is empty." if plain else f"{name} has no text in it.")
    return document


def _without_text(what: str) -> DocumentError:
    return DocumentError(what, "Add a file that has text in it.")


def _too_long(name: str) -> DocumentError:
    return DocumentError(
        f"{name} holds more than {MAX_CHARACTERS // 1_000_000} million characters.",
        "Split it into smaller files and add those.",
    )
