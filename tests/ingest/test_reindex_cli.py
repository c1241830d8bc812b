"""`ingest reindex`: asked for, watched, killed, given up, and what it says."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from commands import Cli, command_line
from small_model import DIMENSION
from working import make_worker

import ingest.index.index
from assistant.retrieval import Retriever
from ingest.__main__ import main
from ingest.index.embedding import Embedder
from ingest.index.index import Index
from ingest.index.settings import DEFAULT_MODEL
from ingest.settings import IngestSettings

pytestmark = pytest.mark.slow

DOCUMENTS = 120

IN_SMALL_STEPS = """
import ingest.rebuilding
from ingest.__main__ import main

ingest.rebuilding._DOCUMENTS = 2
main()
"""


@pytest.fixture
def cli(
    settings: IngestSettings,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Cli:
    """Return a function that runs `ingest` with arguments, in this process."""
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(settings.data_dir))
    run = command_line("ingest", main, embedder, monkeypatch, capfd)
    # Two models are at work here: each is loaded by its name.
    monkeypatch.setattr(ingest.index.index, "Embedder", Embedder)
    return run


@pytest.fixture
def documents(settings: IngestSettings, embedder: Embedder) -> list[str]:
    """Names of documents that are indexed with the default model; nobody owns the index."""
    with closing(Index(settings)) as index:
        index.embedder = embedder
        index.own("tests")
        add(index, DOCUMENTS)
        make_worker(index).drain()
        return [record.name for record in index.catalogue.documents()]


def add(index: Index, count: int) -> None:
    for number in range(count):
        text = f"The key to room {number} hangs on hook {number * 7}."
        index.add_file(BytesIO(text.encode()), f"room-{number}.txt", "hotel")


@pytest.fixture
def rebuilding(
    settings: IngestSettings, documents: list[str], small_model: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """`ingest reindex` in a process of its own, with some documents brought over."""
    process = subprocess.Popen(
        [sys.executable, "-c", IN_SMALL_STEPS, "reindex", "--model", str(small_model)],
        env={**os.environ, "FOOTNOTE_DATA_DIR": str(settings.data_dir)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with closing(Index(settings)) as index:
        while True:
            assert process.poll() is None
            now = index.rebuilds.wanted()
            if now is not None and index.rebuilds.progress(now.number).documents > 5:
                break
            time.sleep(0.01)
    yield process
    process.kill()
    process.wait()


def test_the_command_does_the_work_where_nobody_else_does(
    cli: Cli, documents: list[str], settings: IngestSettings, small_model: Path
) -> None:
    ran = cli("reindex", "--model", small_model, "--json")
    assert ran.code == 0
    assert ran.json == {
        "model": str(small_model),
        "precision": ran.json["precision"],
        "dimension": DIMENSION,
        "documents": DOCUMENTS,
        "passages": DOCUMENTS,
    }
    again = cli("reindex", "--model", small_model)
    assert again.code == 0
    assert f"The index has {small_model}" in again.err
    with closing(Index(settings)) as index:
        assert index.generation_number == 2
        assert index.rebuilds.wanted() is None
        assert index.rebuilds.retired() == []


def test_a_killed_command_goes_on_where_it_was(
    cli: Cli,
    rebuilding: subprocess.Popen[bytes],
    settings: IngestSettings,
    embedder: Embedder,
    small_model: Path,
) -> None:
    rebuilding.send_signal(signal.SIGKILL)
    rebuilding.wait()
    with closing(Index(settings)) as index:
        done = index.rebuilds.progress(2).documents
        assert 5 < done < DOCUMENTS
        index.embedder = embedder
        index.own("tests")
        found = Retriever(index).search("Where does the key to room 17 hang?", 1)
        assert found[0].document == "room-17.txt"
    embedded = []
    embed = Embedder.embed_passages

    def counting(self: Embedder, texts: list[str], **rest: object) -> object:
        embedded.extend(texts)
        return embed(self, texts, **rest)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Embedder, "embed_passages", counting)
        assert cli("reindex", "--model", small_model).code == 0
    assert len(embedded) <= DOCUMENTS - done
    with closing(Index(settings)) as index:
        index.own("tests")
        assert dict(index.store.editions()) == {
            (record.id, record.version): record.chunks for record in index.catalogue.documents()
        }
        found = Retriever(index).search("Where does the key to room 17 hang?", 1)
        assert found[0].document == "room-17.txt"


def test_what_a_killed_command_left_is_given_up_by_another(
    cli: Cli, rebuilding: subprocess.Popen[bytes], settings: IngestSettings, small_model: Path
) -> None:
    rebuilding.kill()
    rebuilding.wait()
    assert (settings.data_dir / "edge-2").exists()
    building = cli("status", "--json").json["reindex"]
    assert building["model"] == str(small_model)
    assert 5 < building["documents"] < DOCUMENTS
    assert f"of {DOCUMENTS} documents" in cli("status").out
    ran = cli("reindex", "--cancel")
    assert ran.code == 0
    assert f"The index with {small_model} is given up" in ran.err
    assert not (settings.data_dir / "edge-2").exists()
    with closing(Index(settings)) as index:
        assert index.generation_number == 1


def test_the_owner_does_the_work_while_it_answers(
    cli: Cli, index: Index, small_model: Path
) -> None:
    add(index, 5)
    worker = make_worker(index)
    worker.drain()
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stop, 0.05))
    thread.start()
    try:
        ran = cli("reindex", "--model", small_model)
        assert ran.code == 0
        assert "5 documents, 5 passages" in ran.out
        assert index.current.number == 2
        assert index.embedder.fingerprint.dimension == DIMENSION
        assert Retriever(index).search("the key to room 3", 1)[0].document == "room-3.txt"
        refused = cli("reindex", "--model", "/no/such/model")
        assert refused.code == 1
        assert "The index was not built anew: The embedding model /no/such/model" in refused.err
        assert cli("reindex", "--cancel").code == 0
        assert Retriever(index).search("the key to room 3", 1)[0].document == "room-3.txt"
    finally:
        stop.set()
        thread.join()


def test_a_setting_that_is_refused_from_now_on_is_named(
    cli: Cli, documents: list[str], small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", DEFAULT_MODEL)
    ran = cli("reindex", "--model", small_model)
    assert ran.code == 0
    assert f"FOOTNOTE_EMBEDDING_MODEL names {DEFAULT_MODEL}" in ran.err
    assert f"set it to {small_model}" in ran.err


def test_the_new_model_may_be_set_already(
    cli: Cli, documents: list[str], small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTNOTE_EMBEDDING_MODEL", str(small_model))
    ran = cli("reindex", "--model", small_model)
    assert ran.code == 0
    assert "refused" not in ran.err


@pytest.mark.parametrize("given", [[], ["--cancel", "--model", "some"], ["--cancel"]])
def test_a_request_that_makes_no_sense_is_refused(cli: Cli, given: list[str]) -> None:
    assert cli("reindex", *given).code == 2
