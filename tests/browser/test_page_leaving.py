"""Stop, or a tab that is closed, closes the connection to Ollama at once."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from serving import until
from visiting import Visit, Visiting

pytestmark = pytest.mark.browser

AT_ONCE = 0.2
"""Seconds within which the connection to Ollama must be closed."""

LEAVING = {
    # The driver's own click first waits until nothing moves, which a person does not.
    "stop": lambda here: here.tab.evaluate("document.querySelector('#stop').click()"),
    "closed tab": lambda here: here.tab.close(),
    "other page": lambda here: here.tab.goto("about:blank"),
}


@pytest.mark.parametrize("way", LEAVING)
@pytest.mark.parametrize("written", [True, False], ids=["in mid-answer", "before the first word"])
def test_who_leaves_stops_the_model(
    way: str, written: bool, visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    if written:
        ollama.will_write(*["word "] * 300, delay=0.05)
    else:
        ollama.will_write("late", delay=30)
    here.ask()
    until(lambda: ollama.chats)
    expect(here.tab.locator("#stop")).to_be_visible()
    if written:
        expect(here.tab.locator("#chat")).to_contain_text("word word")
    leave: Callable[[Visit], object] = LEAVING[way]
    left = time.monotonic()
    leave(here)
    [chat] = ollama.chats
    assert chat.over.wait(5)
    assert chat.closed_after is not None
    assert chat.received + chat.closed_after - left < AT_ONCE
