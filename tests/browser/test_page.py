"""The page in chromium, as a person has it in front of them."""

import re
from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import Route, expect
from serving import Page
from visiting import ATTACK, BUILT, EACH_SCREEN, NARROW, Visit, Visiting

pytestmark = pytest.mark.browser

# -- answers ----------------------------------------------------------------------------------


@EACH_SCREEN
def test_text_grows_while_it_is_written(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(*(f"word{number} " for number in range(30)), delay=0.06)
    here.ask()
    expect(here.tab.locator("#chat")).to_contain_text("word2")
    expect(here.tab.locator("#stop")).to_be_visible()
    expect(here.tab.locator("#question textarea")).to_have_value("")
    lengths = []
    while here.tab.locator("#stop").is_visible():
        lengths.append(len(here.answer))
        here.tab.wait_for_timeout(80)
    assert lengths == sorted(lengths)
    assert len(set(lengths)) >= 4
    expect(here.tab.locator("#chat")).to_contain_text("word29")


def test_who_asks_while_the_page_loads_gets_the_whole_answer(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    held: list[Route] = []

    def hold(request: Route) -> None:
        held.append(request)

    here.tab.route("**/gradio_api/run/**", hold)
    here.reload()
    ollama.will_write(*(f"word{number} " for number in range(40)), delay=0.06)
    here.ask()
    expect(here.tab.locator("#chat")).to_contain_text("word2")
    assert held
    for request in held:
        request.continue_()
    here.tab.unroute("**/gradio_api/run/**")
    expect(here.tab.locator("#chat")).to_contain_text("word39")
    [chat] = ollama.chats
    assert chat.closed_after is None


@EACH_SCREEN
def test_stop_keeps_what_is_there_and_hangs_up(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(*(f"word{number} " for number in range(300)), delay=0.05)
    here.ask()
    expect(here.tab.locator("#chat")).to_contain_text("word5")
    here.tab.click("#stop")
    [chat] = ollama.chats
    assert chat.over.wait(5)
    assert chat.closed_after is not None
    expect(here.tab.locator("#chat")).to_contain_text("Stopped.")
    expect(here.tab.locator("#chat")).to_contain_text("word5")
    expect(here.tab.locator("#send")).to_be_visible()
    expect(here.tab.locator("#stop")).not_to_be_visible()
    here.picture("stopped")
    here.ask_and_wait()
    assert "word" not in here.answer


def test_a_model_that_breaks_off_is_told(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit()
    ollama.will_write("The lighthouse ", "was ", failure="drop")
    here.ask_and_wait()
    assert "The lighthouse was" in here.answer
    assert "The answer was cut after 3 words: the connection to Ollama was lost" in here.answer
    here.picture("cut")


def test_quotes_turn_into_answers_when_a_model_starts(
    visit: Visiting, tower: Path, no_ollama: int
) -> None:
    here = visit()
    here.ask_and_wait()
    assert f"“{BUILT}”" in here.answer
    assert "No chat model is running, so these are quotes." in here.answer
    here.picture("quotes")
    with FakeOllama(port=no_ollama) as ollama:
        ollama.will_write("Clara Veit built it. [1]")
        here.ask_and_wait()
    assert here.answer.startswith("Clara Veit built it.")
    assert "so these are quotes" not in here.answer


def test_an_empty_question_says_what_to_do(visit: Visiting, tower: Path, no_ollama: int) -> None:
    here = visit()
    here.tab.click("#send")
    expect(
        here.tab.get_by_text("The question is empty. Type what you want to know.")
    ).to_be_visible()
    here.picture("empty-question")
    assert here.tab.locator("#chat .message").count() == 0
    here.ask_and_wait()
    assert BUILT in here.answer


@EACH_SCREEN
def test_what_is_not_answered_shows_what_comes_closest(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write("NOT_IN_DOCUMENTS")
    here.ask_and_wait()
    assert here.answer.startswith("Your documents don't answer this.")
    here.tab.get_by_role("button", name="Closest passages").click()
    card = here.tab.locator("#sources button.source")
    expect(card).to_contain_text("tower.md")
    here.picture(f"closest-{viewport['width']}")
    card.click()
    expect(here.tab.locator("#quote")).to_contain_text(BUILT)
    here.require_no_overflow()


@EACH_SCREEN
def test_tabs_have_conversations_of_their_own(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    one, other = visit(viewport), visit(viewport)
    ollama.will_write("Only for the first tab. [1]")
    one.ask_and_wait()
    assert other.tab.locator("#chat .message").count() == 0
    other.ask_and_wait("When did the lamp burn oil?")
    assert "Only for the first tab" not in other.tab.locator("#chat").inner_text()
    assert "Only for the first tab" not in str(ollama.chats[1].body)
    assert one.tab.locator("#chat .bot.message").count() == 1


# -- what is not trusted ----------------------------------------------------------------------


@EACH_SCREEN
def test_a_poisoned_document_is_only_text(
    viewport: dict[str, int], visit: Visiting, tmp_path: Path, page: Page, no_ollama: int
) -> None:
    # The override would show the end of the name as `fdp.txt` backwards: another kind of file.
    poisoned = tmp_path / "<img src=x onerror=alert(1)>\u202efdp.txt"
    poisoned.write_text(f"The harbour of Arnholm {ATTACK} exports herring.")
    page.add(poisoned)
    here = visit(viewport)
    expect(here.documents().locator(".name bdi").first).to_have_text(
        poisoned.name.replace("\u202e", "\ufffd")
    )
    require_harmless(here)
    here.tab.keyboard.press("Escape")
    here.ask_and_wait("What does the harbour of Arnholm export?")
    require_harmless(here)
    here.require_no_overflow()
    here.tab.locator("#chat a.cite").first.click()
    expect(here.tab.locator("#quote")).to_be_visible()
    assert "<script>" in here.tab.locator("#sources").inner_text()
    here.picture("poisoned")
    require_harmless(here)


@EACH_SCREEN
def test_a_poisoned_model_and_question_are_only_text(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write(*re.findall(r"\S+\s*", f"{ATTACK} \u202e{BUILT} [1]"), delay=0.02)
    here.ask_and_wait(f"Who built it? \u202e{ATTACK}")
    require_harmless(here)
    assert "\u202e" not in here.tab.locator("#chat").inner_text()
    assert "<script>" in here.answer
    for words in ATTACK.split("\n\n", maxsplit=1)[0].split():
        assert words in here.answer
        assert words in here.tab.locator("#chat .user.message").inner_text()
    here.picture("poisoned-model")


def require_harmless(here: Visit) -> None:
    here.tab.wait_for_timeout(300)
    assert here.tab.evaluate("window.hacked") is None
    for inside in ("#chat .message", "#sources", "#documents", "#view"):
        for element in ("img[src^=http], img[src=x]", "script", "form", "a[href^=http]"):
            assert here.tab.locator(f"{inside} :is({element})").count() == 0
        links = here.tab.locator(f"{inside} a").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        assert all(link.startswith(("#cite-", "/ui/documents/")) for link in links), links
    here.require_own_requests()


# -- looks ------------------------------------------------------------------------------------


def test_a_phone_shows_one_column_with_drawers(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(NARROW, has_touch=True, is_mobile=True)
    here.require_no_overflow()
    expect(here.tab.locator("#left")).not_to_be_visible()
    expect(here.tab.locator("#right")).not_to_be_visible()
    here.picture("narrow-empty")
    here.tab.get_by_role("button", name="Conversations and documents").tap()
    here.tab.wait_for_timeout(250)
    here.picture("narrow-left")
    expect(here.row("tower.md")).to_be_visible()
    here.require_no_overflow()
    here.picture("narrow-documents")
    here.tab.get_by_role("button", name="Close", exact=True).tap()
    expect(here.tab.locator("#left")).not_to_be_visible()

    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    here.require_no_overflow()
    here.picture("narrow-answer")
    here.tab.locator("#chat a.cite").tap()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    here.tab.wait_for_timeout(250)
    expect(here.tab.locator("#quote")).to_be_in_viewport()
    sheet = here.tab.locator("#right").bounding_box()
    assert sheet is not None
    assert sheet["y"] + sheet["height"] == pytest.approx(NARROW["height"], abs=1)
    assert sheet["height"] == pytest.approx(NARROW["height"] * 0.66, abs=5)
    here.picture("narrow-source")
    here.require_no_overflow()
    here.tab.touchscreen.tap(195, 100)
    expect(here.tab.locator("#right")).not_to_be_visible()
    here.tab.get_by_role("button", name="Sources", exact=True).tap()
    expect(here.tab.locator("#right")).to_be_visible()


def test_dark_has_no_white_panel(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit(color_scheme="dark")
    ollama.will_write(BUILT, " [1] It is painted pink.")
    here.ask_and_wait()
    here.tab.locator("#chat a.cite").click()
    expect(here.tab.locator("#quote")).to_be_visible()
    here.picture("dark")
    bright = here.tab.evaluate(
        """() => [...document.querySelectorAll('body, body *')].filter(one => {
             const box = one.getBoundingClientRect();
             if (box.width * box.height < 2000) return false;
             const color = getComputedStyle(one).backgroundColor.match(/[\\d.]+/g).map(Number);
             return (color[3] ?? 1) > 0.1 && Math.min(...color.slice(0, 3)) > 180;
           }).map(one => one.outerHTML.slice(0, 120))"""
    )
    assert bright == []
