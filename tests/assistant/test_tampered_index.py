"""An index whose folder was tampered with: a sentence or what is left, never a wrong text."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from commands import command_line
from working import end_readers, make_worker

from assistant.__main__ import main
from assistant.retrieval import Retriever
from assistant.scope import Scope
from ingest.index.embedding import Embedder
from ingest.index.errors import FootnoteError, StoreError
from ingest.index.index import Index
from ingest.settings import IngestSettings

pytestmark = pytest.mark.slow

TEXTS = {
    f"story-{number}.txt": "\n\n".join(
        f"Paragraph {line} of story {number} tells of hare {line * number} and of the tortoise "
        f"that walked {line} miles to town {number}."
        for line in range(20)
    )
    for number in range(6)
}
QUESTION = "Which hare or tortoise went to town 3?"
SECRET = "The tortoise of town 3 hid a hare in the cellar. "

_BLOCK = 1 << 16


def build(data_dir: Path, embedder: Embedder, texts: dict[str, str]) -> None:
    settings = IngestSettings(data_dir=data_dir, _env_file=None)
    with closing(Index(settings)) as index:
        index.embedder = embedder
        index.own("tests")
        for name, text in texts.items():
            index.add_file(BytesIO(text.encode()), name, "default")
        make_worker(index, chunk_tokens=64).drain()
    end_readers()


def copy(source: Path, target: Path) -> None:
    """Copy a folder without the zeros that its files reserve."""
    for path in source.rglob("*"):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(parents=True, exist_ok=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        with path.open("rb") as read, place.open("wb") as write:
            while block := read.read(_BLOCK):
                if block.count(0) == len(block):
                    write.seek(len(block), 1)
                else:
                    write.write(block)
            write.truncate(read.tell())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """A data folder with an index that nobody has open."""
    data_dir = tmp_path_factory.mktemp("whole") / "data"
    build(data_dir, embedder, TEXTS)
    return data_dir


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    """Another one: a document that the first does not have, and others by the same names."""
    data_dir = tmp_path_factory.mktemp("stranger") / "data"
    build(data_dir, embedder, {"secret.txt": SECRET * 9, "story-3.txt": SECRET * 12})
    return data_dir


@pytest.fixture
def data_dir(whole: Path, tmp_path: Path) -> Path:
    """A copy of that folder, to be tampered with."""
    copy(whole, tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def opened(data_dir: Path, embedder: Embedder) -> Iterator[Callable[[], Index]]:
    """Return a function that opens the index."""
    indexes: list[Index] = []

    def start() -> Index:
        index = Index(IngestSettings(data_dir=data_dir, _env_file=None))
        index.embedder = embedder
        index.own("tests")
        indexes.append(index)
        return index

    yield start
    for index in indexes:
        index.close()


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def halve(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def scramble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[::97] = bytes(byte ^ 0x5A for byte in data[::97])
    path.write_bytes(data)


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


FILES = [
    "edge_config.json",
    "segments/*/segment.json",
    "segments/*/mutable_id_tracker.mappings",
    "segments/*/mutable_id_tracker.versions",
    "segments/*/payload_storage/page_0.dat",
    "segments/*/payload_storage/tracker.dat",
    "segments/*/vector_storage-dense/vectors/chunk_0.mmap",
    "segments/*/vector_storage-dense/quantized_data/chunk_0.mmap",
    "segments/*/vector_storage-keywords/store/page_0.dat",
    "segments/*/payload_index/config.json",
]
DAMAGES = [(name, damage) for name in FILES for damage in (zero, halve, empty, scramble, remove)]
DAMAGES += [("segments", remove), ("segments/*", remove), ("wal", remove), (".", remove)]


def search(index: Index) -> int | str:
    """Return the number of passages that are found, all of them sound, or the sentence."""
    try:
        passages = Retriever(index).search(QUESTION, 10)
    except FootnoteError as error:
        assert error.what
        assert error.next_step
        return error.what
    assert passages
    for passage in passages:
        assert TEXTS[passage.document][passage.start : passage.end] == passage.text
    return len(passages)


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_damage_is_a_sentence_or_leaves_what_is_sound(
    data_dir: Path,
    opened: Callable[[], Index],
    name: str,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = list((data_dir / "edge").glob(name)) if name != "." else [data_dir / "edge"]
    assert found
    for path in found:
        damage(path)
    with caplog.at_level(logging.WARNING):
        search(opened())


def test_a_whole_index_is_searched(opened: Callable[[], Index]) -> None:
    assert search(opened()) == 6


def test_an_index_that_was_taken_away_is_said_to_be_and_built_anew(
    data_dir: Path, opened: Callable[[], Index]
) -> None:
    remove(data_dir / "edge")
    index = opened()
    assert search(index) == "The index has lost its passages."
    worker = make_worker(index, chunk_tokens=64)
    worker.recover()
    worker.drain()
    assert search(index) == 6


def test_what_a_foreign_segment_says_is_never_shown(
    data_dir: Path, opened: Callable[[], Index], stranger: Path
) -> None:
    for segment in (stranger / "edge" / "segments").iterdir():
        copy(segment, data_dir / "edge" / "segments" / segment.name)
    index = opened()
    assert len(index.store.editions()) > len(TEXTS)
    assert isinstance(search(index), int)
    ids = [record.id for record in index.catalogue.documents() if record.name == "story-3.txt"]
    found = Retriever(index).search(SECRET, 10, Scope(document_ids=ids))
    assert found
    assert all("cellar" not in passage.text for passage in found)


def test_another_index_in_its_place_is_never_shown(
    data_dir: Path, opened: Callable[[], Index], stranger: Path
) -> None:
    remove(data_dir / "edge")
    copy(stranger / "edge", data_dir / "edge")
    assert search(opened()) == "The index has lost its passages."


@pytest.mark.parametrize("changed", [{"text": "Another text."}, {"start": 0}, {"edition": "x"}, {}])
def test_an_altered_passage_is_not_shown(
    opened: Callable[[], Index], changed: dict[str, object]
) -> None:
    import qdrant_edge as edge

    index = opened()
    [best] = Retriever(index).search(QUESTION, 1)
    shard = index.store._shard  # type: ignore[attr-defined]  # the shard itself is tampered with
    operation = edge.UpdateOperation
    if changed:
        shard.update(operation.set_payload([best.chunk_id], changed))
    else:
        shard.update(operation.clear_payload([best.chunk_id]))
    with pytest.raises(StoreError, match="A passage in the index is damaged"):
        Retriever(index).search(QUESTION, 10)


@pytest.mark.parametrize(
    "name", ["segments", "segments/*/payload_storage/page_0.dat", "edge_config.json"]
)
def test_the_command_says_so_in_a_sentence(
    data_dir: Path,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    name: str,
) -> None:
    for path in (data_dir / "edge").glob(name):
        remove(path) if path.is_dir() else zero(path)
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(data_dir))
    cli = command_line("assistant", main, embedder, monkeypatch, capfd)
    ran = cli("search", QUESTION)
    assert ran.code == 1
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert "The index has lost its passages." in ran.err or "edge failed (" in ran.err
