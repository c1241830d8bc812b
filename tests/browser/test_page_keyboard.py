"""The page without a mouse, and as assistive technology has it (axe-core)."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from visiting import BUILT, NARROW, Visit, Visiting

pytestmark = pytest.mark.browser

AXE = "4.11.0"
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="module")
def axe() -> str:
    """The program text of axe-core, from the npm registry, kept beside the tests' own files."""
    folder = Path(tempfile.gettempdir(), f"footnote-axe-{AXE}")
    script = folder / "axe.min.js"
    if not script.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("npm is not installed")
        folder.mkdir(exist_ok=True)
        command = [npm, "pack", f"axe-core@{AXE}", "--silent", "--pack-destination", str(folder)]
        if subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode:
            pytest.skip("the npm registry cannot be reached")
        with tarfile.open(folder / f"axe-core-{AXE}.tgz") as packed:
            member = packed.extractfile("package/axe.min.js")
            assert member is not None
            script.write_bytes(member.read())
    return script.read_text("utf-8")


def require_no_serious_fault(here: Visit, axe: str) -> None:
    here.tab.evaluate(axe)
    found: list[dict[str, Any]] = here.tab.evaluate("axe.run().then(found => found.violations)")
    faults = [
        (fault["id"], node["target"], node["failureSummary"])
        for fault in found
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
    assert faults == []


def test_numbers_are_walked_through_with_the_arrows(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ollama.will_write(BUILT, " [1] Its lamp burned oil until 1934. [1]")
    here.ask_and_wait()
    expect(here.tab.locator("#sources .cite-card")).to_have_count(2)
    here.tab.locator("#chat a.cite").first.focus()
    expect(here.tab.locator("#hover-card")).to_contain_text("tower.md")
    here.tab.keyboard.press("Enter")
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    here.tab.keyboard.press("ArrowRight")
    expect(here.tab.locator("#quote")).to_have_text("Its lamp burned oil until 1934.")
    here.tab.keyboard.press("ArrowLeft")
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    here.tab.keyboard.press("/")
    expect(here.tab.locator("#question textarea")).to_be_focused()


def test_escape_stops_an_answer(visit: Visiting, tower: Path, ollama: FakeOllama) -> None:
    here = visit()
    ollama.will_write(*(f"word{number} " for number in range(300)), delay=0.05)
    here.ask()
    expect(here.tab.locator("#chat")).to_contain_text("word3")
    here.tab.keyboard.press("Escape")
    expect(here.tab.locator("#chat")).to_contain_text("Stopped.")


def test_what_is_typed_while_an_answer_is_written_stays(
    visit: Visiting, tower: Path, ollama: FakeOllama
) -> None:
    here = visit()
    ollama.will_write(*(f"word{number} " for number in range(30)), delay=0.05)
    here.ask()
    expect(here.tab.locator("#chat")).to_contain_text("word3")
    here.tab.locator("#question textarea").press_sequentially("the next question", delay=20)
    expect(here.tab.locator("#chat")).to_contain_text("word29")
    expect(here.tab.locator("#send")).to_be_visible()
    expect(here.tab.locator("#question textarea")).to_have_value("the next question")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(
    visit: Visiting, tower: Path, ollama: FakeOllama, axe: str, scheme: str
) -> None:
    here = visit(color_scheme=scheme)
    require_no_serious_fault(here, axe)
    ollama.will_write(BUILT, " [1] It is painted pink.")
    here.ask_and_wait()
    here.tab.locator("#chat a.cite").click()
    expect(here.tab.locator("#quote")).to_be_visible()
    here.tab.get_by_text("What the model saw").click()
    expect(here.tab.locator(".seen-body li")).to_have_count(1)
    require_no_serious_fault(here, axe)
    here.documents().first.wait_for()
    require_no_serious_fault(here, axe)
    here.row("tower.md").get_by_role("button", name="tower.md", exact=True).click()
    expect(here.tab.locator(".reading .heading")).to_be_visible()
    require_no_serious_fault(here, axe)


def test_axe_finds_no_serious_fault_on_a_phone(visit: Visiting, tower: Path, axe: str) -> None:
    here = visit(NARROW, has_touch=True, is_mobile=True)
    require_no_serious_fault(here, axe)
    here.tab.get_by_role("button", name="Conversations and documents").tap()
    here.tab.wait_for_timeout(250)
    require_no_serious_fault(here, axe)
