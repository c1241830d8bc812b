"""Loaders: from the bytes of a file to its document, one module per family of files.

A loader is a function `load(path, name, scratch) -> Loaded` in a module named after its family.
Families are imported when the first of their files arrives, because their libraries are heavy.
"""

import errno
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from ingest.index.errors import DocumentError
from ingest.loading import limits
from ingest.loading.loaded import Attachment, Loaded, Loader
from ingest.loading.sniffing import FAMILIES, TEXTUAL, family_of

__all__ = ["SUPPORTED", "Attachment", "Loaded", "load"]

SUPPORTED: frozenset[str] = frozenset(FAMILIES)
"""Extensions, lower case with their dot, that say by themselves how a file is read."""

_MAX_BYTES_PER_CHARACTER = 4
_MAX_TITLE = 200
_VISIBLE = re.compile(
    r"[^\s\0-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufffd]"
)


def load(path: Path, name: str, scratch: Path) -> Loaded:
    """Read the file at `path` into a document, and unpack the files that it holds.

    Args:
        path: where the bytes are; what the file is called there means nothing.
        name: what the person called the file; its extension counts, and messages show it.
        scratch: an empty folder for this file alone; attachments are left in it, and whoever
            called removes it.

    Raises:
        DocumentError: whenever the file cannot be read, whatever the reason.
        OSError: what is in it does not fit into the scratch folder.
    """
    try:
        loaded = _load(path, name, scratch)
    except DocumentError:
        raise
    except OSError as error:
        if error.errno in (errno.EFBIG, errno.ENOSPC):
            raise
        if error.errno is None:  # what libraries raise for a file that is not as it should be
            raise limits.damaged(name) from error
        raise DocumentError(
            f"{name} cannot be opened.", "Check that the file exists and that you may read it."
        ) from error
    except MemoryError as error:
        raise DocumentError(
            f"{name} needs more memory than there is.", "Split it into smaller files and add those."
        ) from error
    except Exception as error:  # a border: loaders raise whatever a damaged file brings up
        raise limits.damaged(name) from error
    if len(loaded.document.text) > limits.MAX_CHARACTERS:
        raise limits.too_long(name)
    return loaded


def _load(path: Path, name: str, scratch: Path) -> Loaded:
    size = path.stat().st_size
    if not size:
        raise _without_text(f"{name} is empty.")
    family = family_of(path, name)
    if family in TEXTUAL and size > limits.MAX_CHARACTERS * _MAX_BYTES_PER_CHARACTER:
        raise limits.too_long(name)
    loader: Loader = import_module(f"{__name__}.{family}").load
    loaded = loader(path, name, scratch)
    if not _VISIBLE.search(loaded.document.text):
        raise _without_text(f"{name} has no text in it.")
    return _with_short_titles(loaded)


def _with_short_titles(loaded: Loaded) -> Loaded:
    """Shorten headings of any length: each passage below carries them along."""
    document = loaded.document
    if all(len(heading.title) <= _MAX_TITLE for heading in document.headings):
        return loaded
    headings = tuple(
        heading
        if len(heading.title) <= _MAX_TITLE
        else replace(heading, title=heading.title[:_MAX_TITLE].rstrip() + "…")
        for heading in document.headings
    )
    return replace(loaded, document=replace(document, headings=headings))


def _without_text(what: str) -> DocumentError:
    return DocumentError(what, "Add a file that has text in it.")
