"""Files and folders dropped on the page, as the operating system hands them over."""

from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from playwright.sync_api import expect
from visiting import HARBOUR, TOWER, Visit, Visiting

pytestmark = pytest.mark.browser


def test_files_and_a_folder_are_added_where_they_are_dropped(
    visit: Visiting, ollama: FakeOllama, tmp_path: Path
) -> None:
    (tmp_path / "tower.md").write_text(TOWER)
    folder = tmp_path / "reports"
    (folder / "2024").mkdir(parents=True)
    (folder / "2024" / "harbour.txt").write_text(HARBOUR)
    (folder / ".hidden.txt").write_text("Not for you.")
    here = visit()
    with drag(here, [tmp_path / "tower.md", folder]) as dragging:
        dragging("dragEnter")
        expect(here.tab.locator("#drop")).to_be_visible()
        here.picture("drop")
        dragging("dragOver")
        dragging("drop")
    expect(here.tab.locator("#drop")).to_be_hidden()
    for name in ("tower.md", "reports/2024/harbour.txt"):
        expect(here.row(name).locator(".state")).to_have_text("ready", timeout=60_000)
    expect(here.documents()).to_have_count(2)


def test_text_that_is_dragged_adds_nothing(visit: Visiting, ollama: FakeOllama) -> None:
    here = visit()
    with drag(here, [], text="some words") as dragging:
        dragging("dragEnter")
        expect(here.tab.locator("#drop")).to_be_hidden()
        dragging("drop")
    assert here.errors == []


class drag:  # noqa: N801  reads as what a person does
    """A drag over the middle of the page; call it with what happens next."""

    def __init__(self, here: Visit, paths: list[Path], text: str = "") -> None:
        self._session = here.tab.context.new_cdp_session(here.tab)
        items = [{"mimeType": "text/plain", "data": text}] if text else []
        self._data = {
            "items": items,
            "files": [str(path) for path in paths],
            "dragOperationsMask": 1,
        }

    def __call__(self, what: str) -> None:
        event = {"type": what, "x": 720, "y": 400, "data": self._data}
        self._session.send("Input.dispatchDragEvent", event)

    def __enter__(self) -> "drag":
        return self

    def __exit__(self, *_: object) -> None:
        self._session.detach()
