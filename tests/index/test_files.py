"""Originals and texts by content hash: whole or not there."""

import errno
import hashlib
import os
from io import BytesIO
from pathlib import Path

import pytest

from ingest.index.documents import Document, Heading, Page
from ingest.index.errors import DataFolderError, InputError
from ingest.index.files import Files

DATA = b"One page.\n\xff\x00" * 1000
SHA256 = hashlib.sha256(DATA).hexdigest()


class BrokenAfterOneBlock(BytesIO):
    """Gives one block, then what a failing disk gives."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(size)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(str(tmp_path / "files"))


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_an_original_comes_back_byte_by_byte(files: Files) -> None:
    assert files.put_original(BytesIO(DATA)) == (SHA256, len(DATA))
    assert files.original(SHA256).read_bytes() == DATA


def test_more_than_one_block_is_hashed_whole(files: Files) -> None:
    data = os.urandom((2 << 20) + 17)
    sha256, size = files.put_original(BytesIO(data))
    assert (sha256, size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert files.original(sha256).read_bytes() == data


def test_the_same_bytes_are_stored_once(files: Files, tmp_path: Path) -> None:
    files.put_original(BytesIO(DATA))
    files.put_original(BytesIO(DATA))
    assert stored(tmp_path) == [files.original(SHA256)]


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing(files: Files, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The file cannot be read"):
        files.put_original(BrokenAfterOneBlock(b"x" * (3 << 20)))
    assert stored(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    files = Files(str(tmp_path / "file" / "files"))
    with pytest.raises(DataFolderError, match="cannot be written"):
        files.put_original(BytesIO(DATA))
    with pytest.raises(DataFolderError, match="cannot be written"):
        files.put_document(SHA256, Document("text", "text"))


def test_a_missing_original_says_what_to_do(files: Files) -> None:
    with pytest.raises(DataFolderError, match=r"missing.*add it again"):
        files.original(SHA256)


@pytest.mark.parametrize(
    "document",
    [
        Document("plain", "text"),
        Document(
            '# Größe 東京\r\n🐇 "quoted" \u2028 end\n',
            "pdf",
            pages=(Page(1, 0, 10), Page(3, 10, 20)),
            headings=(Heading(1, "Größe 東京", 0, 10), Heading(2, "", 11, 12)),
        ),
    ],
)
def test_a_document_comes_back_as_it_was_put(files: Files, document: Document) -> None:
    files.put_document(SHA256, document)
    assert files.document(SHA256) == document


def test_a_document_put_again_takes_the_place_of_the_old(files: Files) -> None:
    files.put_document(SHA256, Document("first", "text"))
    files.put_document(SHA256, Document("second", "text"))
    assert files.document(SHA256) == Document("second", "text")


def test_a_text_that_is_not_there_is_none(files: Files) -> None:
    assert files.document(SHA256) is None


def test_delete_takes_original_and_text_and_may_be_repeated(files: Files, tmp_path: Path) -> None:
    files.put_original(BytesIO(DATA))
    files.put_document(SHA256, Document("text", "text"))
    files.delete(SHA256)
    files.delete(SHA256)
    assert stored(tmp_path) == []
