"""Originals and texts by content hash: whole or not there."""

import errno
import hashlib
import os
from io import BytesIO
from pathlib import Path

import pytest

from ingest.index.documents import Document, Heading, Page
from ingest.index.errors import DataFolderError, DocumentError, InputError
from ingest.index.files import Files, text_of

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


def put(files: Files, data: bytes = DATA) -> tuple[str, int]:
    with files.receive(BytesIO(data)) as received:
        received.keep()
        return received.sha256, received.size


def put_text(files: Files, tmp_path: Path, document: Document) -> None:
    path = tmp_path / "text.json"
    path.write_bytes(text_of(document))
    files.put_text(SHA256, path)


def stored(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "files").rglob("*") if path.is_file()]


def test_an_original_comes_back_byte_by_byte(files: Files) -> None:
    assert put(files) == (SHA256, len(DATA))
    with files.original(SHA256) as path:
        assert path.read_bytes() == DATA


def test_what_is_not_kept_leaves_nothing(files: Files, tmp_path: Path) -> None:
    with files.receive(BytesIO(DATA)) as received:
        assert not files.has_original(received.sha256)
    assert stored(tmp_path) == []


def test_more_than_one_block_is_hashed_whole(files: Files) -> None:
    data = os.urandom((2 << 20) + 17)
    sha256, size = put(files, data)
    assert (sha256, size) == (hashlib.sha256(data).hexdigest(), len(data))
    with files.original(sha256) as path:
        assert path.read_bytes() == data


def test_the_same_bytes_are_stored_once(files: Files, tmp_path: Path) -> None:
    put(files)
    put(files)
    with files.original(SHA256) as path:
        assert stored(tmp_path) == [path]


def test_a_file_that_cannot_be_read_to_its_end_leaves_nothing(files: Files, tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="The file cannot be read"),
        files.receive(BrokenAfterOneBlock(b"x" * (3 << 20))),
    ):
        pass
    assert stored(tmp_path) == []


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    files = Files(str(tmp_path / "file" / "files"))
    with pytest.raises(DataFolderError, match="cannot be written"):
        put(files)
    with pytest.raises(DataFolderError, match="cannot be written"):
        put_text(files, tmp_path, Document("text", "text"))


def test_a_missing_original_says_what_to_do(files: Files) -> None:
    with (
        pytest.raises(DocumentError, match=r"missing.*add it again"),
        files.original(SHA256),
    ):
        pass


def test_originals_kept_elsewhere_are_read_from_a_copy(tmp_path: Path) -> None:
    elsewhere = Files(f"memory://{tmp_path.name}")
    put(elsewhere)
    with elsewhere.original(SHA256) as path:
        assert path.read_bytes() == DATA
    assert not path.exists()
    put_text(elsewhere, tmp_path, Document("text", "text"))
    assert elsewhere.document(SHA256) == Document("text", "text")
    elsewhere.delete(SHA256)
    assert not elsewhere.has_original(SHA256)


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
def test_a_document_comes_back_as_it_was_put(
    files: Files, tmp_path: Path, document: Document
) -> None:
    put_text(files, tmp_path, document)
    assert files.document(SHA256) == document


def test_a_document_put_again_takes_the_place_of_the_old(files: Files, tmp_path: Path) -> None:
    put_text(files, tmp_path, Document("first", "text"))
    put_text(files, tmp_path, Document("second", "text"))
    assert files.document(SHA256) == Document("second", "text")


def test_a_text_that_is_not_there_is_none(files: Files) -> None:
    assert files.document(SHA256) is None


def test_delete_takes_original_and_text_and_may_be_repeated(files: Files, tmp_path: Path) -> None:
    put(files)
    put_text(files, tmp_path, Document("text", "text"))
    files.delete(SHA256)
    files.delete(SHA256)
    assert stored(tmp_path) == []
