"""The map and the settings in the browser."""

from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from visiting import BUILT, Visiting

pytestmark = pytest.mark.browser


def test_a_click_on_the_map_opens_the_passage(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    here.tab.get_by_role("button", name="Map", exact=True).click()
    expect(here.tab.locator("#view header")).to_contain_text("1 passage of 1 document")
    expect(here.tab.locator(".legend")).to_contain_text("your last question")
    here.picture("map")
    # One passage stands in the middle of its own picture.
    here.tab.locator("canvas").click()
    expect(here.tab.locator("#quote")).to_contain_text("The town has one tower.")
    here.require_own_requests()
    assert here.errors == []


def test_settings_are_kept_in_the_browser(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit()
    here.tab.get_by_role("button", name="Settings").click()
    here.tab.get_by_label("Theme").select_option("dark")
    here.tab.get_by_label("Chat model").select_option("llama3.2:latest")
    here.tab.get_by_label("Passages that an answer is made from").fill("3")
    here.picture("settings")
    here.tab.get_by_role("button", name="Done").click()
    expect(here.tab.locator("body.dark")).to_have_count(1)
    here.reload()
    expect(here.tab.locator("body.dark")).to_have_count(1)
    here.tab.get_by_role("button", name="Settings").click()
    expect(here.tab.get_by_label("Passages that an answer is made from")).to_have_value("3")
    expect(here.tab.get_by_label("Chat model")).to_have_value("llama3.2:latest")
