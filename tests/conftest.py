"""Fixtures for every test: settings of a fresh data folder, a real embedder, an open index,
a fake Ollama or the certainty that there is none, and the whole application running."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from fake_ollama import FakeOllama
from working import end_readers

from ingest.index.embedding import Embedder, Vectors
from ingest.index.index import Index
from ingest.index.memory import settle_memory
from ingest.index.settings import DEFAULT_MODEL, PREFIX
from ingest.settings import IngestSettings

if TYPE_CHECKING:
    from serving import Page

OWNER = """
import sys
from pathlib import Path
from ingest.index.ownership import Ownership

ownership = Ownership(Path(sys.argv[1]))
ownership.take(sys.argv[2], sys.argv[3] or None)
print("taken", flush=True)
sys.stdin.read()
"""

OwnerProcess = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the environment's `FOOTNOTE_` variables nor a `.env` of the checkout count."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True, scope="module")
def _spared_collections() -> None:
    """What earlier modules imported is not looked through again and again."""
    settle_memory()


@pytest.fixture(autouse=True)
def _no_reader_left() -> Iterator[None]:
    """No process that reads files outlives its test."""
    yield
    end_readers()


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The default embedding model with its packaged weights, loaded once on first use."""
    return Embedder(DEFAULT_MODEL)


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of another embedding model, of 32 dimensions, that reads 48 tokens."""
    from small_model import make_small_model

    return make_small_model(tmp_path_factory.mktemp("small-model"))


@pytest.fixture
def settings(tmp_path: Path) -> IngestSettings:
    """Default settings with a data folder of this test's own."""
    return IngestSettings(data_dir=tmp_path / "data", _env_file=None)


@pytest.fixture
def index(settings: IngestSettings, embedder: Embedder) -> Iterator[Index]:
    """An empty index, owned by this process as `tests`, with the session's embedder."""
    with closing(Index(settings)) as opened:
        opened.embedder = embedder
        opened.own("tests")
        yield opened


@pytest.fixture
def unit_vectors() -> Callable[[int, int], Vectors]:
    """Return a function (count, dimension) to the same unit vectors at every call."""

    def make(count: int, dimension: int) -> Vectors:
        vectors = np.random.default_rng(7).normal(size=(count, dimension))
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("float32")
        return unit

    return make


@pytest.fixture
def owner_process() -> Iterator[OwnerProcess]:
    """Return a function (data_dir, command, url=None) to a process that owns that folder.

    The process lives until it is killed or the test ends.
    """
    started: list[subprocess.Popen[str]] = []

    def start(data_dir: Path, command: str, url: str | None = None) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(data_dir), command, url or ""],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "taken\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def ollama(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOllama]:
    """A running Ollama with one chat model, llama3.2."""
    with FakeOllama() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.address)
        yield server


@pytest.fixture
def no_ollama(monkeypatch: pytest.MonkeyPatch) -> int:
    """An address where no Ollama runs; its port is free to start one later."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    monkeypatch.setenv("OLLAMA_HOST", f"http://127.0.0.1:{port}")
    return port


@pytest.fixture(scope="module")
def _running(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> "Iterator[Page]":
    """The application, started once for the tests of a module."""
    from serving import served

    from assistant.settings import AssistantSettings

    data_dir = tmp_path_factory.mktemp("page") / "data"
    embedder.load()
    with pytest.MonkeyPatch.context() as patched:
        for name in [name for name in os.environ if name.startswith(PREFIX)]:
            patched.delenv(name)
        # Each test has an Ollama of its own, or none.
        patched.setattr("assistant.ollama_models.FRESH", 0.0)
        patched.setenv("GRADIO_TEMP_DIR", str(data_dir / "uploads"))
        # Models are asked whatever is asked: whether there is an answer has tests of its own.
        settings = AssistantSettings(data_dir=data_dir, abstain_below=0.0, _env_file=None)
        with served(settings, embedder) as running:
            yield running


@pytest.fixture
def page(_running: "Page") -> "Iterator[Page]":
    """The application with its page, endpoints and worker, and no documents."""
    yield _running
    _running.clear()
