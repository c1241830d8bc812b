"""Documents in the index, a fake Ollama, and the certainty that there is none."""

import io
import socket
from collections.abc import Callable, Iterator

import pytest
from fake_ollama import FakeOllama

from ingest.index.catalogue import Record
from ingest.index.index import Index
from ingest.pipeline import Pipeline
from ingest.worker import Worker


@pytest.fixture
def add(index: Index) -> Callable[..., Record]:
    """Return a function (name, text, collection="default") that indexes a document."""
    worker = Worker(index, Pipeline(index, chunk_tokens=64))

    def added(name: str, text: str, collection: str = "default") -> Record:
        record, _ = index.add_file(io.BytesIO(text.encode()), name, collection)
        while worker.step():
            pass
        found = index.catalogue.get(record.id)
        assert found is not None
        assert found.version is not None, found.error
        return found

    return added


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
