"""What is done with an answer: asked for by a suggestion, copied, rated; and what it cannot do."""

from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from serving import Page
from visiting import BUILT, EACH_SCREEN, HARBOUR, TOWER, Visiting

pytestmark = pytest.mark.browser


@EACH_SCREEN
def test_a_suggestion_from_a_heading_is_asked_with_a_click(
    viewport: dict[str, int], visit: Visiting, page: Page, tmp_path: Path, ollama: FakeOllama
) -> None:
    path = tmp_path / "coast.md"
    path.write_text(f"{TOWER}\n## Salted herring\n\n{HARBOUR}\n")
    page.add(path)
    here = visit(viewport)
    offered = here.tab.locator("#welcome").get_by_role("button", name="“Salted herring”?")
    expect(offered).to_be_visible()
    here.picture(f"suggestions-{viewport['width']}")
    ollama.will_write("The harbour of Arnholm exports salted herring. [1]")
    offered.click()
    expect(here.tab.locator("#chat .copy")).to_have_count(1)
    expect(here.tab.locator("#chat .user.message")).to_contain_text("Salted herring")
    assert "exports salted herring" in here.answer
    expect(offered).to_be_hidden()


@EACH_SCREEN
def test_sentences_that_rest_on_one_span_share_its_card(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    other = "Its lamp burned oil until 1934."
    ollama.will_write(f"{BUILT} [1] {other} [1] Clara Veit built the lighthouse in 1871. [1]")
    here.ask_and_wait()
    cards = here.tab.locator("#sources .cite-card")
    expect(here.tab.locator("#chat a.cite")).to_have_count(3)
    expect(cards).to_have_count(2)
    here.show_sources()
    cards.first.hover()
    expect(here.tab.locator("#chat .said.lit")).to_have_count(2)
    here.hide_drawer()
    here.tab.locator("#chat .said").last.hover()
    expect(here.tab.locator("#sources .cite-card.lit")).to_have_count(1)
    here.tab.locator("#chat a.cite").last.click()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    expect(cards).to_have_count(1)
    expect(cards).to_contain_text(other)


@EACH_SCREEN
def test_an_answer_is_copied_with_its_sources(
    viewport: dict[str, int], visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport, permissions=["clipboard-read", "clipboard-write"])
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    here.tab.get_by_role("button", name="Copy").click()
    expect(here.tab.get_by_text("Copied with its sources.")).to_be_visible()
    copied = here.tab.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(BUILT)
    assert "tower.md" in copied


@EACH_SCREEN
def test_a_rating_is_kept_with_its_reason(
    viewport: dict[str, int], visit: Visiting, page: Page, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    ollama.will_write("It was built in 1999. [1]")
    here.ask_and_wait()
    here.tab.get_by_role("button", name="Bad answer").click()
    here.tab.get_by_label("Why", exact=True).fill("The year is wrong")
    here.tab.keyboard.press("Enter")
    expect(here.tab.get_by_text("Kept: The year is wrong")).to_be_visible()
    here.require_no_overflow()
    [person] = [one["value"] for one in here.tab.context.cookies()]
    conversation = page.services.conversations.get(person, here.tab.url.rpartition("=")[2])
    assert conversation is not None
    assert (conversation.turns[0].rating, conversation.turns[0].remark) == (
        "down",
        "The year is wrong",
    )


def test_the_page_may_not_call_other_machines(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    refused = here.tab.evaluate(
        """() => new Promise((resolve) => {
             const refused = [];
             document.addEventListener("securitypolicyviolation", (event) => {
               refused.push(event.effectiveDirective);
               if (refused.length === 3) resolve(refused.sort());
             });
             fetch("http://192.0.2.1/").catch(() => null);
             document.body.append(Object.assign(new Image(), { src: "http://192.0.2.1/a.png" }));
             const form = document.createElement("form");
             form.action = "http://192.0.2.1/";
             document.body.append(form);
             form.submit();
           })"""
    )
    assert refused == ["connect-src", "form-action", "img-src"]
