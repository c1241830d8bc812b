"""How quick the page feels, measured in chromium: `python bench/page.py`.

Serves the example documents in a process of its own with a scripted model in Ollama's place
(the test suite's), and reports medians over fresh browser profiles (nothing cached):

- visible: from the request to the first paint, and until one can type;
- source: from the click on a number to the highlighted sentence, and to the page's picture;
- typing: the longest and the median time from a key to the next frame while an answer is
  written at 50 words a second.
"""

import argparse
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from fake_ollama import FakeOllama  # noqa: E402  (the test suite's folder comes first)

from bench.serving import serving  # noqa: E402

CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SENTENCE = "4.2 At no review may the Rent rise by more than 12 per cent"
QUESTION = "How much may the rent rise at a review?"

FROM_CLICK = """selector => new Promise((resolve) => {
  const cite = document.querySelector("#chat a.cite");
  const began = performance.now();
  const look = () => {
    const found = document.querySelector(selector);
    if (found && (found.tagName !== "IMG" || (found.complete && found.naturalWidth))) {
      resolve(performance.now() - began);
    } else requestAnimationFrame(look);
  };
  cite.click();
  look();
})"""
TYPING = """() => {
  window.lags = [];
  document.querySelector("#question textarea").addEventListener("keydown", (event) => {
    requestAnimationFrame(() => window.lags.push(performance.now() - event.timeStamp));
  });
}"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with FakeOllama() as ollama, serving(ollama.address) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        opened(browser, url)
        visible = [opened(browser, url) for _ in range(rounds)]
        sources = [source(browser, url, ollama) for _ in range(rounds)]
        lags = typing(browser, url, ollama)
        browser.close()
    show("first paint", [first for first, _ in visible])
    show("ready to type", [ready for _, ready in visible])
    show("click to highlighted source", [text for text, _ in sources])
    show("click to the page's picture", [picture for _, picture in sources])
    show("key to frame while an answer streams", lags)


def show(name: str, seconds: list[float]) -> None:
    """Print the median and the slowest of some times."""
    print(f"{name:40} median {statistics.median(seconds):6.0f} ms   slowest {max(seconds):6.0f} ms")


def opened(browser: Browser, url: str) -> tuple[float, float]:
    """Return (first paint, ready to type) in ms since the request, in a fresh profile."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(url, wait_until="commit")
    page.locator("#early textarea, #question textarea").first.wait_for()
    ready: float = page.evaluate("performance.now()")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    paint: float = page.evaluate(
        "performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    context.close()
    return paint, ready


def source(browser: Browser, url: str, ollama: FakeOllama) -> tuple[float, float]:
    """Return (sentence, picture) in ms since the click on the answer's number."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    asked(page, url, ollama, SENTENCE + ". [1]")
    page.locator("#chat a.cite").first.wait_for()
    page.locator("#chat .copy").first.wait_for()
    page.wait_for_timeout(500)
    text: float = page.evaluate(FROM_CLICK, "#quote")
    picture: float = page.evaluate(FROM_CLICK, ".page-picture img")
    context.close()
    return text, picture


def typing(browser: Browser, url: str, ollama: FakeOllama) -> list[float]:
    """Return the time from each key to the next frame, in ms, while an answer streams."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    asked(page, url, ollama, *(f"word{number} " for number in range(300)), delay=0.02)
    page.get_by_text("word5").first.wait_for()
    page.evaluate(TYPING)
    page.locator("#question textarea").press_sequentially("the next question " * 3, delay=60)
    lags: list[float] = page.evaluate("window.lags")
    context.close()
    return lags


def asked(page: Page, url: str, ollama: FakeOllama, *pieces: str, delay: float = 0.0) -> None:
    """Open the page and ask; the model writes these pieces."""
    page.goto(url)
    page.locator("body.ready").wait_for()
    ollama.will_write(*pieces, delay=delay)
    page.locator("#question textarea").fill(QUESTION)
    page.keyboard.press("Enter")


if __name__ == "__main__":
    main()
