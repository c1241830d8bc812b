"""Original bytes and canonical text, by the SHA-256 of the original.

A file appears under its final name only when it is complete.
"""

import hashlib
import json
import math
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import fsspec

from ingest.index.documents import Document, Heading, Page
from ingest.index.errors import DataFolderError, InputError

_BLOCK = 1 << 20


class Files:
    """The folder of originals and texts.

    Args:
        root: the folder.
    """

    def __init__(self, root: str) -> None:
        self._fs, self._root = fsspec.url_to_fs(root)

    def put_original(self, stream: BinaryIO) -> tuple[str, int]:
        """Store a file's bytes and return their SHA-256 and length; the same bytes are stored once.

        Raises:
            DataFolderError: the folder is full or cannot be written.
        """
        digest, size = hashlib.sha256(), 0
        partial = f"{self._root}/incoming/{uuid4().hex}"
        try:
            self._fs.makedirs(f"{self._root}/incoming", exist_ok=True)
            with self._fs.open(partial, "wb") as out:
                while block := _read(stream):
                    digest.update(block)
                    size += len(block)
                    out.write(block)
            self._move(partial, self._path("originals", digest.hexdigest()))
        except OSError as error:
            raise _unwritable(self._root, error) from error
        finally:
            with suppress(OSError):
                self._fs.rm_file(partial)
        return digest.hexdigest(), size

    def original(self, sha256: str) -> Path:
        """Return a local path to the original bytes, for loaders to read.

        Raises:
            DataFolderError: they are missing.
        """
        path = self._path("originals", sha256)
        if not self.has_original(sha256):
            raise DataFolderError(
                "The stored copy of this document is missing.",
                "Remove the document and add it again.",
            )
        return Path(path)

    def put_document(self, sha256: str, document: Document) -> None:
        """Store the canonical text that was read from the original `sha256`.

        Raises:
            DataFolderError: the folder is full or cannot be written.
        """
        partial = f"{self._root}/incoming/{uuid4().hex}"
        try:
            self._fs.makedirs(f"{self._root}/incoming", exist_ok=True)
            with self._fs.open(partial, "wb") as out:
                out.write(json.dumps(asdict(document), ensure_ascii=False).encode())
            self._move(partial, self._path("texts", sha256))
        except OSError as error:
            raise _unwritable(self._root, error) from error
        finally:
            with suppress(OSError):
                self._fs.rm_file(partial)

    def document(self, sha256: str) -> Document | None:
        """Return the canonical text read from the original `sha256`, or None if there is none."""
        try:
            fields: dict[str, Any] = json.loads(self._fs.cat_file(self._path("texts", sha256)))
        except FileNotFoundError:
            return None
        return Document(
            text=fields["text"],
            kind=fields["kind"],
            pages=tuple(Page(**page) for page in fields["pages"]),
            headings=tuple(Heading(**heading) for heading in fields["headings"]),
        )

    def has_original(self, sha256: str) -> bool:
        """Whether the bytes are here."""
        return bool(self._fs.exists(self._path("originals", sha256)))

    def sweep(self, older_than: float = 3600.0) -> set[str]:
        """Remove what was never completed, and return the SHA-256 of every complete file.

        Args:
            older_than: seconds for which a file is left alone, as its document may be on the way.
        """
        complete = set()
        for path, info in self._fs.find(self._root, detail=True).items():
            if time.time() - float(info.get("mtime", math.inf)) <= older_than:
                continue
            if "/incoming/" not in path:
                complete.add(path.rsplit("/", 1)[-1])
                continue
            with suppress(FileNotFoundError):
                self._fs.rm_file(path)
        return complete

    def delete(self, sha256: str) -> None:
        """Remove the original and its text; nothing happens where they are gone already."""
        for kind in ("originals", "texts"):
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._path(kind, sha256))

    def _path(self, kind: str, sha256: str) -> str:
        return f"{self._root}/{kind}/{sha256[:2]}/{sha256}"

    def _move(self, source: str, target: str) -> None:
        self._fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self._fs.mv(source, target)


def _read(stream: BinaryIO) -> bytes:
    try:
        return stream.read(_BLOCK)
    except OSError as error:
        raise InputError(
            f"The file cannot be read ({error.strerror or error}).", "Check it, then add it again."
        ) from error


def _unwritable(root: str, error: OSError) -> DataFolderError:
    return DataFolderError(
        f"The data folder {root} cannot be written ({error.strerror or error}).",
        "Free some space or correct its permissions, then run the same command again.",
    )
