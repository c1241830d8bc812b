"""PDF: pages as spans, the outline as headings, and everything that can be wrong with one."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from loading_files import Bookmark, pdf_file, read, refusal

from ingest.index.documents import Document
from ingest.loading import ocr

WORDS = st.text("aAb -", max_size=8).map(str.strip)


def outline(document: Document) -> list[tuple[int, str]]:
    return [(heading.level, heading.title) for heading in document.headings]


def test_pages_are_spans_of_the_text() -> None:
    document = read("a.pdf", pdf_file("first page\nsecond line", "", "third page"))
    assert document.kind == "pdf"
    assert document.text == "first page\nsecond line\n\n\n\nthird page"
    spans = [(page.number, document.text[page.start : page.end]) for page in document.pages]
    assert spans == [(1, "first page\nsecond line"), (2, ""), (3, "third page")]
    assert document.page_at(document.text.index("third")) == 3


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(WORDS, max_size=4).map("\n".join), min_size=1, max_size=3),
    st.lists(st.tuples(st.just(0), WORDS.filter(bool), st.integers(1, 4)), max_size=4),
)
def test_pages_and_headings_are_spans_in_order(pages: list[str], marks: list[Bookmark]) -> None:
    document = read("a.pdf", pdf_file("x", *pages, outline=marks))
    assert "\n\n".join(document.text[p.start : p.end] for p in document.pages) == document.text
    assert [page.number for page in document.pages] == list(range(1, len(pages) + 2))
    starts = [heading.start for heading in document.headings]
    assert starts == sorted(set(starts))
    for heading in document.headings:
        assert heading.title == " ".join(document.text[heading.start : heading.end].split())


def test_a_word_broken_at_the_end_of_a_line_is_joined() -> None:
    text = read("a.pdf", pdf_file("a long exam-\nple of COVID-\n19 cases")).text
    assert text == "a long example of COVID-19 cases"


def test_the_outline_becomes_headings() -> None:
    marks = [(0, "Bees", 1), (1, "Honey Bees", 1), (0, "Wasps", 2)]
    pages = ["Bees\nBees fly.\nHoney Bees\nThey dance.", "Wasps\ntext"]
    document = read("a.pdf", pdf_file(*pages, outline=marks))
    assert outline(document) == [(1, "Bees"), (2, "Honey Bees"), (1, "Wasps")]
    for heading in document.headings:
        assert document.text[heading.start : heading.end] == heading.title
    assert document.heading_path_at(document.text.index("dance")) == ("Bees", "Honey Bees")


def test_titles_are_found_across_white_space_case_and_numbers() -> None:
    page = "see the introduction\n2.1 INTRO\nDUCTION\nMethods used\nunlike Results"
    titles = ["Introduction", "methods", "Results", "Nowhere"]
    document = read("a.pdf", pdf_file(page, outline=[(0, title, 1) for title in titles]))
    assert outline(document) == [(1, "INTRO DUCTION"), (1, "Methods")]
    first = document.headings[0]
    assert document.text[first.start : first.end] == "INTRO\nDUCTION"


def test_a_protected_pdf_is_refused() -> None:
    error = refusal("x.pdf", pdf_file("words", password="secret"))
    assert str(error) == (
        "x.pdf is protected by a password. Save a copy without the password and add that."
    )
    assert error.__cause__ is not None


def test_a_scan_is_refused_without_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "program", lambda: None)
    error = refusal("scan.pdf", pdf_file(*[""] * 12))
    assert error.what == "scan.pdf: no text on 12 of 12 pages, and OCR is not installed."
    assert "tesseract-ocr" in error.next_step


@pytest.mark.parametrize("data", [b"%PDF-", b"%PDF-1.7\nwords", b"%PDF-1.4\n" + bytes(2_000)])
def test_a_broken_pdf_is_refused(data: bytes) -> None:
    error = refusal("x.pdf", data)
    assert error.what == "x.pdf is damaged, or is not a PDF."
    assert error.__cause__ is not None


def test_binary_that_is_called_pdf_is_refused() -> None:
    assert refusal("x.pdf", bytes(range(256)) * 20).what == "x.pdf is damaged, or is not a PDF."


def test_a_truncated_pdf_is_refused() -> None:
    data = pdf_file("words", "more words")
    assert refusal("x.pdf", data[:200]).__cause__ is not None


def test_threads_may_load_at_the_same_time() -> None:
    data = pdf_file(*[f"page {number}" for number in range(20)])
    with ThreadPoolExecutor(4) as pool:
        texts = set(pool.map(lambda _: read("a.pdf", data).text, range(12)))
    assert texts == {"\n\n".join(f"page {number}" for number in range(20))}


def test_a_broken_page_spoils_no_other() -> None:
    data = pdf_file("one", "two", "three")
    kids = re.search(rb"/Kids \[(\d+) 0 R\s(\d+)", data)
    assert kids
    data = data[: kids.start(2)] + b"1" * len(kids[2]) + data[kids.end(2) :]
    document = read("a.pdf", data)
    pages = [document.text[page.start : page.end] for page in document.pages]
    assert sorted(pages) == ["", "one", "three"]


def test_an_outline_of_very_many_entries_is_read_in_time() -> None:
    marks = [(0, "a", 1)] * 3_000
    document = read("a.pdf", pdf_file("a" * 90 + " a\n" + "a " * 40, outline=marks))
    assert len(document.headings) == 1


def set_in(*lines: tuple[int, str]) -> bytes:
    """Build a PDF of lines in these sizes."""
    made = FPDF()
    made.add_page()
    for size, line in lines:
        made.set_font("helvetica", size=size)
        made.cell(text=line, h=10, new_x="LMARGIN", new_y="NEXT")
    return bytes(made.output())


TEXT = (11, "a line of the text that is longer than the titles")


def test_without_an_outline_larger_lines_are_headings() -> None:
    lines = [(22, "Bees and"), (22, "their homes"), TEXT, (16, "1. Hives"), *[TEXT] * 9]
    document = read("a.pdf", set_in(*lines, (16, "2. Trees"), *[TEXT] * 9, (12, "No title")))
    assert outline(document) == [(1, "Bees and their homes"), (2, "1. Hives"), (2, "2. Trees")]
    for heading in document.headings:
        found = document.text[heading.start : heading.end]
        assert " ".join(found.split()) == heading.title


@pytest.mark.parametrize(
    "title",
    ["x" * 151, "17", "Contents . . . . . . 4", "ada@example.org", "f(x) = {a} + [b]", "- - -"],
)
def test_larger_lines_that_are_no_headings(title: str) -> None:
    assert read("a.pdf", set_in(*[TEXT] * 20, (14, title))).headings == ()


def test_where_most_lines_are_large_size_says_nothing() -> None:
    lines = [(18, f"Word {letter}") for letter in "abcdefghij"]
    mixed = [line for title in lines for line in (title, TEXT)]
    assert read("a.pdf", set_in(*mixed)).headings == ()
