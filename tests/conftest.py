"""Fixtures for every test: settings of a fresh data folder, a real embedder, an open index."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from ingest.index.embedding import Embedder, Vectors
from ingest.index.index import Index
from ingest.index.settings import DEFAULT_MODEL, PREFIX
from ingest.settings import IngestSettings

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


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The default embedding model with its packaged weights, loaded once on first use."""
    return Embedder(DEFAULT_MODEL)


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
