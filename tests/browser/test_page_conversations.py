"""Conversations in the browser: kept, listed, come back, apart from one another."""

import re
from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from visiting import BUILT, EACH_SCREEN, Visiting

pytestmark = pytest.mark.browser


@EACH_SCREEN
def test_a_reload_brings_the_conversation_back_with_its_sources(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    expect(here.tab).to_have_url(re.compile(r"\?c=[0-9a-f]{32}$"))
    here.reload()
    expect(here.tab.locator("#chat .bot.message").first).to_contain_text(BUILT)
    here.tab.locator("#chat a.cite").click()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    here.hide_drawer()
    here.open_left()
    expect(here.tab.locator(".conversations li.current")).to_contain_text("Who built")


def test_an_answer_that_broke_off_can_be_seen_and_asked_again(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ollama.will_write(*(f"word{number} " for number in range(300)), delay=0.05)
    here.ask()
    expect(here.tab.locator("#chat")).to_contain_text("word5")
    here.reload()
    expect(here.tab.locator("#chat")).to_contain_text("word5")
    expect(here.tab.locator("#chat")).to_contain_text("This answer broke off")
    [chat] = ollama.chats
    assert chat.over.wait(5)
    here.picture("broken-off")
    ollama.will_write(BUILT, " [1]")
    here.tab.get_by_role("button", name="Retry").click()
    expect(here.tab.locator("#chat")).to_contain_text(BUILT)
    expect(here.tab.locator("#chat")).not_to_contain_text("word5")
    expect(here.tab.locator("#chat .copy")).to_have_count(1)


@EACH_SCREEN
def test_conversations_are_listed_opened_renamed_and_deleted(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    here.open_left()
    here.tab.get_by_role("button", name="New chat").click()
    expect(here.tab.locator("#chat .message")).to_have_count(0)
    ollama.will_write("Until 1934. [1]")
    here.ask_and_wait("When did the lamp burn oil?")
    listed = here.tab.locator(".conversations .open")
    expect(listed).to_have_text(["When did the lamp burn oil?", re.compile("Who built")])
    here.open_left()
    listed.nth(1).click()
    expect(here.tab.locator("#chat .bot.message").first).to_contain_text(BUILT)
    here.open_left()
    here.tab.get_by_role("button", name=re.compile("More for Who built")).click()
    here.picture("menu")
    with here.tab.expect_download() as download:
        here.tab.get_by_role("menuitem", name="Export as Markdown").click()
    assert BUILT in Path(download.value.path()).read_text()
    here.tab.get_by_role("button", name=re.compile("More for Who built")).click()
    here.tab.get_by_role("menuitem", name="Rename").click()
    here.tab.get_by_label("Title of the chat").fill("The builder")
    here.tab.keyboard.press("Enter")
    expect(listed.filter(has_text="The builder")).to_have_count(1)
    here.tab.get_by_role("button", name="More for The builder").click()
    here.tab.get_by_role("menuitem", name="Delete").click()
    here.picture("delete")
    here.tab.locator("dialog").get_by_role("button", name="Delete").click()
    expect(listed).to_have_text(["When did the lamp burn oil?"])
    expect(here.tab.locator("#chat .message")).to_have_count(0)
    here.tab.get_by_role("button", name="Undo").click()
    expect(here.tab.locator("#chat .bot.message").first).to_contain_text(BUILT)


@EACH_SCREEN
def test_a_question_is_edited_and_an_answer_rated(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait("Who bilt it?")
    here.tab.get_by_role("button", name="Good answer").click()
    here.tab.get_by_role("button", name="Well sourced").click()
    expect(here.tab.locator("#chat .up.chosen")).to_have_count(1)
    here.reload()
    expect(here.tab.locator("#chat .up.chosen")).to_have_count(1)
    here.tab.locator("#chat .user.message").first.hover()
    here.tab.get_by_role("button", name="Edit").click()
    expect(here.tab.locator("#question textarea")).to_have_value("Who bilt it?")
    here.tab.keyboard.press("Escape")
    expect(here.tab.locator("#question textarea")).to_have_value("")
    here.tab.get_by_role("button", name="Edit").click()
    here.tab.locator("#chat a.cite").click()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    here.hide_drawer()
    ollama.will_write("Its lamp burned oil until 1934. [1]")
    here.ask("When did it burn oil?")
    expect(here.tab.locator("#chat")).to_contain_text("until 1934.")
    expect(here.tab.locator("#chat")).not_to_contain_text("bilt")
    expect(here.tab.locator("#sources .cite-card")).to_contain_text("Its lamp burned oil")


@EACH_SCREEN
def test_what_the_model_saw_folds_out(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    here.tab.get_by_text("What the model saw").click()
    seen = here.tab.locator(".seen-body")
    expect(seen).to_contain_text("llama3.2:latest")
    expect(seen).to_contain_text("Tokens read")
    expect(seen.locator("li")).to_contain_text("tower.md")
    here.picture("seen")


def test_another_browser_sees_nothing_of_it(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    one = visit()
    ollama.will_write(BUILT, " [1]")
    one.ask_and_wait()
    other = visit()
    other.tab.goto(one.tab.url)
    other.ready()
    other.tab.wait_for_timeout(500)
    assert other.tab.locator("#chat .message").count() == 0
    assert other.tab.locator(".conversations .open").count() == 0
