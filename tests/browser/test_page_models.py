"""Chat models on the page: getting one, and how answers are written."""

from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from visiting import BUILT, EACH_SCREEN, QUESTION, Visiting

pytestmark = pytest.mark.browser


@EACH_SCREEN
def test_a_missing_model_is_got_with_a_click(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    ollama.models.clear()
    ollama.library["llama3.2"] = 2_000_000_000
    here = visit(viewport)
    expect(here.tab.locator(".no-model")).to_contain_text("Ollama has no chat model yet")
    here.picture("no-model")
    here.tab.get_by_role("button", name="Get llama3.2").click()
    expect(here.tab.get_by_text("llama3.2 is ready.")).to_be_visible()
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    assert BUILT in here.answer
    here.require_own_requests()
    assert here.errors == []


def test_a_model_that_cannot_be_got_says_why_and_can_be_tried_again(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    ollama.models.clear()
    here = visit()
    here.tab.get_by_role("button", name="Get llama3.2").click()
    expect(here.tab.get_by_text("Ollama's library has no model called llama3.2.")).to_be_visible()
    expect(here.tab.get_by_role("button", name="Get llama3.2")).to_be_visible()


def test_without_ollama_the_page_says_what_to_start(
    visit: Visiting, tower: Path, no_ollama: int
) -> None:
    here = visit()
    expect(here.tab.locator(".no-model")).to_contain_text("start it with ollama serve")


def test_language_and_freedom_reach_the_model(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    here.tab.get_by_role("button", name="Settings").click()
    here.tab.get_by_label("Answers are in").select_option("German")
    here.tab.get_by_label("How freely they are written").select_option("Freer")
    here.tab.get_by_role("button", name="Done").click()
    here.reload()
    ollama.will_write("Der Leuchtturm wurde 1871 von Clara Veit gebaut [1].")
    here.ask_and_wait()
    [chat] = ollama.chats
    assert chat.options["temperature"] == 0.7
    assert f"in German.\nQuestion: {QUESTION}" in chat.messages[-1]["content"]
    assert "Answer in German" in chat.messages[0]["content"]
