"""The process that draws pages: what is hostile ends there, and the next page is drawn."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fpdf import FPDF

from assistant.ui import pdf_pages
from assistant.ui.pdf_pages import PdfPages
from ingest.index.errors import DocumentError


@pytest.fixture
def pages() -> Iterator[PdfPages]:
    with closing(PdfPages()) as opened:
        yield opened


@pytest.fixture
def good(tmp_path: Path) -> Path:
    paper = FPDF()
    paper.set_font("helvetica", size=14)
    paper.add_page()
    paper.cell(text="Some words.")
    path = tmp_path / "good.pdf"
    path.write_bytes(bytes(paper.output()))
    return path


def test_a_picture_is_drawn_once(pages: PdfPages, good: Path) -> None:
    first = pages.picture(good, 1, "good")
    assert first[:2] == b"\xff\xd8"
    good.unlink()
    assert pages.picture(good, 1, "good") is first


def test_a_broken_file_is_told_and_the_next_is_drawn(
    pages: PdfPages, good: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.7 nothing")
    with pytest.raises(DocumentError, match="cannot be drawn"):
        pages.picture(broken, 1, "broken")
    assert pages.picture(good, 1, "good")


def test_a_file_that_never_ends_is_given_up(
    pages: PdfPages, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = tmp_path / "endless.pdf"
    os.mkfifo(endless)
    monkeypatch.setattr(pdf_pages, "PAGE_SECONDS", 1.0)
    with pytest.raises(DocumentError, match="cannot be drawn"):
        pages.picture(endless, 1, "endless")
    monkeypatch.undo()
    assert pages.picture(good, 1, "good")


def test_the_process_ends_when_nothing_is_asked(
    pages: PdfPages, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_pages, "IDLE_SECONDS", 0.1)
    pages.picture(good, 1, "good")
    child = pages._child
    assert child is not None
    assert child.wait(timeout=5) != 0
