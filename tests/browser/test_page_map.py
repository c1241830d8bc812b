"""The map and the settings in the browser."""

import re
import sys
from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from serving import Page
from stand_in import install_umap
from visiting import BUILT, EACH_SCREEN, TOWER, Visit, Visiting

pytestmark = pytest.mark.browser

SUMMARY = re.compile(r"\d\d passages of 1 document")


@pytest.fixture
def many(page: Page, tmp_path: Path) -> None:
    """A document with passages enough for a map by neighbours."""
    path = tmp_path / "towers.md"
    rooms = "\n\n".join(f"## Room {n}\n\nIn room {n} hang {n * 7} lamps." * 2 for n in range(40))
    # Each test's own: a map of the same passages is drawn once and kept.
    path.write_text(f"{TOWER}\n{rooms}\n\n{tmp_path.name}\n")
    assert page.add(path).chunks > 15


def open_map(here: Visit) -> None:
    here.open_left()
    here.tab.get_by_role("button", name="Map", exact=True).click()


@EACH_SCREEN
def test_a_click_on_the_map_opens_the_passage(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    open_map(here)
    expect(here.tab.locator("#view header")).to_contain_text("1 passage of 1 document")
    expect(here.tab.locator(".legend")).to_contain_text("your last question")
    here.picture("map")
    # One passage stands in the middle of its own picture.
    here.tab.locator("canvas").click()
    expect(here.tab.locator("#quote")).to_contain_text("The town has one tower.")
    here.require_own_requests()
    assert here.errors == []


@pytest.mark.usefixtures("many", "ollama")
@EACH_SCREEN
def test_the_map_by_neighbours_comes_when_it_is_drawn(
    viewport: dict[str, int],
    visit: Visiting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install_umap(monkeypatch, tmp_path / "packages", "time.sleep(2)")
    here = visit(viewport)
    here.ask_and_wait()
    open_map(here)
    overview = here.tab.get_by_role("button", name="Overview")
    neighbours = here.tab.get_by_role("button", name="Neighbours")
    expect(overview).to_have_attribute("aria-pressed", "true")
    first = pixels(here)
    neighbours.click()
    expect(here.tab.locator("#view header")).to_contain_text(
        re.compile(r"Finding the neighbours of \d+ passages… \d s")
    )
    here.picture(f"neighbours-{viewport['width']}")
    expect(here.tab.locator("#view header")).to_contain_text(SUMMARY)
    here.tab.wait_for_timeout(100)
    assert pixels(here) != first
    here.require_no_overflow()
    overview.click()
    here.tab.wait_for_timeout(100)
    assert pixels(here) == first
    # The next map begins as this one was left, from what was kept.
    neighbours.click()
    here.tab.keyboard.press("Escape")
    here.reload()
    open_map(here)
    expect(here.tab.get_by_role("button", name="Neighbours")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert here.errors == []


def test_without_the_extra_there_is_one_map(
    visit: Visiting, many: None, ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    here = visit()
    open_map(here)
    expect(here.tab.locator("#view header")).to_contain_text(SUMMARY)
    expect(here.tab.get_by_role("group", name="Arrange by")).to_be_hidden()


def test_a_map_by_neighbours_that_fails_says_why_and_leaves_the_other(
    visit: Visiting,
    many: None,
    ollama: FakeOllama,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install_umap(monkeypatch, tmp_path / "packages", "raise MemoryError('no room')")
    here = visit()
    open_map(here)
    here.tab.get_by_role("button", name="Neighbours").click()
    expect(
        here.tab.get_by_text("The map by neighbours failed: MemoryError: no room.")
    ).to_be_visible()
    expect(here.tab.get_by_role("button", name="Overview")).to_have_attribute(
        "aria-pressed", "true"
    )


def pixels(here: Visit) -> str:
    drawn: str = here.tab.evaluate("document.querySelector('canvas').toDataURL()")
    return drawn


@EACH_SCREEN
def test_settings_are_kept_in_the_browser(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    here.open_left()
    here.tab.get_by_role("button", name="Settings").click()
    here.tab.get_by_label("Theme").select_option("dark")
    here.tab.get_by_label("Chat model").select_option("llama3.2:latest")
    here.tab.get_by_label("Passages that an answer is made from").fill("3")
    here.picture("settings")
    here.tab.get_by_role("button", name="Done").click()
    expect(here.tab.locator("body.dark")).to_have_count(1)
    here.reload()
    expect(here.tab.locator("body.dark")).to_have_count(1)
    here.open_left()
    here.tab.get_by_role("button", name="Settings").click()
    expect(here.tab.get_by_label("Passages that an answer is made from")).to_have_value("3")
    expect(here.tab.get_by_label("Chat model")).to_have_value("llama3.2:latest")
