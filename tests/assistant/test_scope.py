"""Searches that are confined to kinds of file and to dates, through every face."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import Any
from zipfile import ZipFile

import pytest
from commands import Cli, command_line
from gradio_client import Client
from gradio_client.exceptions import AppError
from serving import Page
from working import make_worker

from assistant.__main__ import main
from assistant.plugin import FootnoteRetriever
from assistant.retrieval import Retriever
from assistant.scope import NOTHING_THERE, Scope
from ingest.adding import add_file
from ingest.index.embedding import Embedder
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.shapes import document_shape
from ingest.index.tables import Record, State
from ingest.settings import IngestSettings

LAMP = "The lamp of the lighthouse burned oil until 1934."
KEEPER = "The keeper of the lighthouse was called Clara Veit."
TOWER = "<p>The lighthouse is a tower of forty metres.</p>"
QUESTION = "What of the lighthouse?"
MAY, JUNE = (datetime(2025, month, 1, tzinfo=UTC).timestamp() for month in (5, 6))

Put = Callable[..., Record]


@pytest.fixture
def put(index: Index) -> Put:
    """Return a function (name, content, modified=None) that indexes a file."""
    worker = make_worker(index)

    def done(name: str, content: str | bytes, modified: float | None = None) -> Record:
        data = content if isinstance(content, bytes) else content.encode()
        record, _ = index.add_file(BytesIO(data), name, "default", modified=modified)
        while worker.drain():
            pass
        found = index.catalogue.get(record.id)
        assert found is not None
        assert found.state == State.READY, found.error
        return found

    return done


@pytest.fixture
def lighthouse(put: Put) -> None:
    put("lamp.txt", LAMP, MAY)
    put("keeper.md", KEEPER, JUNE)
    put("tower.html", TOWER)


def found(index: Index, **scope: Any) -> set[str]:
    passages = Retriever(index).search(QUESTION, 9, Scope(**scope))
    return {passage.document for passage in passages}


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ({}, {"lamp.txt", "keeper.md", "tower.html"}),
        ({"kinds": ["text"]}, {"lamp.txt"}),
        ({"kinds": ["Markdown", "html"]}, {"keeper.md", "tower.html"}),
        ({"since": "2025-06-01T00:00Z"}, {"keeper.md", "tower.html"}),
        ({"before": "2025-06-01T00:00Z"}, {"lamp.txt"}),
        ({"since": "2025-05-02", "before": "2025-07-01"}, {"keeper.md"}),
        ({"kinds": ["text"], "since": "2025-07-01"}, set()),
        ({"collection": "default", "kinds": ["html"], "since": "2025-07-01"}, {"tower.html"}),
    ],
)
def test_kinds_and_dates_confine_a_search(
    lighthouse: None, index: Index, scope: dict[str, object], names: set[str]
) -> None:
    assert found(index, **scope) == names


@pytest.mark.parametrize(
    ("scope", "what", "next_step"),
    [
        ({"kinds": ["docx"]}, "No document was read as 'docx'.", "html, markdown, text."),
        ({"kinds": ["\0"]}, "No document was read as", "html, markdown, text."),
        ({"since": "spring"}, "'spring' is no date.", "2026-01-31"),
        ({"before": "2025-13-01"}, "'2025-13-01' is no date.", "2026-01-31"),
        ({"since": "2025-06-01", "before": "2025-06-01"}, "No date lies from", "Choose a later"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    lighthouse: None, index: Index, scope: dict[str, object], what: str, next_step: str
) -> None:
    with pytest.raises(InputError) as caught:
        found(index, **scope)
    assert what in caught.value.what
    assert next_step in caught.value.next_step


def test_a_file_of_this_machine_has_its_own_date(
    index: Index, settings: IngestSettings, tmp_path: Path
) -> None:
    path = tmp_path / "lamp.txt"
    path.write_text(LAMP)
    os.utime(path, (JUNE, MAY + 0.75))
    record, _ = add_file(index, path, "lamp.txt", "default", settings)
    make_worker(index).drain()
    assert found(index, since="2025-05-01T00:00Z", before="2025-05-01T00:00:01Z") == {"lamp.txt"}
    assert document_shape(record)["modified"] == "2025-05-01T00:00:00+00:00"


# -- documents that change -------------------------------------------------------------------


def test_a_replaced_document_has_its_new_date_and_kind(put: Put, index: Index) -> None:
    put("note", LAMP, MAY)
    again = put("note", TOWER.replace("<p>", "<!DOCTYPE html><html><body><p>"), JUNE)
    assert (again.dated, again.kind) == (JUNE, "html")
    assert found(index, kinds=["html"], since="2025-05-15") == {"note"}
    assert found(index, before="2025-05-15") == set()


def test_content_that_comes_back_while_it_is_still_searched_has_its_old_date(
    put: Put, index: Index
) -> None:
    put("note.txt", LAMP, MAY)
    index.add_file(BytesIO(KEEPER.encode()), "note.txt", "default", modified=JUNE)
    back = put("note.txt", LAMP)
    assert (back.modified, back.dated) == (MAY, MAY)
    assert found(index, before="2025-05-15") == {"note.txt"}


def test_a_moved_document_keeps_date_and_kind(put: Put, index: Index) -> None:
    record = put("keeper.md", KEEPER, MAY)
    index.move(record.id, "people")
    make_worker(index).drain()
    [moved] = index.catalogue.documents()
    assert (moved.collection, moved.dated, moved.kind) == ("people", MAY, "markdown")
    where = {"collection": "people", "kinds": ["markdown"], "before": "2025-05-15"}
    assert found(index, **where) == {"keeper.md"}


def test_what_came_in_a_document_has_its_date(put: Put, index: Index) -> None:
    archive = BytesIO()
    with ZipFile(archive, "w") as packed:
        packed.writestr("lamp.txt", LAMP)
    put("all.zip", archive.getvalue(), MAY)
    assert found(index, kinds=["text"], before="2025-05-15") == {"all.zip/lamp.txt"}


def test_an_index_built_anew_has_dates_and_kinds(put: Put, index: Index, small_model: Path) -> None:
    put("lamp.txt", LAMP, MAY)
    put("keeper.md", KEEPER, JUNE)
    index.rebuilds.request(str(small_model), "float32")
    worker = make_worker(index, chunk_tokens=32)
    worker.run(Event(), 0.01, done=lambda: index.rebuilds.wanted() is None)
    assert index.generation_number == 2
    assert found(index, kinds=["text"]) == found(index, before="2025-05-15") == {"lamp.txt"}


# -- faces -----------------------------------------------------------------------------------


@pytest.fixture
def cli(
    settings: IngestSettings,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Cli:
    """Return a function that runs `assistant` with arguments, in this process."""
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(settings.data_dir))
    return command_line("assistant", main, embedder, monkeypatch, capfd)


def test_the_commands_take_kinds_and_dates(
    lighthouse: None, index: Index, cli: Cli, no_ollama: int
) -> None:
    index.close()
    ran = cli("search", QUESTION, "--kind", "text", "--kind", "html", "--json")
    assert {one["document"] for one in ran.json["passages"]} == {"lamp.txt", "tower.html"}
    ran = cli("ask", QUESTION, "--before", "2025-05-15", "--json")
    assert {one["document"] for one in ran.json["passages"]} == {"lamp.txt"}
    nothing = ["--kind", "text", "--since", "2025-07-01"]
    assert cli("search", QUESTION, *nothing).out == NOTHING_THERE + "\n"
    assert cli("ask", QUESTION, *nothing).out == NOTHING_THERE + "\n"
    for command in ("search", "ask"):
        ran = cli(command, QUESTION, "--since", "spring")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == "'spring' is no date. Write it as 2026-01-31, or 2026-01-31T14:30.\n"


def test_the_endpoints_take_kinds_and_dates(page: Page) -> None:
    for name, text, modified in (("lamp.txt", LAMP, MAY), ("keeper.md", KEEPER, JUNE)):
        data = BytesIO(text.encode())
        page.wait(page.index.add_file(data, name, "default", modified=modified)[0].id)
    client = Client(page.url, verbose=False, analytics_enabled=False, download_files=False)
    for endpoint in ("/search", "/ask"):
        result = client.predict(question=QUESTION, kinds=["text"], api_name=endpoint)
        assert [one["document"] for one in result["passages"]] == ["lamp.txt"]
        result = client.predict(
            question=QUESTION, since="2025-05-15", before="2025-07-01", api_name=endpoint
        )
        assert [one["document"] for one in result["passages"]] == ["keeper.md"]
        with pytest.raises(AppError, match=r"'docx'\. Choose one of: markdown, text"):
            client.predict(question=QUESTION, kinds=["docx"], api_name=endpoint)
    client.close()


def test_the_langchain_retriever_takes_kinds_and_dates(lighthouse: None, index: Index) -> None:
    retriever = FootnoteRetriever(
        retriever=Retriever(index), kinds=["text", "html"], before="2025-07-01"
    )
    assert [one.metadata["document"] for one in retriever.invoke(QUESTION)] == ["lamp.txt"]
