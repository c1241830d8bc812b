"""Takes the pictures in docs/images from the real page: `make screenshots`.

Starts `assistant serve` with the example documents in a new data folder and drives it in
Debian's chromium. No chat model is running then, so the answers are quotes.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
QUESTION = "How much may the rent rise at a review?"
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Take every picture anew."""
    IMAGES.mkdir(exist_ok=True)
    with serving() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        for name, width, height, scheme, steps in PICTURES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                device_scale_factor=1.5,
            )
            page = context.new_page()
            page.goto(url)
            page.locator("body.ready").wait_for()
            steps(page)
            page.wait_for_timeout(600)
            page.screenshot(path=IMAGES / f"{name}.png")
            context.close()
        browser.close()


def welcome(page: Page) -> None:
    """Show the first questions."""
    page.locator(".suggestions li").first.wait_for()


def answered(page: Page) -> None:
    """Ask, and open the first source with its page."""
    page.locator("#question textarea").fill(QUESTION)
    page.keyboard.press("Enter")
    page.locator("#chat a.cite").first.click()
    page.locator("#quote").wait_for()
    page.locator(".boxes i").first.wait_for()
    page.mouse.move(700, 600)


def documents(page: Page) -> None:
    """Show the list of documents."""
    page.locator("#documents .counts .link").first.click()
    page.locator("#view .rows .row").first.wait_for()


def reader(page: Page) -> None:
    """Read the source of an answer in full."""
    answered(page)
    page.get_by_role("button", name="Read in full").click()
    page.locator(".reading .block").first.wait_for()


def picture_map(page: Page) -> None:
    """Ask, and show where question and passages stand."""
    answered(page)
    page.get_by_role("button", name="Map", exact=True).click()
    page.locator(".legend li").first.wait_for()


Steps = Callable[[Page], None]
PICTURES: list[tuple[str, int, int, str, Steps]] = [
    ("page", 1440, 900, "light", answered),
    ("page-dark", 1440, 900, "dark", answered),
    ("page-narrow", 390, 780, "light", answered),
    ("welcome", 1440, 900, "light", welcome),
    ("documents", 1440, 700, "light", documents),
    ("reader", 1440, 900, "light", reader),
    ("map", 1440, 900, "light", picture_map),
]
"""Name, width, height, colours, and what is done before the picture is taken."""


@contextmanager
def serving() -> Iterator[str]:
    """Run the page on the examples and yield its address once everything is indexed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FOOTNOTE_DATA_DIR": folder,
            "FOOTNOTE_PORT": str(port),
            "OLLAMA_HOST": "127.0.0.1:9",
        }
        command = [sys.executable, "-m", "assistant", "serve", "--examples", "examples/documents"]
        with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
            try:
                wait_until_ready(url, folder)
                yield url
            finally:
                process.send_signal(signal.SIGINT)


def wait_until_ready(url: str, folder: str) -> None:
    """Return once the page answers and no example is queued or running."""
    environment = {**os.environ, "FOOTNOTE_DATA_DIR": folder}
    listing = [sys.executable, "-m", "ingest", "status"]
    for _ in range(120):
        time.sleep(1)
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
        except OSError:
            continue
        status = subprocess.run(
            listing, env=environment, capture_output=True, text=True, check=False
        )
        if status.stdout.startswith("0 queued, 0 running, 5 ready"):
            return
    raise SystemExit("The examples were not indexed within two minutes.")


if __name__ == "__main__":
    main()
