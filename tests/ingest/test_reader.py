"""Files are read in a process of their own: it may hang, grow or crash, and the next is read."""

import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from loading_files import pdf_file
from tokenizers import Tokenizer

from ingest.chunking import Chunker
from ingest.index.documents import document_id
from ingest.index.embedding import Embedder
from ingest.index.errors import DataFolderError, DocumentError
from ingest.loading import load
from ingest.reader import Limits, Reader

BOOK, VERSION = document_id("books", "book.txt"), "a" * 64

LOADER = """
import os, signal, socket, time
from ingest.loading.loaded import Attachment, Loaded
from ingest.index.documents import Document
from ingest.loading import progress

def load(path, name, scratch):
    what = path.read_text().split()[0]
    if what == "hang":
        while True: time.sleep(60)
    if what == "spin":
        while True: pass
    if what == "grow":
        return Loaded(Document("x" * (1 << 40), "text"))
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "exit":
        os._exit(3)
    if what == "connect":
        socket.create_connection(("127.0.0.1", int(path.read_text().split()[1])))
    if what == "write":
        (scratch / "large.bin").write_bytes(b"x" * (8 << 20))
    if what == "print":
        print("{}")
        os.write(1, b"{}\\n")
    if what == "pages":
        for page in range(4):
            time.sleep(0.4)
            progress.report(page + 1, 4)
    if what == "attach":
        (scratch / "1").write_text("inside")
        return Loaded(Document("outside", "text"), (Attachment("a.txt", scratch / "1"),))
    return Loaded(Document(what, "text"))
"""
"""A loader that does what the file says, in the place of the one for plain text."""


@pytest.fixture(scope="module")
def tokenizer(embedder: Embedder) -> Tokenizer:
    return embedder.tokenizer


@pytest.fixture
def limits() -> Limits:
    return Limits(seconds=30, memory_mb=1024, output_mb=4)


@pytest.fixture
def reader(tmp_path: Path, tokenizer: Tokenizer, limits: Limits) -> Iterator[Reader]:
    with closing(Reader(tmp_path / "scratch", tokenizer, 64, limits)) as opened:
        yield opened


@pytest.fixture
def obeying(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """A reader whose process does what the files say."""
    package = tmp_path / "patched"
    package.mkdir()
    (package / "sitecustomize.py").write_text(
        "import sys, types\n"
        "module = types.ModuleType('ingest.loading.text')\n"
        f"exec({LOADER!r}, module.__dict__)\n"
        "import ingest.loading.text as real\n"
        "real.load = module.load\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(package), *sys.path]))
    return reader


def told(tmp_path: Path, what: str) -> Path:
    path = tmp_path / f"{time.monotonic_ns()}.txt"
    path.write_text(what)
    return path


def left_over(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "scratch").iterdir() if path.is_dir()]


def test_a_file_is_read_as_in_this_process(
    reader: Reader, tmp_path: Path, tokenizer: Tokenizer
) -> None:
    path = tmp_path / "original"
    path.write_bytes(pdf_file("The hare ran. " * 3, "The tortoise walked on. " * 4))
    reading = reader.read(path, "fable.pdf")
    (tmp_path / "here").mkdir()
    document = load(path, "fable.pdf", tmp_path / "here").document
    expected = list(Chunker(tokenizer, 64).split(document, BOOK, VERSION))
    chunks = [replace(chunk, language="", cut="") for chunk in reading.read_chunks(BOOK, VERSION)]
    assert chunks == expected
    assert {chunk.cut for chunk in reading.read_chunks(BOOK, VERSION)} == {reading.cut} != {""}
    assert {chunk.language for chunk in reading.read_chunks(BOOK, VERSION)} == {"en"}
    assert (reading.language, reading.chunks, reading.pages) == ("en", len(expected), 2)
    assert reading.characters == len(document.text)
    reading.discard()
    assert left_over(tmp_path) == []


def test_a_process_that_ended_between_two_files_leaves_nothing_open(
    reader: Reader, tmp_path: Path
) -> None:
    path = told(tmp_path, "The hare ran.")
    reader.read(path, "fable.txt").discard()
    ended = reader._process
    assert ended is not None
    assert ended.stdin is not None
    assert ended.stdout is not None
    reader.interrupt()
    ended.wait()
    reader.read(path, "fable.txt").discard()
    assert ended.stdin.closed
    assert ended.stdout.closed


def test_a_file_that_cannot_be_read_says_why_and_leaves_nothing(
    reader: Reader, tmp_path: Path
) -> None:
    path = told(tmp_path, "")
    with pytest.raises(DocumentError) as caught:
        reader.read(path, "empty.txt")
    assert str(caught.value) == "empty.txt is empty. Add a file that has text in it."
    assert left_over(tmp_path) == []


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("crash", r"book\.txt ended its process \(SIGSEGV\)"),
        ("exit", r"book\.txt ended its process \(exit status 3\)"),
        ("grow", r"takes more than 1024 MB of memory\. .*FOOTNOTE_READ_MEMORY_MB"),
        ("write", r"holds more than 4 MB of text or attachments\. .*FOOTNOTE_READ_OUTPUT_MB"),
        ("connect", r"book\.txt cannot be opened|damaged"),
    ],
)
def test_what_a_file_does_to_its_process_befalls_it_alone(
    obeying: Reader, tmp_path: Path, what: str, message: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = told(tmp_path, f"{what} {server.getsockname()[1]}")
        with pytest.raises(DocumentError, match=message):
            obeying.read(path, "book.txt")
        server.settimeout(0.1)
        with pytest.raises(TimeoutError):
            server.accept()
    assert left_over(tmp_path) == []
    assert obeying.read(told(tmp_path, "hare"), "next.txt").characters == 4


@pytest.mark.parametrize("what", ["hang", "spin"])
@pytest.mark.parametrize("limits", [Limits(seconds=0.5, memory_mb=1024)])
def test_a_file_that_takes_too_long_is_given_up(obeying: Reader, tmp_path: Path, what: str) -> None:
    obeying.read(told(tmp_path, "hare"), "first.txt")
    with pytest.raises(DocumentError, match=r"not read within 0\.5 seconds\. .*READ_SECONDS"):
        obeying.read(told(tmp_path, what), "book.txt")
    assert obeying.read(told(tmp_path, "hare"), "next.txt").characters == 4


@pytest.mark.parametrize("limits", [Limits(seconds=1, memory_mb=1024)])
def test_the_clock_starts_anew_with_each_page(obeying: Reader, tmp_path: Path) -> None:
    seen: list[float] = []
    reading = obeying.read(told(tmp_path, "pages"), "book.txt", seen.append)
    assert reading.characters == 5
    assert seen == [0.25, 0.5, 0.75, 1.0]


def test_what_progress_raises_ends_the_reading(obeying: Reader, tmp_path: Path) -> None:
    def stop(_: float) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        obeying.read(told(tmp_path, "pages"), "book.txt", stop)
    assert left_over(tmp_path) == []
    assert obeying.read(told(tmp_path, "hare"), "next.txt").characters == 4


def test_a_text_is_split_as_the_file_was_that_it_came_from(reader: Reader, tmp_path: Path) -> None:
    path = told(tmp_path, "# Fables\n\n" + "The hare ran. " * 100).rename(tmp_path / "fables.md")
    first = reader.read(path, "fables.md")
    again = reader.split(first.text, "fables.md")
    assert list(again.read_chunks(BOOK, VERSION)) == list(first.read_chunks(BOOK, VERSION))
    assert (first.attachments, again.attachments) == ((), None)
    assert again.text.read_bytes() == first.text.read_bytes()


def test_what_a_library_prints_is_no_answer(obeying: Reader, tmp_path: Path) -> None:
    assert obeying.read(told(tmp_path, "print"), "book.txt").characters == 5


def test_attachments_come_out_as_files(obeying: Reader, tmp_path: Path) -> None:
    reading = obeying.read(told(tmp_path, "attach"), "mail.txt")
    assert reading.attachments is not None
    [(name, path)] = reading.attachments
    assert (name, path.read_text()) == ("a.txt", "inside")


def test_a_folder_that_cannot_be_written_is_a_sentence(
    tmp_path: Path, tokenizer: Tokenizer, limits: Limits
) -> None:
    (tmp_path / "scratch").write_text("in the way")
    reader = Reader(tmp_path / "scratch", tokenizer, 64, limits)
    with pytest.raises(DataFolderError, match="cannot be written"):
        reader.read(told(tmp_path, "hare"), "book.txt")
