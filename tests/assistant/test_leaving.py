"""Whoever stops waiting for an answer stops the model: its connection is closed at once."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from fake_ollama import FakeOllama
from serving import Page, until

AT_ONCE = 0.2
"""Seconds within which the connection to Ollama must be closed."""

QUESTION = "Who built the lighthouse of Arnholm?"


@pytest.fixture
def tower(page: Page, tmp_path: Path) -> None:
    path = tmp_path / "tower.txt"
    path.write_text("The lighthouse of Arnholm was built in 1871 by Clara Veit.", "utf-8")
    assert page.add(path).error is None


class Waiting:
    """A client of the endpoints that waits for an answer, over a connection of its own."""

    def __init__(self, page: Page) -> None:
        call = f"{page.url}/gradio_api/call/v2/ask"
        asked = httpx.post(call, json={"question": QUESTION}, trust_env=False).json()
        place = urlsplit(page.url)
        self._socket = socket.create_connection((place.hostname, place.port or 80))
        head = f"GET /gradio_api/call/ask/{asked['event_id']} HTTP/1.1\r\nHost: {place.netloc}\r\n"
        self._socket.sendall(f"{head}\r\n".encode())

    def updates(self) -> Iterator[str]:
        """Yield the answer's text as it grows."""
        for line in self._socket.makefile(encoding="utf-8"):
            if line.startswith("data: ") and (data := json.loads(line[6:])):
                yield data[0]["answer"]

    def leave(self) -> float:
        """Go away as a program does that ends; return when."""
        left = time.monotonic()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        return left


def require_closed(ollama: FakeOllama, left: float) -> None:
    [chat] = ollama.chats
    assert chat.over.wait(5)
    assert chat.closed_after is not None
    assert chat.received + chat.closed_after - left < AT_ONCE


def test_a_client_that_goes_away_stops_the_model(
    page: Page, tower: None, ollama: FakeOllama
) -> None:
    ollama.will_write(*["word "] * 200, delay=0.05)
    client = Waiting(page)
    assert any("word word" in text for text in client.updates())
    require_closed(ollama, client.leave())


def test_a_client_that_goes_away_before_the_first_word_stops_the_model(
    page: Page, tower: None, ollama: FakeOllama
) -> None:
    ollama.will_write("late", delay=30)
    client = Waiting(page)
    until(lambda: ollama.chats)
    require_closed(ollama, client.leave())


def test_of_clients_that_went_away_nothing_is_kept(
    page: Page, tower: None, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.sparing.SESSIONS", 3)
    queue = page.gradio.get_blocks()._queue
    for _ in range(8):
        ollama.will_write(*["word "] * 200, delay=0.05)
        client = Waiting(page)
        assert any("word" in text for text in client.updates())
        client.leave()
    until(lambda: not any(queue.active_jobs))
    # The call that ends next clears up.
    calls = f"{page.url}/gradio_api/call"
    event = httpx.post(f"{calls}/v2/documents", json={}, trust_env=False).json()["event_id"]
    assert "tower.txt" in httpx.get(f"{calls}/documents/{event}", trust_env=False).text
    until(lambda: len(queue.pending_event_ids_session) <= 4)
