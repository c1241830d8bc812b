"""Documents on the page: adding, failing, moving, removing, choosing, reading."""

from pathlib import Path

import pytest
from fake_ollama import FakeOllama
from fpdf import FPDF
from playwright.sync_api import expect
from serving import Page, until
from visiting import BUILT, EACH_SCREEN, HARBOUR, TOWER, Visiting

pytestmark = pytest.mark.browser


@EACH_SCREEN
def test_from_a_file_to_the_highlighted_sentence(
    viewport: dict[str, int], visit: Visiting, tmp_path: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)
    expect(here.tab.locator("#welcome")).to_contain_text("Drop files or a folder")
    here.picture("empty")
    path = tmp_path / "tower.md"
    path.write_text(TOWER)
    here.upload(path)
    expect(here.row("tower.md")).to_contain_text("ready")
    here.tab.keyboard.press("Escape")

    ollama.will_write(BUILT, " [1] It is painted pink.")
    here.ask_and_wait()
    assert BUILT in here.answer
    assert "1 of 2 sentences supported" in here.answer
    expect(here.tab.locator("#chat .uncited, #chat .unsupported")).to_have_text(
        "It is painted pink."
    )
    here.show_sources()
    expect(here.tab.locator("#sources .cite-card")).to_contain_text("tower.md")
    here.picture("answer")
    here.hide_drawer()

    cite = here.tab.locator("#chat a.cite")
    expect(cite).to_have_text("1")
    assert "tower.md" in (cite.get_attribute("aria-label") or "")
    cite.click()
    expect(here.tab.locator("#quote")).to_have_text(BUILT)
    expect(here.tab.locator("#sources .opened")).to_contain_text("Its lamp burned oil until 1934.")
    expect(here.tab.locator("#quote")).to_be_in_viewport()
    here.picture("source")
    here.hide_drawer()
    here.tab.get_by_role("button", name="why?").click()
    expect(here.tab.locator("ol.verdicts li")).to_have_count(2)
    here.require_no_overflow()
    here.require_own_requests()
    assert here.errors == []


@EACH_SCREEN
def test_an_empty_page_offers_the_examples_where_there_are_some(
    viewport: dict[str, int],
    visit: Visiting,
    page: Page,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "Try the examples"
    here = visit(viewport)
    expect(here.tab.get_by_role("button", name="Add files").first).to_be_visible()
    expect(here.tab.get_by_role("button", name=name)).to_have_count(0)
    path = tmp_path / "tower.md"
    path.write_text(f"{TOWER}\n## Salted herring\n\n{HARBOUR}\n")
    monkeypatch.setattr(page.services, "add_examples", lambda: page.add(path, "examples"))
    here.reload()
    here.tab.get_by_role("button", name=name).click()
    expect(here.tab.locator("#welcome")).to_contain_text("“Salted herring”?")
    expect(here.tab.get_by_role("button", name=name)).to_have_count(0)
    here.require_no_overflow()


@EACH_SCREEN
def test_buttons_stay_in_place_while_documents_come_in(
    viewport: dict[str, int], visit: Visiting, page: Page, tower: Path, tmp_path: Path
) -> None:
    here = visit(viewport)
    here.open_left()
    counts = here.tab.locator("#documents .counts .link")
    map_button = here.tab.get_by_role("button", name="Map", exact=True)
    there = [button.element_handle() for button in (counts, map_button)]
    map_button.focus()
    other = tmp_path / "harbour.txt"
    other.write_text(HARBOUR)
    page.add(other)
    # The status is read again every few seconds, and what it changes is drawn anew.
    expect(counts).to_have_text("2 documents")
    expect(map_button).to_be_focused()
    for button in there:
        assert button.evaluate("button => button.isConnected")


@EACH_SCREEN
def test_files_at_once_and_one_that_fails_with_its_reason(
    viewport: dict[str, int], visit: Visiting, tmp_path: Path
) -> None:
    here = visit(viewport)
    contents = {"tower.md": TOWER, "harbour.txt": HARBOUR, "empty.txt": ""}
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
    here.upload(*(tmp_path / name for name in contents))
    for name in ("tower.md", "harbour.txt"):
        expect(here.row(name)).to_contain_text("ready")
    failed = here.row("empty.txt")
    expect(failed).to_contain_text("empty.txt is empty. Add a file that has text in it.")
    expect(here.tab.locator("#documents .counts")).to_contain_text("1 failed")
    here.picture("failed")
    failed.locator(".reason").click()
    expect(here.tab.get_by_role("dialog")).to_contain_text("Add a file that has text in it.")
    here.tab.get_by_role("button", name="Done").click()
    failed.get_by_role("button", name="Retry").click()
    expect(failed).to_contain_text("empty.txt is empty.")
    names = here.tab.locator("#view .rows .name bdi")
    expect(names).to_have_text(["empty.txt", "harbour.txt", "tower.md"])
    here.tab.get_by_role("columnheader", name="Name").get_by_role("button").click()
    expect(names).to_have_text(["tower.md", "harbour.txt", "empty.txt"])
    here.tab.get_by_label("State").select_option("failed")
    expect(here.documents()).to_have_count(1)
    here.tab.get_by_label("State").select_option("")
    here.tab.get_by_label("Filter by name").fill("harb")
    expect(here.documents()).to_have_count(1)


@EACH_SCREEN
def test_removing_asks_first_and_can_be_undone(
    viewport: dict[str, int], visit: Visiting, page: Page, tower: Path, ollama: FakeOllama
) -> None:
    here = visit(viewport)

    def remove(answer: str) -> None:
        here.row("tower.md").get_by_role("button", name="More for tower.md").click()
        here.tab.get_by_role("menuitem", name="Remove").click()
        expect(here.tab.locator("dialog")).to_contain_text("Remove “tower.md” from your documents?")
        here.tab.locator("dialog").get_by_role("button", name=answer).click()

    remove("Cancel")
    expect(here.row("tower.md")).to_be_visible()
    remove("Remove")
    expect(here.documents()).to_have_text("tower.md is being removed")
    here.tab.get_by_role("button", name="Undo").click()
    expect(here.row("tower.md")).to_be_visible()
    assert page.index.catalogue.documents()
    remove("Remove")
    here.tab.keyboard.press("Escape")
    # A question that is asked now is not answered from what was removed.
    here.ask_and_wait()
    until(lambda: page.index.catalogue.documents() == [])


@pytest.mark.usefixtures("tower", "no_ollama")
@EACH_SCREEN
def test_the_next_question_uses_the_documents_that_were_chosen(
    viewport: dict[str, int], visit: Visiting, page: Page, tmp_path: Path
) -> None:
    other = tmp_path / "port" / "harbour.txt"
    other.parent.mkdir()
    other.write_text(HARBOUR)
    page.add(other, "port")
    here = visit(viewport)
    expect(here.tab.locator("#scope")).to_contain_text("all documents")
    here.open_left()
    here.tab.get_by_role("radio", name="port").click()
    here.hide_drawer()
    expect(here.tab.locator("#scope")).to_contain_text("port")
    here.ask_and_wait()
    assert BUILT not in here.answer
    here.open_left()
    here.tab.get_by_role("radio", name="All documents").click()
    here.row("tower.md").get_by_role("checkbox").check()
    here.picture("selected")
    here.tab.get_by_role("button", name="Ask these").click()
    expect(here.tab.locator("#scope")).to_contain_text("tower.md")
    here.ask_and_wait()
    assert BUILT in here.answer
    assert "salted herring" not in here.answer


@EACH_SCREEN
def test_a_document_moves_to_another_collection(
    viewport: dict[str, int], visit: Visiting, page: Page, tower: Path
) -> None:
    here = visit(viewport)
    here.row("tower.md").get_by_role("button", name="More for tower.md").click()
    here.tab.get_by_role("menuitem", name="Move to a collection…").click()
    here.tab.get_by_label("Move “tower.md” to the collection").fill("coast")
    here.tab.keyboard.press("Enter")
    # The old one answers until the new one can.
    until(lambda: [one.collection for one in page.index.catalogue.documents()] == ["coast"])
    expect(here.documents()).to_have_count(1)
    expect(here.row("tower.md")).to_contain_text("coast")


@EACH_SCREEN
def test_a_document_is_read_in_full_and_searched(
    viewport: dict[str, int], visit: Visiting, tower: Path
) -> None:
    here = visit(viewport)
    here.row("tower.md").get_by_role("button", name="tower.md", exact=True).click()
    expect(here.tab.locator(".reading .heading")).to_have_text("Lighthouse")
    expect(here.tab.locator(".outline button")).to_have_text("Lighthouse")
    here.tab.get_by_label("Search in this document").fill("lamp")
    expect(here.tab.locator("#view header")).to_contain_text("1 found")
    here.tab.keyboard.press("Enter")
    expect(here.tab.locator("#view header")).to_contain_text("1 of 1")
    here.picture("reader")


@EACH_SCREEN
def test_ten_thousand_documents_scroll(
    viewport: dict[str, int], visit: Visiting, page: Page
) -> None:
    here = visit(viewport)
    rows = [
        {"id": f"id{number}", "name": f"file {number:05}.md", "collection": "c", "state": "ready"}
        | {"stage": "", "fraction": 1, "chunks": 5, "pages": None, "size": 1000, "error": None}
        | {"updated": 1.7e9, "known": True}
        for number in range(10_000)
    ]

    def answered(route, request) -> None:  # type: ignore[no-untyped-def]
        query = dict(part.split("=") for part in request.url.split("?")[1].split("&"))
        first = int(query["offset"])
        part = rows[first : first + int(query["limit"])]
        route.fulfill(json={"total": len(rows), "documents": part})

    here.tab.route("**/ui/documents?*", answered)
    expect(here.documents().first).to_contain_text("file 00000.md")
    scroller = here.tab.locator(".scroller")
    scroller.evaluate("one => one.scrollTo(0, 5000 * 56)")
    expect(here.tab.locator(".rows")).to_contain_text("file 05000.md")
    here.require_no_overflow()
    assert here.documents().count() < 60


@EACH_SCREEN
def test_a_pdf_s_page_is_shown_with_the_sentence_boxed(
    viewport: dict[str, int], visit: Visiting, page: Page, tmp_path: Path, ollama: FakeOllama
) -> None:
    paper = FPDF()
    paper.set_font("helvetica", size=14)
    for text in (f"{BUILT} Its lamp burned oil.", "The second page."):
        paper.add_page()
        paper.multi_cell(0, 8, text)
    path = tmp_path / "tower.pdf"
    path.write_bytes(bytes(paper.output()))
    page.add(path)
    here = visit(viewport)
    ollama.will_write(BUILT, " [1]")
    here.ask_and_wait()
    here.tab.locator("#chat a.cite").click()
    picture = here.tab.locator(".page-picture img")
    expect(here.tab.locator(".page-picture .boxes i")).to_have_count(1)
    expect(picture).to_have_js_property("naturalWidth", 1000)
    expect(here.tab.locator(".page-picture figcaption")).to_contain_text("Page 1 of 2")
    here.picture("pdf")
    here.tab.get_by_role("button", name="Next page").click()
    expect(here.tab.locator(".page-picture figcaption")).to_contain_text("Page 2 of 2")
    expect(here.tab.locator(".page-picture .boxes i")).to_have_count(0)
    expect(here.tab.get_by_role("button", name="Next page")).to_be_disabled()
    with here.tab.expect_download() as download:
        here.tab.get_by_role("link", name="Original file").click()
    assert Path(download.value.path()).read_bytes() == path.read_bytes()
    assert here.errors == []
