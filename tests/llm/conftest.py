"""Both forms of the test server: one that writes from a script, and a real model."""

from collections.abc import Iterator

import pytest
from fake_ollama import CHAT, FakeOllama
from ollama_wire import Chat, OllamaServer

SMOLLM = "smollm2:135m"


@pytest.fixture(scope="session")
def _smollm() -> Iterator[OllamaServer]:
    # What it needs is installed by `make test-llm` alone.
    from smollm import SmolOllama

    with SmolOllama() as running:
        yield running


@pytest.fixture
def smollm(_smollm: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> OllamaServer:
    """A running Ollama in which SmolLM2-135M writes."""
    monkeypatch.setenv("OLLAMA_HOST", _smollm.address)
    _smollm.chats.clear()
    return _smollm


@pytest.fixture(params=["scripted", pytest.param("real", marks=pytest.mark.llm)])
def server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[OllamaServer]:
    """A running Ollama with one model called smollm2:135m, in each form."""
    if request.param == "real":
        yield request.getfixturevalue("smollm")
        return
    with FakeOllama({SMOLLM: CHAT}) as running:
        running.install(SMOLLM, CHAT, context=8192)
        running.library[SMOLLM] = 98_362_432
        monkeypatch.setenv("OLLAMA_HOST", running.address)
        for _ in range(8):
            running.will_write("Paris", " is the capital", " of France", ".")
        yield running


def last(server: OllamaServer) -> Chat:
    """Return the latest request for an answer."""
    return server.chats[-1]
