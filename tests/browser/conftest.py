"""Chromium, tabs on the running page, and a document with an answer."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from serving import Page
from visiting import ARGUMENTS, TOWER, WIDE, Visit, Visiting


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


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
