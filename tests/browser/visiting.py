"""A tab on the running page in chromium, as a person has it in front of them.

With FOOTNOTE_SCREENSHOTS=folder, pictures of the page are kept there.
"""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Locator, Request, expect
from playwright.sync_api import Page as Tab

PICTURES = os.environ.get("FOOTNOTE_SCREENSHOTS")
ARGUMENTS = """--no-sandbox --disable-gpu --disable-quic --no-first-run
--disable-background-networking --disable-component-update --disable-sync""".split()
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
EACH_SCREEN = pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])

QUESTION = "Who built the lighthouse of Arnholm?"

BUILT = "The lighthouse of Arnholm was built in 1871 by Clara Veit."
TOWER = f"""# Lighthouse

The town has one tower. {BUILT} Its lamp burned oil until 1934.
"""
HARBOUR = "The harbour of Arnholm exports salted herring. Its cranes were bought in Lisbon."
ATTACK = (
    "<script>window.hacked = 1</script> <img src=x onerror='window.hacked = 2'> "
    "<img src='http://example.com/a.png'> ![pixel](http://example.com/b.png) "
    "[click](http://example.com/c) [run](javascript:window.hacked=3) "
    "<a href='http://example.com/d'>leave</a> <form action='http://example.com'></form> "
    "http://example.com/e www.example.com/f thief@example.com [ref][there]\n\n"
    "[there]: http://example.com/g\n\n"
)


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
        self.ready()

    def ready(self) -> None:
        """Wait until the page takes questions."""
        expect(self.tab.locator("body.ready #question textarea")).to_be_visible()

    def reload(self) -> None:
        self.tab.reload()
        self.ready()

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
        ended = self.tab.locator("#chat .retry")
        before = ended.count()
        self.ask(question)
        expect(ended).to_have_count(before + 1)
        expect(self.tab.locator("#send")).to_be_visible()

    def open_left(self) -> None:
        """Bring conversations and collections into sight, where they are a drawer."""
        self._open("left", "Conversations and documents")

    def show_sources(self) -> None:
        """Bring the sources into sight, where they are a drawer."""
        self._open("right", "Sources")

    def _open(self, drawer: str, name: str) -> None:
        # Only a narrow screen has the button. A drawer that closes is in sight for a while yet.
        button = self.tab.get_by_role("button", name=name, exact=True)
        if button.is_visible() and not self.tab.locator(f"body[data-drawer={drawer}]").count():
            button.click()

    def hide_drawer(self) -> None:
        """Close what lies over the chat on a narrow screen."""
        if self.tab.locator("body[data-drawer]").count():
            self.tab.keyboard.press("Escape")
            expect(self.tab.locator("body[data-drawer]")).to_have_count(0)

    def documents(self) -> Locator:
        """Open the list of documents and return its rows."""
        if self.tab.locator("#view.view-documents").count() == 0:
            self.open_left()
            self.tab.locator("#documents .counts .link").first.click()
        return self.tab.locator("#view .rows .row")

    def row(self, name: str) -> Locator:
        return self.documents().filter(has=self.tab.locator(f".name bdi:text-is('{name}')"))

    def upload(self, *paths: Path) -> None:
        self.open_left()
        with self.tab.expect_file_chooser() as chooser:
            self.tab.locator("#documents").get_by_role("button", name="Add files").click()
        chooser.value.set_files(list(paths))

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
"""A function (viewport=WIDE, **options of a context) to a new tab on the page."""
