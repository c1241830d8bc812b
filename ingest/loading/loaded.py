"""What reading one file gives: its document, and the files that it holds."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ingest.index.documents import Document


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside another: an e-mail's attachment, an archive's member.

    Attributes:
        name: relative, parts separated by `/`; never absolute, never with `..`.
        path: where its bytes are, in the scratch folder that `load` was given.
    """

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Loaded:
    """The document of one file, and the files in it, in their order.

    Attributes:
        notice: what of the file was not read, why, and what would read it, in a sentence or
            two; empty where all was.
    """

    document: Document
    attachments: tuple[Attachment, ...] = ()
    notice: str = ""


Loader = Callable[[Path, str, Path], Loaded]
"""Takes the file, what the person calls it, and an empty folder for its attachments."""
