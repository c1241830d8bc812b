"""The program as a person starts it: what survives its end, and what it never calls."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import Browser, expect
from serving import free_port
from visiting import BUILT, EACH_SCREEN, QUESTION, TOWER, WIDE, Visit

pytestmark = pytest.mark.browser

WATCHED = """
import ipaddress, sys

def watch(event, arguments):
    if event == "socket.connect":
        host = arguments[1][0] if isinstance(arguments[1], tuple) else "localhost"
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    try:
        if host in (None, "", "localhost") or ipaddress.ip_address(host).is_loopback:
            return
    except ValueError:
        pass
    with open(%r, "a") as log:
        log.write(f"{event} {host}\\n")
    raise PermissionError(f"no way to {host}")

sys.addaudithook(watch)
"""
"""Runs in every process that the program starts: notes and refuses each way out."""

Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def url() -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Where the processes of the program note what they call outside this machine."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    log = tmp_path / "outside.log"
    (hooks / "sitecustomize.py").write_text(WATCHED % str(log))
    return log


@pytest.fixture
def start(tmp_path: Path, url: str, outside: Path, ollama: FakeOllama) -> Iterator[Start]:
    """Return a function that starts the program on one data folder and one port."""
    running = []

    def starting() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "assistant", "serve"],
            env={
                **os.environ,
                "FOOTNOTE_DATA_DIR": str(tmp_path / "data"),
                "FOOTNOTE_PORT": url.rpartition(":")[2],
                "PYTHONPATH": os.pathsep.join([str(outside.parent / "hooks"), *sys.path]),
            },
            stdout=subprocess.PIPE,
        )
        running.append(process)
        assert process.stdout is not None
        assert url.encode() in process.stdout.readline()
        return process

    yield starting
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.mark.timeout(240)
def test_a_conversation_comes_back_after_the_program_was_killed(
    start: Start, chromium: Browser, url: str, ollama: FakeOllama, tmp_path: Path
) -> None:
    process = start()
    (tmp_path / "tower.md").write_text(TOWER)
    with chromium.new_context(viewport=WIDE) as context:
        here = Visit(context.new_page(), url)
        _add(here, tmp_path / "tower.md")
        ollama.will_write(BUILT, " [1]")
        here.ask_and_wait()
        ollama.will_write("The tower ", *["of Arnholm "] * 200, delay=0.1)
        here.ask("What else is known?")
        expect(here.tab.locator("#chat .bot.message").last).to_contain_text("of Arnholm")
        # What grows is kept once a second.
        here.tab.wait_for_timeout(2500)
        process.kill()
        process.wait()
        start()
        here.reload()
        messages = here.tab.locator("#chat .bot.message")
        expect(messages).to_have_count(2)
        first, second = messages.all()
        expect(first).to_contain_text(BUILT)
        expect(second).to_contain_text("of Arnholm")
        first.locator("a.cite").first.click()
        expect(here.tab.locator("#quote")).to_contain_text("built in 1871")


@pytest.mark.timeout(240)
@EACH_SCREEN
def test_a_full_visit_leaves_this_machine_alone(
    start: Start,
    chromium: Browser,
    url: str,
    outside: Path,
    tmp_path: Path,
    *,
    viewport: dict[str, int],
) -> None:
    start()
    (tmp_path / "tower.md").write_text(TOWER)
    with chromium.new_context(viewport=viewport) as context:
        here = Visit(context.new_page(), url)
        _add(here, tmp_path / "tower.md")
        here.ask_and_wait(QUESTION)
        here.tab.locator("#chat a.cite").first.click()
        expect(here.tab.locator("#quote")).to_be_visible()
        here.hide_drawer()
        here.open_left()
        here.tab.get_by_role("button", name="Map", exact=True).click()
        expect(here.tab.locator("#view header")).to_contain_text("1 passage of 1 document")
        here.tab.keyboard.press("Escape")
        here.open_left()
        here.tab.get_by_role("button", name="Settings").click()
        here.tab.get_by_role("button", name="Done").click()
        here.require_own_requests()
    assert not outside.exists(), outside.read_text()


def test_the_watch_sees_a_way_out(outside: Path) -> None:
    script = "import socket; socket.create_connection(('192.0.2.1', 9), timeout=1)"
    environment = {**os.environ, "PYTHONPATH": str(outside.parent / "hooks")}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert b"no way to 192.0.2.1" in ran.stderr
    assert "192.0.2.1" in outside.read_text()


def _add(here: Visit, path: Path) -> None:
    """Add a file as a person does, and wait until it can be asked about."""
    here.upload(path)
    expect(here.row(path.name).locator(".state")).to_have_text("ready", timeout=90_000)
    here.tab.keyboard.press("Escape")
    expect(here.tab.locator("#view.view-documents")).to_have_count(0)
