"""`ingest transfer`: an embedded index on a Qdrant server, with its vectors."""

import subprocess
import warnings
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from commands import Cli, command_line
from qdrant_client import QdrantClient
from working import make_worker

import ingest.index.index
import ingest.transferring
from assistant.retrieval import Retriever
from ingest.__main__ import main
from ingest.index.embedding import Embedder
from ingest.index.errors import StoreError
from ingest.index.index import Index
from ingest.index.server_store import ServerStore
from ingest.progress import Interrupted
from ingest.settings import IngestSettings
from ingest.transferring import compare, copy

pytestmark = pytest.mark.slow

URL = "http://127.0.0.1:1"
ROOMS = 12


class _Shared(QdrantClient):
    """A client's local mode in a server's place: every command has the same one."""

    def close(self, *_: Any, **__: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> QdrantClient:
    client = _Shared(":memory:")
    monkeypatch.setattr("ingest.index.server_store.connect", lambda _: client)
    warnings.filterwarnings("ignore", "Payload indexes have no effect in the local")
    return client


@pytest.fixture
def cli(
    settings: IngestSettings,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Cli:
    monkeypatch.setenv("FOOTNOTE_DATA_DIR", str(settings.data_dir))
    return command_line("ingest", main, embedder, monkeypatch, capfd)


@pytest.fixture
def rooms(settings: IngestSettings, embedder: Embedder) -> None:
    """Documents in an embedded index that nobody has open."""
    with closing(Index(settings)) as index:
        index.embedder = embedder
        index.own("tests")
        fill(index)


def fill(index: Index) -> None:
    for number in range(ROOMS):
        text = f"The key to room {number} hangs on hook {number * 7}."
        index.add_file(BytesIO(text.encode()), f"room-{number}.txt", f"floor-{number % 3}")
    make_worker(index).drain()


def on_server(settings: IngestSettings) -> IngestSettings:
    return settings.model_copy(update={"qdrant_url": URL})


def known(index: Index) -> list[str]:
    return [record.id for record in index.catalogue.documents()]


@pytest.mark.usefixtures("rooms", "server")
def test_an_index_answers_from_the_server_without_being_embedded_anew(
    cli: Cli,
    settings: IngestSettings,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Embedder, "embed_passages", lambda *_, **__: pytest.fail("embedded anew"))
        ran = cli("transfer", URL, "--json")
    assert ran.code == 0, ran.err
    assert ran.json == {
        "url": URL,
        "passages": ROOMS,
        "copied": ROOMS,
        "searches": 100,
        "agreement": 1.0,
    }
    again = cli("transfer", URL)
    assert again.code == 0
    assert "0 of them copied now" in again.out
    assert f"Set FOOTNOTE_QDRANT_URL={URL}" in again.out
    with closing(Index(on_server(settings))) as index:
        index.embedder = embedder
        make_worker(index).recover()
        assert index.catalogue.unfinished() == 0
        passage = Retriever(index).search("Where does the key to room 5 hang?", 1)[0]
        assert (passage.document, passage.text[-8:]) == ("room-5.txt", "hook 35.")


def test_a_transfer_that_was_stopped_copies_the_rest(
    index: Index, server: QdrantClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(index)
    monkeypatch.setattr(ingest.transferring, "_BATCH", 5)
    target = ServerStore(server, "rooms", 384)

    def stop(done: int) -> None:
        if done >= 5:
            raise Interrupted

    with pytest.raises(Interrupted):
        copy(index.store, target, known(index), stop)
    assert sum(target.editions().values()) == 5
    with pytest.raises(StoreError, match="7 documents are not whole on the server"):
        compare(index.store, target)
    assert copy(index.store, target, known(index), lambda _: None) == ROOMS - 5
    assert compare(index.store, target).agreement == 1.0


def test_a_document_that_came_half_is_copied_again(index: Index, server: QdrantClient) -> None:
    text = "\n\n".join(f"The key to room {number} hangs here. " * 9 for number in range(30))
    index.add_file(BytesIO(text.encode()), "keys.txt", "hotel")
    make_worker(index, chunk_tokens=64).drain()
    [(edition, count)] = index.store.editions().items()
    target = ServerStore(server, "rooms", 384)
    target.upsert(list(index.store.entries(*edition))[: count // 2])
    assert copy(index.store, target, known(index), lambda _: None) == count
    assert target.editions() == {edition: count}
    before = {entry.chunk.id: entry for entry in index.store.entries(*edition)}
    for entry in target.entries(*edition):
        assert entry.chunk == before[entry.chunk.id].chunk
        assert entry.vector == pytest.approx(before[entry.chunk.id].vector, abs=1e-6)


def test_another_index_on_the_server_is_left_alone(index: Index, server: QdrantClient) -> None:
    fill(index)
    target = ServerStore(server, "rooms", 384)
    copy(index.store, target, known(index), lambda _: None)
    with pytest.raises(StoreError, match=r"documents of another index.*FOOTNOTE_QDRANT_COLLECTION"):
        copy(index.store, target, known(index)[1:], lambda _: None)
    assert sum(target.editions().values()) == ROOMS


def test_a_server_that_finds_something_else_is_noticed(index: Index, server: QdrantClient) -> None:
    for number in range(60):
        text = f"The key to room {number} hangs on hook {number * 7}."
        index.add_file(BytesIO(text.encode()), f"room-{number}.txt", "hotel")
    make_worker(index).drain()
    entries = [
        entry for edition in index.store.editions() for entry in index.store.entries(*edition)
    ]
    moved = [
        replace(entry, vector=-other.vector, keywords=other.keywords)
        for entry, other in zip(entries, entries[30:] + entries[:30], strict=True)
    ]
    target = ServerStore(server, "rooms", 384)
    target.upsert(moved)
    with pytest.raises(StoreError, match="of what the index here finds"):
        compare(index.store, target)


@pytest.mark.usefixtures("server")
def test_what_cannot_be_transferred_is_refused(
    cli: Cli,
    settings: IngestSettings,
    embedder: Embedder,
    owner_process: Callable[..., subprocess.Popen[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = cli("transfer", URL)
    assert (empty.code, "This index is empty." in empty.err) == (2, True)
    with closing(Index(settings)) as index:
        index.embedder = embedder
        index.own("tests")
        fill(index)
        index.rebuilds.request("some/model", "auto")
    building = cli("transfer", URL)
    assert (building.code, "`ingest reindex`" in building.err) == (2, True)
    owner = owner_process(settings.data_dir, "assistant serve")
    owned = cli("transfer", URL)
    assert (owned.code, "in use by `assistant serve`" in owned.err) == (1, True)
    owner.kill()
    monkeypatch.setenv("FOOTNOTE_QDRANT_URL", URL)
    there = cli("transfer", URL)
    assert (there.code, "on the Qdrant server" in there.err) == (2, True)


def test_moving_documents_to_an_address_names_the_right_command(cli: Cli) -> None:
    ran = cli("move", "--all", "--to", URL, "--collection", "floor-1")
    assert ran.code == 2
    assert f"`ingest transfer {URL}`" in ran.err


def test_an_index_that_is_too_large_says_so(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(index)
    assert index.outgrown == ""
    monkeypatch.setattr(ingest.index.index, "MOST_EMBEDDED", ROOMS - 1)
    assert "holds 12 passages" in index.outgrown
    assert "`ingest transfer URL`" in index.outgrown
