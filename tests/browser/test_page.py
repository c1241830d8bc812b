"""The page in chromium, as a person has it in front of them.

With FOOTNOTE_SCREENSHOTS=folder, pictures of the page are kept there.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Request, expect, sync_playwright
from playwright.sync_api import Page as Tab
from serving import Page, until

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("FOOTNOTE_SCREENSHOTS")
ARGUMENTS = """--no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync""".split()
WIDE = {"width": 1400, "height": 900}
NARROW = {"width": 390, "height": 844}

BUILT = "The lighthouse of Arnholm was built in 1871 by Clara Veit."
TOWER = f"""# Lighthouse

The town has one tower. {BUILT} Its lamp burned oil until 1934.
"""
HARBOUR = "The harbour of Arnholm exports salted herring. Its cranes were bought in Lisbon."
QUESTION = "Who built the lighthouse of Arnholm?"
ATTACK = (
    "<script>window.hacked = 1</script> <img src=x onerror='window.hacked = 2'> "
    "<img src='http://example.com/a.png'> ![pixel](http://example.com/b.png) "
    "[click](http://example.com/c) [run](javascript:window.hacked=3) "
    "<a href='http://example.com/d'>leave</a> <form action='http://example.com'></form> "
    "http://example.com/e www.example.com/f thief@example.com [ref][there]\n\n"
    "[there]: http://example.com/g\n\n"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """A tab on the page, and the requests and console errors that it makes."""

    def __init__(self, tab: Tab, url: str) -> None:
        self.tab = tab
        self.url = url
        self.requests: list[str] = []
        self.errors: list[str] = []
        tab.set_default_timeout(15_000)
        tab.on("request", self._requested)
        tab.on("console", self._said)
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.goto(url)
        expect(tab.locator("#question textarea")).to_be_visible()
        tab.wait_for_function("document.querySelectorAll('.drawer-button').length == 2")

    def _requested(self, request: Request) -> None:
        self.requests.append(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    @property
    def answer(self) -> str:
        """The text of the last answer."""
        return self.tab.locator("#chat .bot.message").last.inner_text()

    def ask(self, question: str = QUESTION) -> None:
        self.tab.fill("#question textarea", question)
        self.tab.keyboard.press("Enter")

    def ask_and_wait(self, question: str = QUESTION) -> None:
        """Ask, and wait for the end of the answer."""
        before = self.tab.locator("#chat .bot.message").count()
        self.ask(question)
        expect(self.tab.locator("#chat .bot.message")).to_have_count(before + 1)
        expect(self.tab.locator("#send")).to_be_visible()
        expect(self.tab.locator("#chat .stage")).to_have_count(0)

    def row(self, name: str) -> str:
        return f"ul.documents li:has(.name:text-is('{name}'))"

    def upload(self, *paths: Path) -> None:
        self.tab.set_input_files("#upload input[type=file]", list(paths))

    def picture(self, name: str) -> bytes:
        if not PICTURES:
            return self.tab.screenshot()
        return self.tab.screenshot(path=Path(PICTURES, f"{name}.png"))

    def require_no_overflow(self) -> None:
        width, inner = self.tab.evaluate(
            "[document.documentElement.scrollWidth, window.innerWidth]"
        )
        assert width <= inner

    def require_own_requests(self) -> None:
        own = urlsplit(self.url).netloc
        for url in self.requests:
            parts = urlsplit(url)
            assert parts.scheme in ("data", "blob") or parts.netloc == own, url


Visiting = Callable[..., Visit]


@pytest.fixture
def visit(page: Page, chromium: Browser) -> Iterator[Visiting]:
    """Return a function (viewport=WIDE, **options of a context) to a new tab on the page."""
    contexts = []

    def visiting(viewport: dict[str, int] = WIDE, **options: object) -> Visit:
        context = chromium.new_context(viewport=viewport, **options)
        contexts.append(context)
        return Visit(context.new_page(), page.url)

    yield visiting
    for context in contexts:
        context.close()


@pytest.fixture
def tower(page: Page, tmp_path: Path) -> Path:
    """A file with the answer, already in the index."""
    path = tmp_path / "tower.md"
    path.write_text(TOWER)
    page.add(path)
    return path


# -- documents --------------------------------------------------------------------------------


def test_from_a_file_to_the_highlighted_sentence(
    visit: Visiting, tmp_path: Path, ollama: FakeOllama
) -> None:
    here = visit()
    expect(here.tab.locator("#documents")).to_contain_text("No documents yet.")
    here.picture("empty")
    path = tmp_path / "tower.md"
    path.write_text(TOWER)
    here.upload(path)
    expect(here.tab.locator(here.row("tower.md"))).to_have_class("ready")
    expect(here.tab.locator(here.row("tower.md"))).to_contain_text("1 passage")

    ollama.will_write(BUILT, " [1] It is painted pink.")
    here.ask_and_wait()
    assert BUILT in here.answer
    assert "1 of 2 sentences supported" in here.answer
    expect(here.tab.locator("#chat .uncited")).to_have_text("It is painted pink.")
    expect(here.tab.locator("#sources")).to_contain_text("tower.md")
    here.picture("answer")

    cite = here.tab.locator("#chat a.cite")
    expect(cite).to_have_text("1")
    assert "tower.md" in (cite.get_attribute("title") or "")
    cite.click()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    expect(here.tab.locator("#sources .opened")).to_contain_text("Its lamp burned oil until 1934.")
    assert here.tab.locator("#quote").bounding_box() is not None
    here.picture("source")
    here.require_no_overflow()
    here.require_own_requests()
    assert here.errors == []


def test_files_at_once_and_one_that_fails_with_its_reason(visit: Visiting, tmp_path: Path) -> None:
    here = visit()
    contents = {"tower.md": TOWER, "harbour.txt": HARBOUR, "empty.txt": ""}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    here.upload(*(tmp_path / name for name in contents))
    for name in ("tower.md", "harbour.txt"):
        expect(here.tab.locator(here.row(name))).to_have_class("ready")
    failed = here.tab.locator(here.row("empty.txt"))
    expect(failed).to_have_class("failed")
    expect(failed).to_contain_text("empty.txt is empty. Add a file that has text in it.")
    expect(here.tab.locator("#documents .counts")).to_have_text("3 documents · 1 failed")
    here.picture("failed")


def test_removing_asks_first(visit: Visiting, page: Page, tower: Path) -> None:
    here = visit()
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    row = here.tab.locator(here.row("tower.md"))
    here.tab.once("dialog", refuse)
    row.get_by_role("button", name="Remove tower.md").click()
    until(lambda: here.tab.wait_for_timeout(50) or asked)
    assert "tower.md" in asked[0]
    expect(row).to_be_visible()
    assert page.index.catalogue.documents()
    here.tab.once("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button", name="Remove tower.md").click()
    expect(row).to_have_count(0)
    assert page.index.catalogue.documents() == []


# -- answers ----------------------------------------------------------------------------------


def test_text_grows_while_it_is_written(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit()
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


def test_stop_keeps_what_is_there_and_hangs_up(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
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
    assert "The answer was cut: llama3.2:latest stopped after 3 words" in here.answer
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


def test_tabs_have_conversations_of_their_own(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    one, other = visit(), visit()
    ollama.will_write("Only for the first tab. [1]")
    one.ask_and_wait()
    assert other.tab.locator("#chat .message").count() == 0
    other.ask_and_wait("When did the lamp burn oil?")
    assert "Only for the first tab" not in other.tab.locator("#chat").inner_text()
    assert "Only for the first tab" not in str(ollama.chats[1].body)
    assert one.tab.locator("#chat .bot.message").count() == 1


# -- what is not trusted ----------------------------------------------------------------------


def test_a_poisoned_document_is_only_text(
    visit: Visiting, tmp_path: Path, page: Page, no_ollama: int
) -> None:
    poisoned = tmp_path / "<img src=x onerror=alert(1)>.txt"
    poisoned.write_text(f"The harbour of Arnholm {ATTACK} exports herring.")
    page.add(poisoned)
    here = visit()
    expect(here.tab.locator("#documents .name")).to_have_text(poisoned.name)
    here.ask_and_wait("What does the harbour of Arnholm export?")
    require_harmless(here)
    here.tab.locator("#chat a.cite").first.click()
    expect(here.tab.locator("#quote")).to_be_visible()
    assert "<script>" in here.tab.locator("#sources").inner_text()
    here.picture("poisoned")
    require_harmless(here)


def test_a_poisoned_model_and_question_are_only_text(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ollama.will_write(*re.findall(r"\S+\s*", f"{ATTACK} {BUILT} [1]"), delay=0.02)
    here.ask_and_wait(f"Who built it? {ATTACK}")
    require_harmless(here)
    assert "<script>" in here.answer
    for words in ATTACK.split("\n\n", maxsplit=1)[0].split():
        assert words in here.answer
        assert words in here.tab.locator("#chat .user.message").inner_text()
    here.picture("poisoned-model")


def require_harmless(here: Visit) -> None:
    here.tab.wait_for_timeout(300)
    assert here.tab.evaluate("window.hacked") is None
    for inside in ("#chat .message", "#sources", "#documents"):
        for element in ("img[src^=http], img[src=x]", "script", "form", "a[href^=http]"):
            assert here.tab.locator(f"{inside} :is({element})").count() == 0
        links = here.tab.locator(f"{inside} a").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        assert all(link.startswith("#cite-") for link in links), links
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
    here.tab.get_by_role("button", name="Documents", exact=True).tap()
    expect(here.tab.locator(here.row("tower.md"))).to_be_visible()
    here.tab.wait_for_timeout(250)
    here.picture("narrow-documents")
    here.tab.touchscreen.tap(380, 400)
    expect(here.tab.locator("#left")).not_to_be_visible()

    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    here.require_no_overflow()
    here.picture("narrow-answer")
    here.tab.locator("#chat a.cite").tap()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    expect(here.tab.locator("#quote")).to_be_in_viewport()
    here.tab.wait_for_timeout(250)
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
