"""Original bytes and canonical text, by the SHA-256 of the original.

A file appears under its final name only when it is complete.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Set
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from ingest.index.documents import Document, Heading, Page
from ingest.index.errors import DataFolderError, DocumentError, InputError

_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """The bytes of a file on their way in.

    Attributes:
        sha256: of the bytes.
        size: how many there are.
        keep: stores them; without it they are gone when `Files.receive` ends.
    """

    sha256: str
    size: int
    keep: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Stored:
    """What is in the folder, by the SHA-256 of the originals.

    Attributes:
        texts: those that have a text.
        settled: those with a file that has been here for a while; their documents are known.
    """

    texts: Set[str]
    settled: Set[str]


class Files:
    """The folder of originals and texts.

    Args:
        root: the folder.
    """

    def __init__(self, root: str) -> None:
        self._fs, self._root = fsspec.url_to_fs(root)

    @contextmanager
    def receive(self, stream: BinaryIO) -> Iterator[Received]:
        """Write a file's bytes to the side; `Received.keep` stores them, the same bytes once.

        Raises:
            DataFolderError: the folder is full or cannot be written.
        """
        digest, size = hashlib.sha256(), 0
        with self._incoming() as partial:
            with self._fs.open(partial, "wb") as out:
                while block := _read(stream):
                    digest.update(block)
                    size += len(block)
                    out.write(block)
            path = self._path("originals", digest.hexdigest())
            yield Received(digest.hexdigest(), size, lambda: self._move(partial, path))

    def original(self, sha256: str) -> AbstractContextManager[Path]:
        """Hold a local path to the original bytes, a copy where they are kept elsewhere.

        Raises:
            DocumentError: they are missing.
            DataFolderError: the copy cannot be made.
        """
        return self._local("originals", sha256)

    def text(self, sha256: str) -> AbstractContextManager[Path]:
        """Hold a local path to what `put_text` stored; raises as `original`."""
        return self._local("texts", sha256)

    @contextmanager
    def _local(self, kind: str, sha256: str) -> Iterator[Path]:
        path = self._path(kind, sha256)
        if not self._fs.exists(path):
            raise DocumentError(
                "The stored copy of this document is missing.",
                "Remove the document and add it again.",
            )
        if isinstance(self._fs, LocalFileSystem):
            yield Path(path)
            return
        with TemporaryDirectory() as folder:
            copy = Path(folder, sha256)
            try:
                self._fs.get_file(path, str(copy))
            except OSError as error:
                raise _unwritable(folder, error) from error
            yield copy

    def put_text(self, sha256: str, text: Path) -> None:
        """Store the canonical text that was read from the original `sha256`.

        Args:
            text: a file of what `text_of` returns.

        Raises:
            DataFolderError: the folder is full or cannot be written.
        """
        with self._incoming() as partial:
            self._fs.put_file(str(text), partial)
            self._move(partial, self._path("texts", sha256))

    def document(self, sha256: str) -> Document | None:
        """Return the canonical text read from the original `sha256`, or None if there is none."""
        try:
            stored = self._fs.cat_file(self._path("texts", sha256))
        except FileNotFoundError:
            return None
        return document_of(stored)

    def has_original(self, sha256: str) -> bool:
        """Whether the bytes are here."""
        return bool(self._fs.exists(self._path("originals", sha256)))

    def has_text(self, sha256: str) -> bool:
        """Whether the text is here."""
        return bool(self._fs.exists(self._path("texts", sha256)))

    def sweep(self, older_than: float = 3600.0) -> Stored:
        """Remove what was never completed, and return what is here.

        Args:
            older_than: seconds for which a file is left alone, as its document may be on the way.
        """
        texts, settled = set(), set()
        for path, info in self._fs.find(self._root, detail=True).items():
            folder, sha256 = path.rsplit("/", 1)
            old = time.time() - float(info.get("mtime", math.inf)) > older_than
            if "/incoming" not in folder:
                if "/texts/" in folder:
                    texts.add(sha256)
                if old:
                    settled.add(sha256)
            elif old:
                with suppress(FileNotFoundError):
                    self._fs.rm_file(path)
        return Stored(texts, settled)

    def delete(self, sha256: str) -> None:
        """Remove the original and its text; nothing happens where they are gone already."""
        for kind in ("originals", "texts"):
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._path(kind, sha256))

    @contextmanager
    def _incoming(self) -> Iterator[str]:
        """Yield a path to write to first; errors are our own, and nothing is left behind."""
        partial = f"{self._root}/incoming/{uuid4().hex}"
        try:
            self._fs.makedirs(f"{self._root}/incoming", exist_ok=True)
            yield partial
        except OSError as error:
            raise _unwritable(self._root, error) from error
        finally:
            with suppress(OSError):
                self._fs.rm_file(partial)

    def _path(self, kind: str, sha256: str) -> str:
        return f"{self._root}/{kind}/{sha256[:2]}/{sha256}"

    def _move(self, source: str, target: str) -> None:
        self._fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
        self._fs.mv(source, target)


def text_of(document: Document) -> bytes:
    """Return a document as it is stored."""
    return json.dumps(asdict(document), ensure_ascii=False).encode()


def document_of(stored: bytes) -> Document:
    """Return the document of which `text_of` made these bytes."""
    fields: dict[str, Any] = json.loads(stored)
    return Document(
        text=fields["text"],
        kind=fields["kind"],
        pages=tuple(Page(**page) for page in fields["pages"]),
        headings=tuple(Heading(**heading) for heading in fields["headings"]),
    )


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
