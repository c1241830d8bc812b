"""The named endpoints, called as other programs call them: gradio_client, and plain HTTP."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from fake_ollama import FakeOllama
from fpdf import FPDF
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from serving import Page, until

from assistant.api import update_seconds
from assistant.shapes import AnswerShape, CitationShape, SearchShape, SentenceShape
from ingest.index.shapes import DocumentShape, PassageShape
from ingest.index.tables import State

BUILT = "The lighthouse of Arnholm was built in 1871 by Clara Veit."
TOWER = f"# Lighthouse\n\n{BUILT} Its lamp burned oil until 1934.\n"
HARBOUR = "The harbour of Arnholm exports salted herring. Its cranes were bought in Lisbon."
QUESTION = "Who built the lighthouse of Arnholm?"
ENDPOINTS = {"/ask", "/search", "/add_documents", "/documents", "/delete_document"}

# What DESIGN.md promises; the endpoints may say more.
ANSWER = set("question answer abstained mode model sentences citations passages usage".split())
PASSAGE = set("number document document_id chunk_id text start end page heading score".split())
CITATION = set("number document document_id start end quote page".split())
SENTENCE = {"text", "citations", "support"}
DOCUMENT = set("id name collection state chunks pages error sha256".split())


@pytest.fixture
def client(page: Page) -> Iterator[Client]:
    with closing(
        Client(page.url, verbose=False, analytics_enabled=False, download_files=False)
    ) as connected:
        yield connected


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Return a function (name, content) to a file."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return written


@pytest.fixture
def town(page: Page, write: Callable[..., Path]) -> dict[str, str]:
    """Two documents in the index; what they say, by id."""
    return {
        page.add(write("tower.md", TOWER)).id: TOWER,
        page.add(write("harbour.txt", HARBOUR)).id: HARBOUR,
    }


def added(client: Client, *paths: Path, **given: Any) -> list[dict[str, Any]]:
    files = [handle_file(str(path)) for path in paths]
    result = client.predict(files=files, api_name="/add_documents", **given)
    documents: list[dict[str, Any]] = result["documents"]
    return documents


def refusal(client: Client, endpoint: str, **given: Any) -> str:
    """Return the one sentence, with its next step, that the endpoint refuses with."""
    with pytest.raises(AppError) as caught:
        client.predict(api_name=endpoint, **given)
    return str(caught.value)


def require_shape(found: dict[str, Any], shape: type, promised: set[str]) -> None:
    assert set(found) == set(shape.__annotations__)
    assert set(found) >= promised


# -- which there are --------------------------------------------------------------------------


def test_exactly_five_endpoints_are_public(page: Page, client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)
    assert set(described["named_endpoints"]) == ENDPOINTS
    assert described["unnamed_endpoints"] == {}
    info = httpx.get(f"{page.url}/gradio_api/info").json()
    assert set(info["named_endpoints"]) == ENDPOINTS
    assert info["unnamed_endpoints"] == {}


def test_parameters_are_named_and_all_but_the_first_can_be_left_out(client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    named = {
        endpoint: {
            one["parameter_name"]: one["parameter_has_default"] for one in call["parameters"]
        }
        for endpoint, call in described.items()
    }
    scope = dict.fromkeys(["document_ids", "kinds", "since", "before"], True)
    assert named == {
        "/ask": {
            "question": False,
            "collection": True,
            "k": True,
            "model": True,
            **scope,
        },
        "/search": {"question": False, "k": True, "collection": True, **scope},
        "/documents": {"collection": True},
        "/delete_document": {"document_id": False},
        "/add_documents": {"files": False, "collection": True, "wait": True},
    }


# -- documents --------------------------------------------------------------------------------


def test_added_files_are_ready_when_the_call_returns(
    client: Client, write: Callable[..., Path]
) -> None:
    documents = added(client, write("tower.md", TOWER), write("harbour.txt", HARBOUR))
    for document in documents:
        require_shape(document, DocumentShape, DOCUMENT)
        assert (document["state"], document["chunks"], document["error"]) == ("ready", 1, None)
    assert [document["name"] for document in documents] == ["tower.md", "harbour.txt"]
    assert [document["collection"] for document in documents] == ["default"] * 2
    listed = client.predict(api_name="/documents")
    assert sorted(one["id"] for one in listed["documents"]) == sorted(
        one["id"] for one in documents
    )


def test_without_waiting_the_call_returns_before_the_work_is_done(
    page: Page, client: Client, write: Callable[..., Path]
) -> None:
    long = write("long.txt", "\n\n".join(f"{BUILT} Copy {number}." for number in range(60)))
    [document] = added(client, long, wait=False)
    assert document["state"] in ("queued", "running")
    assert page.wait(document["id"]).state == State.READY


def test_adding_a_file_again_changes_nothing(client: Client, write: Callable[..., Path]) -> None:
    tower = write("tower.md", TOWER)
    assert added(client, tower) == added(client, tower)
    assert len(client.predict(api_name="/documents")["documents"]) == 1


def test_collections_are_kept_apart(client: Client, write: Callable[..., Path]) -> None:
    added(client, write("tower.md", TOWER), collection="towers")
    added(client, write("harbour.txt", HARBOUR), collection="harbours")
    listed = client.predict(collection="towers", api_name="/documents")["documents"]
    assert [one["name"] for one in listed] == ["tower.md"]
    found = client.predict(question="Arnholm", collection="harbours", api_name="/search")
    assert {one["document"] for one in found["passages"]} == {"harbour.txt"}


def test_files_that_cannot_be_read_fail_with_a_sentence_each(
    client: Client, write: Callable[..., Path]
) -> None:
    pdf = FPDF()
    pdf.set_encryption(owner_password="owner", user_password="user")
    pdf.add_page()
    documents = added(
        client,
        write("empty.txt", ""),
        write("broken.pdf", b"%PDF-1.7\nthis is no PDF"),
        write("locked.pdf", bytes(pdf.output())),
        write("tower.md", TOWER),
    )
    assert {one["name"]: (one["state"], one["error"]) for one in documents} == {
        "empty.txt": ("failed", "empty.txt is empty. Add a file that has text in it."),
        "broken.pdf": (
            "failed",
            "broken.pdf is damaged, or is not a PDF. "
            "Open it in a PDF reader, print it to a new PDF, and add that.",
        ),
        "locked.pdf": (
            "failed",
            "locked.pdf is protected by a password. Save a copy without the password and add that.",
        ),
        "tower.md": ("ready", None),
    }


def test_a_deleted_document_is_gone_everywhere(
    page: Page, client: Client, town: dict[str, str]
) -> None:
    tower, harbour = town
    gone = client.predict(document_id=tower, api_name="/delete_document")
    require_shape(gone["deleted"], DocumentShape, DOCUMENT)
    assert gone["deleted"]["id"] == tower
    listed = client.predict(api_name="/documents")["documents"]
    assert [one["id"] for one in listed] == [harbour]
    found = client.predict(question=QUESTION, api_name="/search")
    assert {one["document_id"] for one in found["passages"]} == {harbour}


# -- search and ask ---------------------------------------------------------------------------


def test_search_returns_slices_of_the_files(client: Client, town: dict[str, str]) -> None:
    found = client.predict(question=QUESTION, k=1, api_name="/search")
    require_shape(found, SearchShape, {"question", "passages"})
    assert found["question"] == QUESTION
    [passage] = found["passages"]
    require_shape(passage, PassageShape, PASSAGE)
    assert (passage["number"], passage["document"]) == (1, "tower.md")
    assert passage["heading"] == "Lighthouse"
    assert TOWER[passage["start"] : passage["end"]] == passage["text"]


def test_search_keeps_to_the_documents_it_is_given(client: Client, town: dict[str, str]) -> None:
    _, harbour = town
    found = client.predict(question=QUESTION, document_ids=[harbour], api_name="/search")
    assert {one["document_id"] for one in found["passages"]} == {harbour}


def test_ask_without_a_model_quotes(client: Client, town: dict[str, str], no_ollama: int) -> None:
    answer = client.predict(question=QUESTION, api_name="/ask")
    require_answer(answer, town)
    assert (answer["mode"], answer["model"], answer["abstained"]) == ("quotes", None, False)
    assert answer["citations"][0]["quote"] == BUILT
    assert "ollama serve" in answer["notice"]


def test_ask_streams_an_answer_that_grows(
    client: Client, town: dict[str, str], ollama: FakeOllama
) -> None:
    words = [*(f"{word} " for word in BUILT.rstrip(".").split()), ".", " [1]"]
    ollama.will_write(*words, delay=0.06)
    job = client.submit(question=QUESTION, api_name="/ask")
    *partial, last = list(job)
    texts = [update["answer"] for update in partial]
    assert len({text for text in texts if text}) >= 3
    for shorter, longer in itertools.pairwise(texts):
        assert longer.startswith(shorter)
    for update in partial:
        require_shape(update, AnswerShape, ANSWER)
        assert update["citations"] == []
    require_answer(last, town)
    assert last == job.result()
    assert (last["mode"], last["model"], last["cut"]) == ("model", "llama3.2:latest", None)
    assert last["answer"] == f"{BUILT[:-1]} . [1]"
    [sentence] = last["sentences"]
    assert (sentence["citations"], sentence["support"]) == ([1], "supported")
    assert last["citations"][0]["quote"] == BUILT
    assert last["usage"]["answer_tokens"] == len(words)


def test_cancelling_a_streamed_answer_stops_the_model(
    client: Client, town: dict[str, str], ollama: FakeOllama
) -> None:
    ollama.will_write(*["word "] * 200, delay=0.05)
    job = client.submit(question=QUESTION, api_name="/ask")
    for update in job:
        if update["answer"]:
            break
    job.cancel()
    [chat] = ollama.chats
    assert chat.over.wait(8)
    assert chat.closed_after is not None


def test_no_answer_waits_for_another_one_to_end(
    page: Page, town: dict[str, str], ollama: FakeOllama
) -> None:
    # More than the places of Gradio's queue, than its threads, and than the cores.
    together = 45
    for _ in range(together):
        ollama.will_write("Clara", failure="silence")
    for _ in range(together):
        begun(page, "ask", question=QUESTION)
    until(lambda: len(ollama.chats) == together)


@pytest.mark.parametrize(("answers", "seconds"), [(1, 0.1), (10, 0.1), (50, 0.5), (200, 2.0)])
def test_many_answers_at_once_are_updated_less_often_each(answers: int, seconds: float) -> None:
    assert update_seconds(answers) == pytest.approx(seconds)


def require_answer(answer: dict[str, Any], texts: dict[str, str]) -> None:
    """The keys are the promised ones, and every span is a slice of its document."""
    require_shape(answer, AnswerShape, ANSWER)
    assert answer["question"] == QUESTION
    for sentence in answer["sentences"]:
        require_shape(sentence, SentenceShape, SENTENCE)
        assert sentence["support"] in {"supported", "partly", "unsupported", "uncited"}
    for passage in answer["passages"]:
        require_shape(passage, PassageShape, PASSAGE)
        assert texts[passage["document_id"]][passage["start"] : passage["end"]] == passage["text"]
    assert answer["citations"]
    for citation in answer["citations"]:
        require_shape(citation, CitationShape, CITATION)
        quoted = texts[citation["document_id"]][citation["start"] : citation["end"]]
        assert quoted == citation["quote"]


# -- errors -----------------------------------------------------------------------------------

EMPTY = "The question is empty. Type what you want to know."
LONG = (
    "The question has 100,000 characters; 4,000 are the most. "
    "Shorten it, or add the long text as a document and ask about that."
)


def test_questions_out_of_bounds_are_refused_in_a_sentence(
    client: Client, town: dict[str, str]
) -> None:
    for endpoint in ("/ask", "/search"):
        assert refusal(client, endpoint, question="") == EMPTY
        assert refusal(client, endpoint, question=" \n ") == EMPTY
        assert refusal(client, endpoint, question="x" * 100_000) == LONG
        for k in (0, -1, 10_000):
            assert refusal(client, endpoint, question=QUESTION, k=k) == (
                f"The number of passages cannot be {k:,}. Choose 1 to 100."
            )
        said = refusal(client, endpoint, question=QUESTION, collection="nowhere")
        assert said.startswith("There is no collection called nowhere. ")
        assert said.endswith(".")
    assert client.predict(question=QUESTION, api_name="/search")["passages"]


def test_unknown_documents_and_collections_are_refused_in_a_sentence(client: Client) -> None:
    assert refusal(client, "/delete_document", document_id="nothing") == (
        "There is no document with the id nothing. See /documents for the ids."
    )
    said = refusal(client, "/documents", collection="nowhere")
    assert said.startswith("There is no collection called nowhere. ")


def test_adding_nothing_or_into_a_collection_without_a_name_is_refused(
    client: Client, write: Callable[..., Path]
) -> None:
    said = "There are no files in this call. Upload at least one."
    assert refusal(client, "/add_documents", files=[]) == said
    tower = handle_file(str(write("tower.md", TOWER)))
    said = "A collection's name takes 1 to 400 characters. Choose another name."
    assert refusal(client, "/add_documents", files=[tower], collection=" ") == said
    assert refusal(client, "/add_documents", files=[tower], collection="x" * 401) == said
    assert client.predict(api_name="/documents") == {"documents": []}


# -- plain HTTP -------------------------------------------------------------------------------


def begun(page: Page, endpoint: str, **given: Any) -> str:
    """Begin a call, and return the name by which Gradio knows it."""
    answer = httpx.post(f"{page.url}/gradio_api/call/v2/{endpoint}", json=given)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["event_id"])


def called(page: Page, endpoint: str, **given: Any) -> tuple[str, Any]:
    """Call an endpoint as curl would; return the last event and its data."""
    event = begun(page, endpoint, **given)
    lines = httpx.get(f"{page.url}/gradio_api/call/{endpoint}/{event}", timeout=20).text.split("\n")
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return events[-1], json.loads(data[-1])


def test_plain_http_returns_the_same(page: Page, client: Client, town: dict[str, str]) -> None:
    event, data = called(page, "search", question=QUESTION, k=2)
    assert event == "complete"
    assert data == [client.predict(question=QUESTION, k=2, api_name="/search")]
    event, data = called(page, "search", question="")
    assert event == "error"
    assert data["error"] == EMPTY


def test_an_address_is_no_upload_and_is_not_fetched(page: Page) -> None:
    fetched: list[str] = []

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fetched.append(self.path)
            self.send_response(200)
            self.end_headers()

    site = HTTPServer(("127.0.0.1", 0), Site)
    Thread(target=site.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{site.server_port}/page.txt"
        named = {"path": address, "meta": {"_type": "gradio.FileData"}}
        event, data = called(page, "add_documents", files=[named], wait=True)
        assert event == "error"
        assert data["error"] == "Files are taken as uploads, not by address."
    finally:
        site.shutdown()
        site.server_close()
    assert fetched == []
    assert page.index.catalogue.documents() == []


@pytest.mark.parametrize("place", ["/etc/passwd", "secret.txt", "owner.json"])
def test_a_path_of_the_server_is_no_upload(page: Page, tmp_path: Path, place: str) -> None:
    (tmp_path / "secret.txt").write_text("A secret of the server.")
    folder = page.services.settings.data_dir if place == "owner.json" else tmp_path
    path = str(folder / place)
    assert Path(path).is_file()
    named = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for file in (named, {"path": path}, {**named, "url": f"file://{path}"}, path):
        event, _ = called(page, "add_documents", files=[file], wait=True)
        assert event == "error"
    assert page.index.catalogue.documents() == []
    assert httpx.get(f"{page.url}/gradio_api/file={path}").status_code == 403
