"""The page's own routes: whose they are, what they take, and what they never do."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fpdf import FPDF
from PIL import Image
from serving import Page, until

from assistant.conversations import Turn
from assistant.ui.person import COOKIE

KEY = "k" * 43
ID = "a" * 32
TOWER = (
    "# Lighthouse\n\nThe lighthouse was built in 1871.\n\n## Lamp\n\nIt burned oil until 1934.\n"
)


@pytest.fixture
def me(page: Page) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page.url, cookies={COOKIE: KEY}) as client:
        yield client


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


def pdf(*pages: str) -> bytes:
    paper = FPDF(format=(300, 400), unit="pt")
    paper.set_font("helvetica", size=14)
    for text in pages:
        paper.add_page()
        paper.multi_cell(0, 18, text)
    return bytes(paper.output())


# -- whose browser it is ----------------------------------------------------------------------


def test_a_browser_gets_a_key_that_scripts_cannot_read(page: Page) -> None:
    given = httpx.get(page.url).headers["set-cookie"]
    assert given.startswith(f"{COOKIE}=")
    assert "HttpOnly" in given
    assert "SameSite=strict" in given
    other = httpx.get(page.url).headers["set-cookie"]
    assert given.split(";")[0] != other.split(";")[0]


def test_a_known_browser_keeps_its_key(me: httpx.Client) -> None:
    assert "set-cookie" not in me.get("/").headers


def test_without_a_key_nothing_is_told(page: Page) -> None:
    for path in ("conversations", "status", "documents", "documents/x/original", "suggestions"):
        answer = httpx.get(f"{page.url}/ui/{path}")
        assert answer.status_code == 400, path
        assert answer.json()["error"].startswith("This browser has no key")
    assert httpx.put(f"{page.url}/ui/documents?name=a&collection=b").status_code == 400
    assert page.index.catalogue.documents() == []


@pytest.mark.parametrize("method", ["PUT", "POST", "PATCH", "DELETE"])
def test_other_sites_change_nothing(me: httpx.Client, method: str) -> None:
    for path in ("documents?name=a&collection=b", f"conversations/{ID}", "documents/x/move"):
        answer = me.request(method, f"/ui/{path}", headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403, path


# -- conversations ----------------------------------------------------------------------------


def test_a_conversation_over_the_routes(page: Page, me: httpx.Client) -> None:
    kept = page.services.conversations
    conversation = kept.begin(KEY, ID, "Who built it?")
    conversation.turns.append(Turn("Who built it?", text="Clara", stopped=True))
    kept.keep(conversation, 0)
    [listed] = me.get("/ui/conversations").json()["conversations"]
    assert (listed["id"], listed["title"]) == (ID, "Who built it?")
    me.patch(f"/ui/conversations/{ID}", json={"title": "Builders/1871"}).raise_for_status()
    exported = me.get(f"/ui/conversations/{ID}/export")
    assert exported.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''Builders%2F1871.md"
    )
    assert exported.text.startswith("# Builders/1871\n")
    as_json = me.get(f"/ui/conversations/{ID}/export?form=json")
    assert json.loads(as_json.text)["turns"][0]["text"] == "Clara"
    stranger = httpx.get(f"{page.url}/ui/conversations/{ID}/export", cookies={COOKIE: "s" * 43})
    assert stranger.status_code == 400
    me.delete(f"/ui/conversations/{ID}").raise_for_status()
    assert me.get("/ui/conversations").json()["conversations"] == []
    me.post(f"/ui/conversations/{ID}/restore").raise_for_status()
    assert len(me.get("/ui/conversations").json()["conversations"]) == 1
    assert me.get(f"/ui/conversations/{ID}/turns/0").json() == {
        "error": "There is no answer here. Reload the page."
    }
    kept.delete(KEY, ID)


# -- documents --------------------------------------------------------------------------------


def test_adding_moving_retrying_removing(page: Page, me: httpx.Client) -> None:
    query = {"name": "folder/tower.md", "collection": "coast"}
    added = me.put("/ui/documents", params=query, content=TOWER.encode()).json()
    assert added["outcome"] == "added"
    key = added["document"]["id"]
    page.wait(key)
    [row] = me.get("/ui/documents", params={"text": "TOWER"}).json()["documents"]
    assert (row["name"], row["collection"], row["state"]) == ("folder/tower.md", "coast", "ready")
    [collection] = me.get("/ui/status").json()["collections"]
    assert (collection["name"], collection["documents"]) == ("coast", 1)
    assert collection["passages"] == row["chunks"]

    moved = me.post(f"/ui/documents/{key}/move", json={"collection": "inland"}).json()
    assert moved["collection"] == "inland"
    assert page.wait(moved["id"]).state == "ready"
    assert [one.collection for one in page.index.catalogue.documents()] == ["inland"]
    me.post(f"/ui/documents/{moved['id']}/retry").raise_for_status()
    assert page.wait(moved["id"]).state == "ready"
    me.delete(f"/ui/documents/{moved['id']}").raise_for_status()
    assert me.get("/ui/documents").json() == {"total": 0, "documents": []}


def test_a_name_or_a_size_that_is_too_much_is_refused(page: Page, me: httpx.Client) -> None:
    refused = me.put("/ui/documents", params={"name": " ", "collection": "c"}, content=b"x")
    assert (refused.status_code, "takes 1 to 400" in refused.json()["error"]) == (400, True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page.services.settings, "upload_mb", 1)
        query = {"name": "big.txt", "collection": "c"}
        refused = me.put("/ui/documents", params=query, content=b"x" * (2 << 20))
    assert refused.status_code == 413
    assert refused.json()["error"].startswith("big.txt is larger than 1 MB.")
    assert page.index.catalogue.documents() == []


def test_an_original_is_never_live(
    page: Page, me: httpx.Client, write: Callable[..., Path]
) -> None:
    hostile = write("x.html", "<p>Some words</p><script>parent.hacked = 1</script>")
    key = page.add(hostile).id
    answer = me.get(f"/ui/documents/{key}/original")
    assert answer.text == hostile.read_text()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''x.html"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_document_in_full(page: Page, me: httpx.Client, write: Callable[..., Path]) -> None:
    key = page.add(write("tower.md", TOWER)).id
    read = me.get(f"/ui/documents/{key}/text").json()
    assert read["text"] == TOWER
    lamp = read["headings"][1]
    assert (lamp["title"], lamp["level"]) == ("Lamp", 2)
    assert TOWER[lamp["start"] : lamp["end"]] == "## Lamp"


def test_first_questions_are_the_documents_own_headings(
    page: Page, me: httpx.Client, write: Callable[..., Path]
) -> None:
    page.add(write("tower.md", TOWER), "coast")
    other = page.add(write("port.md", "# Port\n\nText.\n\n## Cranes\n\nTwo.\n"), "harbour")
    asked = me.get("/ui/suggestions").json()["questions"]
    assert {one["question"] for one in asked} == {
        "What does tower.md say about “Lamp”?",
        "What does port.md say about “Cranes”?",
    }
    alone = me.get("/ui/suggestions", params={"collection": "coast"}).json()["questions"]
    assert [one["document"] for one in alone] == ["tower.md"]
    chosen = me.get("/ui/suggestions", params={"documents": [other.id]}).json()["questions"]
    assert [one["document"] for one in chosen] == ["port.md"]


# -- pages of PDFs ----------------------------------------------------------------------------


@pytest.fixture
def lease(page: Page, write: Callable[..., Path]) -> str:
    words = "The lease begins on 3 May 2024. " * 3
    found = page.add(write("lease.pdf", pdf(words, f"{words}\n\nIt ends in winter.")))
    assert found.error is None
    return found.id


def darkness(image: Image.Image, box: list[float]) -> float:
    """Return the share of dark pixels inside a box of shares of the page."""
    left, top, width, height = box
    size = image.size
    part = image.convert("L").crop(
        (
            int(left * size[0]),
            int(top * size[1]),
            int((left + width) * size[0]) + 1,
            int((top + height) * size[1]) + 1,
        )
    )
    counts = part.histogram()
    return sum(counts[:128]) / sum(counts)


def test_a_quote_is_boxed_where_it_stands_on_its_page(
    page: Page, me: httpx.Client, lease: str
) -> None:
    document = page.index.document(lease)
    assert document is not None
    start = document.text.index("It ends in winter.")
    end = start + len("It ends in winter.")
    picture = me.get(f"/ui/documents/{lease}/pages/2")
    assert picture.headers["content-type"] == "image/jpeg"
    image = Image.open(io.BytesIO(picture.content))
    found = me.get(f"/ui/documents/{lease}/pages/2/boxes?start={start}&end={end}").json()
    assert image.width / image.height == pytest.approx(found["width"] / found["height"], abs=0.01)
    [box] = found["boxes"]
    assert darkness(image, box) > 0.1
    below = [box[0], box[1] + 3 * box[3], box[2], box[3]]
    assert darkness(image, below) == 0
    # The quote is on the second page alone.
    first = me.get(f"/ui/documents/{lease}/pages/1/boxes?start={start}&end={end}").json()
    assert first["boxes"] == []


def test_a_quote_over_the_end_of_a_page_is_boxed_on_both(
    page: Page, me: httpx.Client, lease: str
) -> None:
    document = page.index.document(lease)
    assert document is not None
    start, end = document.pages[0].end - 9, document.pages[1].start + 9
    for number in (1, 2):
        path = f"/ui/documents/{lease}/pages/{number}/boxes?start={start}&end={end}"
        assert len(me.get(path).json()["boxes"]) == 1


def test_a_page_that_is_not_there_is_told(
    page: Page, me: httpx.Client, lease: str, write: Callable[..., Path]
) -> None:
    for number in (0, 3):
        answer = me.get(f"/ui/documents/{lease}/pages/{number}")
        assert answer.status_code == 400
        assert answer.json()["error"].startswith("This page cannot be drawn")
    text = page.add(write("a.txt", "Some words.")).id
    refused = me.get(f"/ui/documents/{text}/pages/1").json()["error"]
    assert refused == "a.txt has no pages to show. Read it in full instead."
    assert me.get("/ui/documents/nothing/pages/1").status_code == 400
    # The process that draws is still there for the next page.
    assert me.get(f"/ui/documents/{lease}/pages/1").status_code == 200


def test_uploads_appear_in_the_list_at_once(page: Page, me: httpx.Client) -> None:
    before = me.get("/ui/status").json()["revision"]
    me.put("/ui/documents", params={"name": "a.txt", "collection": "c"}, content=b"Some words.")
    assert me.get("/ui/status").json()["revision"] != before
    until(lambda: me.get("/ui/status").json()["collections"][0]["ready"] == 1)
    assert me.get("/ui/status").json()["running"] == []
