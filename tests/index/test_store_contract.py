"""What every store promises: one suite over Qdrant Edge and a Qdrant server.

The server is the client's own local mode, and a real one where FOOTNOTE_TEST_QDRANT_URL
names it.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import numpy as np
import pytest
from qdrant_client import QdrantClient, models

from ingest.index.documents import Chunk, document_id
from ingest.index.edge_store import EdgeStore
from ingest.index.embedding import Vectors
from ingest.index.errors import StoreError
from ingest.index.keywords import Keywords, passage_keywords, question_keywords
from ingest.index.memory import release_pages
from ingest.index.server_store import ServerStore, connect
from ingest.index.settings import IndexSettings
from ingest.index.store import Entry, Hit, Store, Where, chunk_id

DIMENSION = 16
SERVER_URL = os.environ.get("FOOTNOTE_TEST_QDRANT_URL")
KINDS = ["edge", "local server", *(["server"] if SERVER_URL else [])]

HARE = document_id("books", "hare.txt")
WHALE = document_id("books", "whale.txt")
LETTER = document_id("letters", "whale.txt")
OLD, NEW = "a" * 64, "b" * 64
EVERYWHERE = Where()

Opener = Callable[..., Store]
MakeEntries = Callable[..., list[Entry]]


@pytest.fixture(params=KINDS)
def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Return a function that opens the store; at every call the same one."""
    kind, collection = request.param, f"footnote-tests-{uuid4().hex}"
    opened: list[Store] = []

    def start(dimension: int = DIMENSION) -> Store:
        if kind == "edge":
            store: Store = EdgeStore(tmp_path / "edge", dimension)
        else:
            local = kind == "local server"
            client = QdrantClient(path=str(tmp_path / "qdrant")) if local else _client()
            with warnings.catch_warnings():
                warnings.filterwarnings(
                    "ignore", "Payload indexes have no effect in the local", UserWarning
                )
                try:
                    store = ServerStore(client, collection, dimension)
                except StoreError:
                    client.close()
                    raise
        opened.append(store)
        return store

    yield start
    for store in opened:
        store.close()
    if kind == "server":
        _client().delete_collection(collection)


@pytest.fixture
def store(open_store: Opener) -> Store:
    return open_store()


@pytest.fixture
def entries(unit_vectors: Callable[[int, int], Vectors]) -> MakeEntries:
    """Return a function to entries of one document, one a text, each with its own vector."""

    def make(
        texts: Sequence[str],
        document: str = HARE,
        version: str = OLD,
        collection: str = "books",
        *,
        kind: str = "text",
        modified: int = 0,
    ) -> list[Entry]:
        made, position = [], 0
        for ordinal, vector in enumerate(unit_vectors(len(texts), DIMENSION)):
            text = texts[ordinal]
            chunk = Chunk(document, version, ordinal, position, position + len(text), text)
            made.append(Entry(chunk, collection, vector, passage_keywords(text), kind, modified))
            position += len(text) + 1
        return made

    return make


def _client() -> QdrantClient:
    return connect(IndexSettings(qdrant_url=SERVER_URL, qdrant_grpc_port=None))


def numbered(count: int) -> list[str]:
    return [f"Passage {number} of many." for number in range(count)]


def ids(made: Sequence[Entry]) -> list[str]:
    return [entry.chunk.id for entry in made]


def documents_of(store: Store, hits: Sequence[Hit]) -> set[str]:
    return {chunk.document_id for chunk in store.fetch([hit.chunk_id for hit in hits])}


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.count(EVERYWHERE) == 0
    assert store.editions() == {}
    assert store.fetch([str(uuid4())]) == []


def test_writing_twice_is_writing_once(store: Store, entries: MakeEntries) -> None:
    made = entries(numbered(150))
    store.upsert(made)
    store.upsert(made)
    assert store.count(EVERYWHERE) == 150


def test_writing_nothing_changes_nothing(store: Store) -> None:
    store.upsert([])
    store.flush()
    assert store.count(EVERYWHERE) == 0


def test_a_known_id_takes_the_place_of_the_old(store: Store, entries: MakeEntries) -> None:
    [before] = entries(["The hare ran."])
    after = replace(before, chunk=replace(before.chunk, heading=("Renamed",)))
    store.upsert([before])
    store.upsert([after])
    assert store.fetch([before.chunk.id]) == [after.chunk]


def test_a_new_version_takes_the_place_of_the_old(store: Store, entries: MakeEntries) -> None:
    old, other = entries(numbered(5)), entries(["Of another document."], document=WHALE)
    new = entries(["Rewritten.", "All of it."], version=NEW)
    store.upsert(old + other)
    store.upsert(new)
    assert store.editions() == {(HARE, OLD): 5, (HARE, NEW): 2, (WHALE, OLD): 1}
    store.delete(HARE, keep=ids(new))
    assert store.editions() == {(HARE, NEW): 2, (WHALE, OLD): 1}


def test_keeping_chunks_that_are_not_there_deletes_all(store: Store, entries: MakeEntries) -> None:
    store.upsert(entries(numbered(3)))
    store.delete(HARE, keep=ids(entries(["Elsewhere."], document=WHALE)))
    assert store.editions() == {}


def test_one_version_is_deleted_alone(store: Store, entries: MakeEntries) -> None:
    store.upsert(entries(numbered(3)) + entries(["Rewritten."], version=NEW))
    store.delete_version(HARE, OLD)
    assert store.editions() == {(HARE, NEW): 1}


def test_texts_and_vectors_of_a_version_can_be_read_again(
    store: Store, entries: MakeEntries
) -> None:
    old, new = entries(numbered(300), version=OLD), entries(["new"], version=NEW)
    store.upsert([*old, *new])
    assert dict(store.texts(HARE, OLD)) == {entry.chunk.id: entry.chunk.text for entry in old}
    for vectors in (dict(store.vectors_of(HARE, OLD)), store.vectors([*ids(old), str(uuid4())])):
        assert vectors.keys() == set(ids(old))
        for entry in old:
            assert np.allclose(vectors[entry.chunk.id], entry.vector, atol=1e-6)
    assert store.vectors([]) == {}


def test_entries_come_back_as_they_were_written(store: Store, entries: MakeEntries) -> None:
    written = entries([*numbered(300), "the"], version=OLD)
    assert written[-1].keywords == Keywords([], [])
    store.upsert([*written, *entries(["new"], version=NEW)])
    read = {entry.chunk.id: entry for entry in store.entries(HARE, OLD)}
    assert read.keys() == set(ids(written))
    for entry in written:
        again = read[entry.chunk.id]
        assert replace(again, vector=entry.vector, keywords=entry.keywords) == entry
        assert np.allclose(again.vector, entry.vector, atol=1e-6)
        weights = dict(zip(entry.keywords.indices, entry.keywords.values, strict=True))
        assert dict(zip(again.keywords.indices, again.keywords.values, strict=True)) == (
            pytest.approx(weights)
        )


def test_delete_takes_one_document_alone(store: Store, entries: MakeEntries) -> None:
    gone, kept = entries(numbered(3)), entries(numbered(2), document=WHALE)
    store.upsert(gone + kept)
    store.delete(HARE)
    assert store.fetch(ids(gone)) == []
    assert store.fetch(ids(kept)) == [entry.chunk for entry in kept]


def test_deleting_an_unknown_document_changes_nothing(store: Store, entries: MakeEntries) -> None:
    store.upsert(entries(numbered(3)))
    store.delete(WHALE)
    assert store.count(EVERYWHERE) == 3


def test_dense_hits_come_nearest_first(store: Store, entries: MakeEntries) -> None:
    made = entries(numbered(30))
    store.upsert(made)
    question = 0.9 * made[4].vector + 0.4 * made[20].vector
    question /= np.linalg.norm(question)
    cosines = {entry.chunk.id: float(entry.vector @ question) for entry in made}
    expected = sorted(cosines, key=lambda key: -cosines[key])[:5]

    hits = store.search(question, Keywords([], []), 5, EVERYWHERE)

    assert [hit.chunk_id for hit in hits.dense] == expected
    assert [hit.score for hit in hits.dense] == pytest.approx(
        [cosines[key] for key in expected], abs=1e-3
    )
    assert hits.keywords == []


def test_keyword_hits_come_best_first_and_only_where_a_word_meets(
    store: Store, entries: MakeEntries
) -> None:
    texts = [
        "Nothing to see here.",
        "A harpoon lay on the deck beside the ropes of the boat.",
        "The harpoon, the harpoon! And the whale.",
        "A whale was seen from the deck at noon by all of the men.",
    ]
    made = entries(texts)
    store.upsert(made)

    hits = store.search(made[0].vector, question_keywords("harpoon whales"), 10, EVERYWHERE)

    found = [hit.chunk_id for hit in hits.keywords]
    assert found[0] == made[2].chunk.id
    assert set(found) == {made[number].chunk.id for number in (1, 2, 3)}
    scores = [hit.score for hit in hits.keywords]
    assert scores == sorted(scores, reverse=True)
    assert hits.dense[0].chunk_id == made[0].chunk.id


def test_a_hit_tells_its_chunk_and_those_beside_it(store: Store, entries: MakeEntries) -> None:
    made = entries(["The hare.", "The whale.", "The fox."], document=WHALE, version=NEW)
    store.upsert(made)
    hits = store.search(made[1].vector, question_keywords("whale"), 1, EVERYWHERE)
    for [hit] in (hits.dense, hits.keywords):
        assert hit.chunk_id == made[1].chunk.id
        beside = [chunk_id(hit.number - 1), chunk_id(hit.number + 1)]
        assert beside == [made[0].chunk.id, made[2].chunk.id]


def test_both_lists_end_at_the_limit(store: Store, entries: MakeEntries) -> None:
    made = entries(numbered(20))
    store.upsert(made)
    hits = store.search(made[0].vector, question_keywords("passage"), 3, EVERYWHERE)
    assert (len(hits.dense), len(hits.keywords)) == (3, 3)


@pytest.mark.parametrize(
    ("where", "documents"),
    [
        (EVERYWHERE, {HARE, WHALE, LETTER}),
        (Where(collection="books"), {HARE, WHALE}),
        (Where(collection="letters"), {LETTER}),
        (Where(document_ids=(HARE, LETTER)), {HARE, LETTER}),
        (Where(collection="books", document_ids=(HARE, LETTER)), {HARE}),
        (Where(document_ids=()), set()),
        (Where(collection="none"), set()),
    ],
)
def test_search_and_count_keep_to_where(
    store: Store, entries: MakeEntries, where: Where, documents: set[str]
) -> None:
    made = entries(numbered(3))
    store.upsert(made)
    store.upsert(entries(numbered(3), document=WHALE))
    store.upsert(entries(numbered(3), document=LETTER, collection="letters"))

    hits = store.search(made[0].vector, question_keywords("passage"), 50, where)

    assert documents_of(store, hits.dense) == documents
    assert documents_of(store, hits.keywords) == documents
    assert store.count(where) == 3 * len(documents)


DAY = 86_400


@pytest.mark.parametrize(
    ("where", "documents"),
    [
        (Where(kinds=("pdf",)), {HARE}),
        (Where(kinds=("pdf", "html")), {HARE, WHALE}),
        (Where(kinds=()), set()),
        (Where(kinds=("PDF",)), set()),
        (Where(since=10 * DAY), {HARE, WHALE}),
        (Where(since=10 * DAY + 1), {WHALE}),
        (Where(before=10 * DAY), {LETTER}),
        (Where(before=10 * DAY + 1), {HARE, LETTER}),
        (Where(since=-5 * DAY, before=20 * DAY), {HARE, LETTER}),
        (Where("books", (HARE, LETTER), ("pdf", "text"), -9 * DAY, 99 * DAY), {HARE}),
    ],
)
def test_kinds_and_dates_confine_a_search(
    store: Store, entries: MakeEntries, where: Where, documents: set[str]
) -> None:
    made = entries(numbered(3), kind="pdf", modified=10 * DAY)
    store.upsert(made)
    store.upsert(entries(numbered(3), document=WHALE, kind="html", modified=20 * DAY))
    letter = entries(numbered(3), document=LETTER, collection="letters", modified=-5 * DAY)
    store.upsert(letter)

    hits = store.search(made[0].vector, question_keywords("passage"), 50, where)

    assert documents_of(store, hits.dense) == documents
    assert documents_of(store, hits.keywords) == documents
    assert store.count(where) == 3 * len(documents)


def test_a_document_written_again_is_found_by_what_it_is_now(
    store: Store, entries: MakeEntries
) -> None:
    store.upsert(entries(numbered(2), kind="text", modified=1))
    store.upsert(entries(numbered(2), kind="markdown", modified=2))
    assert store.count(Where(kinds=("text",))) == store.count(Where(before=2)) == 0
    assert store.count(Where(kinds=("markdown",), since=2)) == 2


def test_fetch_keeps_the_order_and_leaves_out_unknown_ids(
    store: Store, entries: MakeEntries
) -> None:
    made = entries(numbered(4))
    store.upsert(made)
    asked = [made[3].chunk.id, str(uuid4()), made[0].chunk.id, made[2].chunk.id]
    assert [chunk.ordinal for chunk in store.fetch(asked)] == [3, 0, 2]


@pytest.mark.parametrize(
    "chunk",
    [
        Chunk(HARE, OLD, 0, 0, 5, "plain"),
        Chunk(
            HARE, OLD, 7, 1_000, 1_009, "Zürich 東京 🐇\n\t\"q\" \\ 'x'", 12, ("Part I", "§ 2 «é»")
        ),
        Chunk(HARE, OLD, 1, 5, 6, "\u202e", 1, ("",)),
        Chunk(HARE, OLD, 2, 9, 14, "third", lead="\n\u2028 ", around=((0, 5), (5, 6), (15, 20))),
    ],
)
def test_a_chunk_comes_back_as_it_was_written(
    store: Store, unit_vectors: Callable[[int, int], Vectors], chunk: Chunk
) -> None:
    keywords = passage_keywords(chunk.text)
    store.upsert([Entry(chunk, "books", unit_vectors(1, DIMENSION)[0], keywords, "text", 0)])
    assert store.fetch([chunk.id]) == [chunk]


def test_everything_is_there_after_closing_and_opening(
    open_store: Opener, entries: MakeEntries
) -> None:
    made = entries(numbered(100))
    first = open_store()
    first.upsert(made)
    first.delete(WHALE)
    first.close()

    second = open_store()

    assert second.editions() == {(HARE, OLD): 100}
    assert second.fetch(ids(made)) == [entry.chunk for entry in made]
    hits = second.search(made[42].vector, question_keywords("42"), 1, EVERYWHERE)
    assert [hit.chunk_id for hit in hits.dense + hits.keywords] == [made[42].chunk.id] * 2


def test_closing_twice_is_closing_once(store: Store) -> None:
    store.close()
    store.close()


def test_a_store_of_another_dimension_is_refused(open_store: Opener, entries: MakeEntries) -> None:
    first = open_store()
    first.upsert(entries(numbered(3)))
    first.close()
    with pytest.raises(StoreError):
        open_store(dimension=DIMENSION * 2)


# -- Edge alone ------------------------------------------------------------------------------

CRASH = """
import os, signal, sys
from pathlib import Path
import numpy as np
from ingest.index.documents import Chunk
from ingest.index.edge_store import EdgeStore
from ingest.index.keywords import passage_keywords
from ingest.index.store import Entry

folder, document, count, dimension = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
store = EdgeStore(Path(folder), dimension)
for first in range(0, count, 100):
    store.upsert([
        Entry(
            Chunk(document, "a" * 64, n, n, n + 1, f"{n}"),
            "books",
            np.eye(dimension, dtype="float32")[n % dimension],
            passage_keywords(f"word{n}"),
            "text",
            0,
        )
        for n in range(first, first + 100)
    ])
    store.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""

OPEN = """
import sys
from pathlib import Path
from ingest.index.edge_store import EdgeStore
from ingest.index.errors import StoreError
try:
    EdgeStore(Path(sys.argv[1]), int(sys.argv[2]))
except StoreError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[EdgeStore]:
    opened = EdgeStore(tmp_path / "edge", DIMENSION)
    yield opened
    opened.close()


def run_script(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_edge_has_every_flushed_chunk_after_a_crash(tmp_path: Path) -> None:
    crashed = run_script(CRASH, tmp_path / "edge", HARE, 1000, DIMENSION)
    assert crashed.returncode == -signal.SIGKILL, crashed.stderr

    store = EdgeStore(tmp_path / "edge", DIMENSION)

    expected = [Chunk(HARE, OLD, n, n, n + 1, f"{n}") for n in range(1000)]
    assert store.editions() == {(HARE, OLD): 1000}
    assert store.fetch([chunk.id for chunk in expected]) == expected
    store.close()


def test_edge_refuses_a_second_opener_in_this_process(edge: EdgeStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="Stop that process, or choose another FOOTNOTE_DATA_DIR"):
        EdgeStore(tmp_path / "edge", DIMENSION)


def test_edge_refuses_a_second_process(edge: EdgeStore, tmp_path: Path) -> None:
    second = run_script(OPEN, tmp_path / "edge", DIMENSION)
    assert second.returncode == 1
    assert "is open in another process" in second.stderr
    assert "Stop that process, or choose another FOOTNOTE_DATA_DIR" in second.stderr


@pytest.mark.parametrize(
    "vector",
    [
        np.ones(DIMENSION + 1, dtype="float32"),
        np.ones(DIMENSION - 1, dtype="float32"),
        np.full(DIMENSION, np.nan, dtype="float32"),
        np.array([np.inf] + [0.0] * (DIMENSION - 1), dtype="float32"),
    ],
    ids=["too long", "too short", "NaN", "infinite"],
)
def test_edge_refuses_a_vector_that_would_spoil_it(
    edge: EdgeStore, entries: MakeEntries, vector: Vectors
) -> None:
    good, other = entries(numbered(2))
    bad = replace(other, vector=vector)
    with pytest.raises(StoreError, match="Check the embedding model"):
        edge.upsert([good, bad])
    assert edge.count(EVERYWHERE) == 0
    edge.upsert([good])
    assert edge.count(EVERYWHERE) == 1


def test_edge_writes_nothing_to_a_full_disk_and_loses_nothing(
    edge: EdgeStore, entries: MakeEntries, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entries(numbered(10))
    edge.upsert(made[:5])
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100 << 20))
        for write in (lambda: edge.upsert(made[5:]), edge.flush):
            with pytest.raises(StoreError, match=r"100 MB left.*Free at least 256 MB"):
                write()
        assert edge.fetch(ids(made)) == [entry.chunk for entry in made[:5]]
    edge.upsert(made[5:])
    edge.flush()
    assert edge.count(EVERYWHERE) == 10


def test_edge_has_its_files_fetched_until_it_is_closed(
    edge: EdgeStore, entries: MakeEntries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    edge.upsert(entries(numbered(10)))
    edge.close()
    asked, ended = list[Path](), threading.Event()

    def fetch(folder: Path, stop: threading.Event) -> None:
        asked.append(folder)
        assert stop.wait(20)
        ended.set()

    monkeypatch.setattr("ingest.index.edge_store.fetch_pages", fetch)
    again = EdgeStore(tmp_path / "edge", DIMENSION)
    assert again.count(EVERYWHERE) == 10
    assert not ended.is_set()
    again.close()
    assert ended.wait(20)
    assert asked == [tmp_path / "edge" / "segments"]


def test_edge_finds_all_whose_pages_it_let_go_of(
    edge: EdgeStore, entries: MakeEntries, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("ingest.index.edge_store._HELD", 100)
    released = list[Path]()
    monkeypatch.setattr(
        "ingest.index.edge_store.release_pages",
        lambda folder: (released.append(folder), release_pages(folder)),
    )
    made = entries(numbered(450))
    for first in range(0, 450, 50):
        edge.upsert(made[first : first + 50])
        edge.flush()
        found = edge.search(made[first].vector, made[first].keywords, 10, EVERYWHERE)
        assert found.dense[0].chunk_id == made[first].chunk.id
    assert released == [tmp_path / "edge"] * 4
    edge.close()
    again = EdgeStore(tmp_path / "edge", DIMENSION)
    assert again.fetch(ids(made)) == [entry.chunk for entry in made]
    again.close()


@pytest.mark.parametrize("damaged", ["segments/*/segment.json", "edge_config.json", "segments/*/*"])
def test_a_damaged_edge_is_put_aside(
    edge: EdgeStore, entries: MakeEntries, tmp_path: Path, damaged: str
) -> None:
    edge.upsert(entries(numbered(20)))
    edge.close()
    found = [path for path in (tmp_path / "edge").glob(damaged) if path.is_file()]
    for path in found:
        path.write_bytes(b"not what was written")
    again = EdgeStore(tmp_path / "edge", DIMENSION)
    try:
        assert again.count(EVERYWHERE) in (0, 20)
        again.upsert(entries(numbered(3)))
        assert again.count(EVERYWHERE) in (3, 20)
    finally:
        again.close()
    if found and damaged != "edge_config.json":
        assert len(list(tmp_path.glob("edge.damaged-*"))) == 1


def test_edge_says_so_when_it_is_closed(edge: EdgeStore) -> None:
    edge.close()
    with pytest.raises(StoreError, match="closed"):
        edge.count(EVERYWHERE)


def test_edge_is_closed_after_who_reads_it(edge: EdgeStore, entries: MakeEntries) -> None:
    made = entries(numbered(2000))
    edge.upsert(made)
    reads, errors = threading.Semaphore(0), []

    def read() -> None:
        try:
            while True:
                reads.release()
                edge.fetch(ids(made))
        except StoreError as error:
            errors.append(str(error))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for _ in range(12):
        assert reads.acquire(timeout=10)
    edge.close()
    for reader in readers:
        reader.join(10)
    assert len(errors) == 4
    assert all("closed" in error for error in errors)


# -- a server alone --------------------------------------------------------------------------


@pytest.mark.parametrize("grpc_port", [None, 9], ids=["http", "grpc"])
def test_an_unreachable_server_is_a_sentence_with_a_next_step(grpc_port: int | None) -> None:
    client = connect(
        IndexSettings(qdrant_url="http://127.0.0.1:9", qdrant_grpc_port=grpc_port, _env_file=None)
    )
    with pytest.raises(StoreError, match="or correct FOOTNOTE_QDRANT_URL") as refused:
        ServerStore(client, "footnote", DIMENSION)
    assert refused.value.retryable
    client.close()


def test_quantization_is_asked_of_the_server_and_its_results_rescored(
    entries: MakeEntries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's local mode takes these calls and ignores them, so the calls are looked at."""
    client = QdrantClient(":memory:")
    asked: list[tuple[str, object]] = []

    def watch(method: str, of: Callable[[tuple[object, ...], dict[str, object]], object]) -> None:
        plain = getattr(client, method)

        def watched(*given: object, **named: object) -> object:
            asked.append((method, of(given, named)))
            return plain(*given, **named)

        monkeypatch.setattr(client, method, watched)

    watch("update_collection", lambda _, named: named["quantization_config"])
    watch("query_batch_points", lambda given, _: [one.params for one in given[1]])
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Payload indexes have no effect", UserWarning)
        store = ServerStore(client, "plain", DIMENSION)
        made = entries(numbered(20))
        store.upsert(made)
        store.search(made[3].vector, made[3].keywords, 5, EVERYWHERE)
        assert asked == [("query_batch_points", [None, None])]
        asked.clear()
        store = ServerStore(client, "plain", DIMENSION, quantized=True)
    [(_, config)] = asked
    assert isinstance(config, models.ScalarQuantization)
    assert config.scalar.type == models.ScalarType.INT8
    asked.clear()
    within = Where(collection="books", document_ids=(HARE,))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Local mode performs exact", UserWarning)
        found = store.search(made[3].vector, made[3].keywords, 5, within)
    assert found.dense[0].chunk_id == made[3].chunk.id
    [(_, [dense, keywords])] = asked
    assert dense.quantization.rescore
    assert dense.quantization.oversampling == 2.0
    assert keywords is None
