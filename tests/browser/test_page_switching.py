"""Answers that go on while another conversation is in sight."""

import re
import time
from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from serving import until
from visiting import BUILT, EACH_SCREEN, Visit, Visiting

pytestmark = pytest.mark.browser

WORDS = 60
AT_ONCE = 0.2
"""Seconds within which the connection to Ollama must be closed."""


def ask_for_many_words(here: Visit, ollama: FakeOllama, words: int = WORDS) -> None:
    ollama.will_write(*(f"word{number} " for number in range(words)), delay=0.05)
    here.ask()
    expect(here.tab.locator("#chat")).to_contain_text("word3")


def new_chat(here: Visit) -> None:
    here.open_left()
    here.tab.get_by_role("button", name="New chat").click()
    expect(here.tab.locator("#chat .message")).to_have_count(0)
    expect(here.tab.locator("#send")).to_be_visible()


def back(here: Visit, title: str = "Who built") -> None:
    here.open_left()
    here.tab.locator(".conversations .open", has_text=title).click()


@EACH_SCREEN
def test_an_answer_goes_on_while_another_conversation_is_in_sight(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ask_for_many_words(here, ollama)
    new_chat(here)
    ollama.will_write("Until 1934. [1]")
    here.ask_and_wait("When did the lamp burn oil?")
    assert "word" not in here.tab.locator("#chat").inner_text()
    [first, _] = ollama.chats
    assert not first.over.is_set()
    here.open_left()
    writing = here.tab.get_by_role("img", name="An answer is being written")
    expect(writing).to_have_count(1)
    here.picture(f"writing-elsewhere-{viewport['width']}")
    back(here)
    expect(here.tab.locator("#stop")).to_be_visible()
    seen = len(here.answer)
    assert f"word{WORDS - 1}" not in here.answer
    expect(here.tab.locator("#chat")).to_contain_text(f"word{WORDS - 1}")
    assert len(here.answer) > seen
    expect(here.tab.locator("#send")).to_be_visible()
    expect(here.tab.locator("#chat .copy")).to_have_count(1)
    assert first.closed_after is None
    expect(writing).to_have_count(0)
    assert here.errors == []


def test_an_answer_that_ended_out_of_sight_is_there_with_its_sources(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ollama.will_write(*re.findall(r"\S+\s*", BUILT), " [1]", delay=0.1)
    here.ask()
    expect(here.tab.locator("#chat .bot.message")).to_contain_text("The lighthouse")
    new_chat(here)
    [chat] = ollama.chats
    assert chat.over.wait(5)
    # The list says by itself that it has ended.
    expect(here.tab.get_by_role("img", name="An answer is being written")).to_have_count(0)
    back(here)
    here.tab.locator("#chat a.cite").click()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)


def test_back_and_forth_loses_nothing(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit()
    ask_for_many_words(here, ollama, 100)
    new_chat(here)
    ollama.will_write(*(f"other{number} " for number in range(100)), delay=0.05)
    here.ask("When did the lamp burn oil?")
    expect(here.tab.locator("#chat")).to_contain_text("other2")
    for title, own, foreign in [("Who built", "word", "other"), ("When did", "other", "word")] * 3:
        back(here, title)
        expect(here.tab.locator("#chat")).to_contain_text(own)
        assert foreign not in here.tab.locator("#chat").inner_text()
    for title, last in [("Who built", "word99"), ("When did", "other99")]:
        back(here, title)
        expect(here.tab.locator("#chat")).to_contain_text(last)
        expect(here.tab.locator("#chat .copy")).to_have_count(1)
    assert [chat.closed_after for chat in ollama.chats] == [None, None]
    assert here.errors == []


def test_it_is_stopped_on_coming_back(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit()
    ask_for_many_words(here, ollama, 300)
    new_chat(here)
    back(here)
    here.tab.locator("#stop").click()
    [chat] = ollama.chats
    assert chat.over.wait(5)
    expect(here.tab.locator("#chat")).to_contain_text("Stopped.")
    expect(here.tab.locator("#chat")).to_contain_text("word3")
    expect(here.tab.locator("#send")).to_be_visible()


def test_it_is_stopped_from_the_list(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit()
    ask_for_many_words(here, ollama, 300)
    new_chat(here)
    here.tab.get_by_role("button", name=re.compile("More for Who built")).click()
    here.tab.get_by_role("menuitem", name="Stop the answer").click()
    [chat] = ollama.chats
    assert chat.over.wait(5)
    back(here)
    expect(here.tab.locator("#chat")).to_contain_text("Stopped.")


def test_a_conversation_that_is_deleted_stops_its_answer(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ask_for_many_words(here, ollama, 300)
    new_chat(here)
    here.tab.get_by_role("button", name=re.compile("More for Who built")).click()
    here.tab.get_by_role("menuitem", name="Delete").click()
    here.tab.locator("dialog").get_by_role("button", name="Delete").click()
    [chat] = ollama.chats
    assert chat.over.wait(5)
    expect(here.tab.locator(".conversations .open")).to_have_count(0)


def test_a_closed_tab_stops_what_it_left_out_of_sight(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here, other = visit(), visit()
    ask_for_many_words(here, ollama, 300)
    new_chat(here)
    here.tab.wait_for_timeout(500)
    [chat] = ollama.chats
    assert not chat.over.is_set()
    left = time.monotonic()
    here.tab.close()
    assert chat.over.wait(5)
    assert chat.closed_after is not None
    assert chat.received + chat.closed_after - left < AT_ONCE
    assert other.tab.locator("#chat .message").count() == 0


def test_another_tab_of_the_same_browser_sees_it_grow_and_keeps_it(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ask_for_many_words(here, ollama)
    other = Visit(here.tab.context.new_page(), here.tab.url)
    expect(other.tab.locator("#chat")).to_contain_text("word4")
    expect(other.tab.locator("#stop")).to_be_visible()
    seen = len(other.answer)
    until(lambda: len(other.answer) > seen + len("word word word"))
    here.tab.close()
    expect(other.tab.locator("#chat")).to_contain_text(f"word{WORDS - 1}")
    until(ollama.chats[0].over.is_set)
    assert ollama.chats[0].closed_after is None
