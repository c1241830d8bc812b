"""The `assistant` command: what it prints, where, and how it exits."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import Cli, Ran, command_line
from fake_ollama import THINKING, FakeOllama
from serving import Page, free_port, until
from working import make_worker

from assistant.__main__ import main
from assistant.plugin import FootnoteRetriever
from assistant.retrieval import Retriever
from ingest.index.embedding import Embedder
from ingest.index.index import Index
from ingest.index.tables import Record
from ingest.settings import IngestSettings

BUILT = "The lighthouse of Arnholm was built in 1871 by Clara Veit."
TOWER = f"# Lighthouse\n\n{BUILT} Its lamp burned oil until 1934.\n"
HARBOUR = "The harbour of Arnholm exports salted herring. Its cranes were bought in Lisbon."
QUESTION = "Who built the lighthouse of Arnholm?"
CLASSIC = Path(__file__).parents[2] / "examples" / "classic"


Add = Callable[..., Record]
OwnerProcess = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def cli(
    settings: IngestSettings,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Cli:
    """Return a function that runs `assistant` with arguments, in this process."""
    if "FOOTNOTE_DATA_DIR" not in os.environ:
        monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(settings.data_dir))
    return command_line("assistant", main, embedder, monkeypatch, capfd)


@pytest.fixture(scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory, embedder: Embedder) -> Path:
    settings = IngestSettings(data_dir=tmp_path_factory.mktemp("town") / "data", _env_file=None)
    with closing(Index(settings)) as index:
        index.embedder = embedder
        index.own("tests")
        for name, text in (("tower.md", TOWER), ("harbour.txt", HARBOUR)):
            index.add_file(BytesIO(text.encode()), name, "default")
        worker = make_worker(index, chunk_tokens=64)
        worker.drain()
    return settings.data_dir


@pytest.fixture
def town(_town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two documents in the data folder of `cli`, which nobody has open."""
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(_town))


@pytest.fixture
def owned(page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A running page that owns the data folder of `cli`, with one document."""
    path = tmp_path / "tower.md"
    path.write_text(TOWER)
    page.add(path)
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(page.services.settings.data_dir))
    return page


# -- search and ask ---------------------------------------------------------------------------


def test_search_prints_json(town: None, cli: Cli) -> None:
    ran = cli("search", QUESTION, "-k", 1, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["question"] == QUESTION
    [passage] = ran.json["passages"]
    assert (passage["number"], passage["document"]) == (1, "tower.md")
    assert TOWER[passage["start"] : passage["end"]] == passage["text"]


def test_search_prints_passages_with_their_places(town: None, cli: Cli) -> None:
    ran = cli("search", QUESTION, "-k", 1)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("[1] tower.md · Lighthouse  (")
    assert BUILT in ran.out


def test_search_of_nothing_says_how_to_begin(cli: Cli) -> None:
    ran = cli("search", QUESTION)
    said = "There are no documents to search yet. Add some with `ingest add FOLDER`.\n"
    assert (ran.code, ran.out, ran.err) == (0, said, "")


def test_ask_prints_json(town: None, cli: Cli, ollama: FakeOllama) -> None:
    ran = cli("ask", QUESTION, "--json")
    assert (ran.code, ran.err) == (0, "")
    answer = ran.json
    assert (answer["mode"], answer["model"]) == ("model", "llama3.2:latest")
    assert answer["answer"].startswith(f"{BUILT} [1]")
    first = answer["citations"][0]
    assert TOWER[first["start"] : first["end"]] == first["quote"] == BUILT


def test_ask_prints_as_json_what_the_model_saw(town: None, cli: Cli, ollama: FakeOllama) -> None:
    ollama.install("llama3.2:latest", THINKING)
    ollama.will_write(BUILT, " [1]", " It", " shines.", delay=0.02, thinking=["Let me see."])
    answer = cli("ask", QUESTION, "--json").json
    usage = answer["usage"]
    assert answer["standalone_question"] is None
    assert answer["reasoning"] == "Let me see."
    assert answer["dropped"] == []
    assert usage["passages_used"] == len(answer["passages"])
    assert usage["passages_dropped"] == 0
    assert usage["context_tokens"] == 8192
    assert 0 < usage["prompt_tokens"] <= usage["estimated_prompt_tokens"]
    assert usage["answer_tokens"] == 5
    assert usage["rewrite_seconds"] is None
    assert 0 < usage["search_seconds"] < usage["first_token_seconds"] < usage["total_seconds"]
    assert 0 < usage["tokens_per_second"] <= 50


def test_ask_prints_the_answer_and_its_sources(town: None, cli: Cli, ollama: FakeOllama) -> None:
    ollama.will_write(BUILT, " [1] It is painted pink.")
    ran = cli("ask", QUESTION)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"{BUILT} [1] It is painted pink.",
        "",
        "Sources",
        "[1] tower.md · Lighthouse",
        f"    {BUILT}",
        "",
        "Not fully found in the sources",
        "- It is painted pink. (uncited)",
    ]


def test_ask_without_a_model_quotes_and_says_so(town: None, cli: Cli, no_ollama: int) -> None:
    ran = cli("ask", QUESTION)
    assert (ran.code, ran.err) == (0, "")
    assert f"“{BUILT}” [1]" in ran.out
    assert "No chat model is running, so these are quotes." in ran.out


def test_an_answer_that_the_model_breaks_off_is_printed_and_the_command_fails(
    town: None, cli: Cli, ollama: FakeOllama
) -> None:
    ollama.will_write("The lighthouse of Arnholm ", "was built ", failure="drop")
    ran = cli("ask", QUESTION)
    assert ran.code == 1
    assert ran.out.startswith("The lighthouse of Arnholm was built\n")
    assert ran.err.startswith("The answer was cut after 6 words: ")
    assert ran.err.endswith(". See that it still runs, then ask again.\n")
    assert ran.err.count("\n") == 1
    ollama.will_write("The lighthouse of Arnholm ", failure="no end")
    ran = cli("ask", QUESTION, "--json")
    assert (ran.code, ran.json["answer"]) == (1, "The lighthouse of Arnholm")
    assert ran.json["cut"] + "\n" == ran.err


# -- through a running page -------------------------------------------------------------------


def test_search_goes_through_the_page_that_owns_the_folder(owned: Page, cli: Cli) -> None:
    ran = cli("search", QUESTION, "--json")
    assert (ran.code, ran.err) == (0, "")
    [passage] = ran.json["passages"]
    assert TOWER[passage["start"] : passage["end"]] == passage["text"]


def test_ask_goes_through_the_page_that_owns_the_folder(
    owned: Page, cli: Cli, ollama: FakeOllama
) -> None:
    ran = cli("ask", QUESTION, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.json["answer"].startswith(f"{BUILT} [1]")
    assert ran.json["citations"][0]["quote"] == BUILT


def test_errors_of_the_page_are_the_same_sentences(owned: Page, cli: Cli) -> None:
    ran = cli("search", QUESTION, "--collection", "nowhere")
    assert ran.out == ""
    assert ran.err.startswith("There is no collection called nowhere. ")
    assert ran.code == 2
    assert cli("search", "") == Ran(2, "", "The question is empty. Type what you want to know.\n")


def test_a_page_that_does_not_answer_is_one_sentence(
    cli: Cli, settings: IngestSettings, owner_process: OwnerProcess
) -> None:
    settings.data_dir.mkdir()
    url = f"http://127.0.0.1:{free_port()}"
    owner_process(settings.data_dir, "assistant serve", url)
    ran = cli("search", QUESTION)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(f"The assistant at {url} does not answer as it should")
    assert ran.err.endswith("Restart it, or stop it and repeat the command.\n")


# -- errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["search", "ask"])
def test_requests_out_of_bounds_are_one_sentence(
    town: None, cli: Cli, no_ollama: int, command: str
) -> None:
    for arguments, said in (
        ([""], "The question is empty. Type what you want to know."),
        (
            ["x" * 100_000],
            "The question has 100,000 characters; 4,000 are the most. "
            "Shorten it, or add the long text as a document and ask about that.",
        ),
        ([QUESTION, "-k", 0], "The number of passages cannot be 0. Choose 1 to 100."),
        ([QUESTION, "-k", 10_000], "The number of passages cannot be 10,000. Choose 1 to 100."),
    ):
        assert cli(command, *arguments, "--json") == Ran(2, "", f"{said}\n")
    ran = cli(command, QUESTION, "--collection", "nowhere")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("There is no collection called nowhere. ")


@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_folder_in_use_by_a_process_without_a_page_is_one_sentence(
    cli: Cli, settings: IngestSettings, owner_process: OwnerProcess, command: str
) -> None:
    settings.data_dir.mkdir()
    owner = owner_process(settings.data_dir, "ingest worker")
    ran = cli(command, QUESTION)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == (
        f"The data folder {settings.data_dir} is in use by `ingest worker` "
        f"(process {owner.pid}). "
        "Stop that process, wait until it is done, or choose another FOOTNOTE_DATA_DIR.\n"
    )


@pytest.mark.parametrize("command", ["search", "ask"])
def test_a_store_server_that_is_not_there_is_one_sentence(
    town: None, cli: Cli, no_ollama: int, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("FOOTNOTE_QDRANT_URL", "http://127.0.0.1:9")
    ran = cli(command, QUESTION)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("The Qdrant server at http://127.0.0.1:9 cannot be reached. ")
    assert "FOOTNOTE_QDRANT_URL" in ran.err
    assert ran.err.count("\n") == 1


def test_a_port_that_is_taken_is_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setenv("FOOTNOTE_PORT", str(port))
        ran = cli("serve")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"The page cannot listen at 127.0.0.1:{port} (Address already in use). "
        "Stop what listens there, or choose another FOOTNOTE_PORT.\n"
    )


def test_a_misspelt_setting_is_one_sentence(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTNOTE_PROT", "7861")
    ran = cli("search", QUESTION)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("There is no setting FOOTNOTE_PROT. ")


# -- doctor and plugin ------------------------------------------------------------------------


def test_doctor_finds_everything_well(town: None, cli: Cli, ollama: FakeOllama) -> None:
    ran = cli("doctor")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert all(line.startswith("ok  ") for line in lines)
    assert [line[4:].split(":")[0] for line in lines] == [
        "data folder",
        "catalogue",
        "embedding model",
        "vector store",
        "chat model",
    ]
    assert "catalogue: 2 documents, 2 passages" in ran.out
    assert "chat model: llama3.2:latest" in ran.out


def test_doctor_says_what_to_do(
    cli: Cli, no_ollama: int, settings: IngestSettings, owner_process: OwnerProcess
) -> None:
    settings.data_dir.mkdir()
    owner_process(settings.data_dir, "ingest worker")
    ran = cli("doctor")
    assert (ran.code, ran.err) == (1, "")
    wrong = [line for line in ran.out.splitlines() if line.startswith("-- ")]
    assert [line[4:].split(":")[0] for line in wrong] == ["vector store", "chat model"]
    assert "Stop that process" in wrong[0]
    assert "`ollama serve`" in wrong[1]


def test_doctor_counts_a_running_page_as_well(owned: Page, cli: Cli, ollama: FakeOllama) -> None:
    ran = cli("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert f"vector store: open in `assistant serve` at {owned.url}" in ran.out


def test_the_langchain_retriever_returns_documents_with_places(index: Index, add: Add) -> None:
    add("tower.md", TOWER, "towers")
    add("harbour.txt", HARBOUR)
    retriever = FootnoteRetriever(retriever=Retriever(index), k=1)
    [found] = retriever.invoke(QUESTION)
    place = found.metadata
    assert TOWER[place["start"] : place["end"]] == found.page_content
    assert (place["document"], place["heading"], place["page"]) == ("tower.md", "Lighthouse", None)
    assert found.id == place["chunk_id"]
    everything = FootnoteRetriever(retriever=Retriever(index), collection="towers")
    assert {one.metadata["document"] for one in everything.invoke("Arnholm")} == {"tower.md"}


# -- the installed command --------------------------------------------------------------------


class Served:
    """`assistant serve --examples` as a process; what it prints is collected."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        given = {"FOOTNOTE_DATA_DIR": str(data_dir), "FOOTNOTE_PORT": str(port)}
        command = Path(sys.executable).with_name("assistant")
        self._process = subprocess.Popen(
            [command, "serve", "--examples", CLASSIC],
            env={**os.environ, **given, "OLLAMA_HOST": "http://127.0.0.1:9"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def documents(self) -> list[dict[str, Any]]:
        begun = httpx.post(f"{self.url}/gradio_api/call/v2/documents", json={}).json()
        told = httpx.get(f"{self.url}/gradio_api/call/documents/{begun['event_id']}").text
        documents: list[dict[str, Any]] = json.loads(told.split("data: ")[1])[0]["documents"]
        return documents

    def ready(self) -> list[dict[str, Any]]:
        """Wait for the page, then for its documents."""

        def look() -> list[dict[str, Any]] | None:
            with suppress(httpx.TransportError):
                found = self.documents()
                return found if all(one["state"] == "ready" for one in found) else None
            assert self._process.poll() is None, self._process.communicate()
            return None

        return until(look, seconds=50)

    def interrupt(self) -> tuple[int, str, str]:
        """Press Ctrl-C; return exit code and what was printed."""
        self._process.send_signal(signal.SIGINT)
        out, err = self._process.communicate(timeout=45)
        return self._process.returncode, out, err

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_installed_command_serves_stops_and_starts_again(tmp_path: Path) -> None:
    found = []
    port = free_port()
    for _ in range(2):
        served = Served(tmp_path / "data", port)
        try:
            found.append(served.ready())
            assert httpx.get(served.url).status_code == 200
            # A tab that is open holds a connection.
            with httpx.stream("GET", f"{served.url}/gradio_api/heartbeat/tab", timeout=20) as tab:
                reading = threading.Thread(target=_read_to_its_end, args=(tab,))
                reading.start()
                code, out, err = served.interrupt()
                reading.join()
        finally:
            served.kill()
        assert f"Footnote is at {served.url}" in out
        assert err == ""
        assert code in (0, 130), code
    assert len(found[0]) == len(list(CLASSIC.iterdir()))
    assert found[0] == found[1]


def _read_to_its_end(tab: httpx.Response) -> None:
    with suppress(httpx.TransportError):
        for _ in tab.iter_bytes():
            pass
