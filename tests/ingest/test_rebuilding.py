"""Another embedding model: a second index is built while the first answers, then takes over."""

import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from qdrant_client import QdrantClient
from small_model import DIMENSION, MAX_TOKENS
from working import make_worker

import ingest.rebuilding
from assistant.retrieval import Retriever
from ingest.index.edge_store import EdgeStore
from ingest.index.embedding import Embedder
from ingest.index.errors import FootnoteError, InputError, StoreError
from ingest.index.index import Index
from ingest.index.rebuilds import Rebuilds
from ingest.index.settings import DEFAULT_MODEL
from ingest.index.store import Where
from ingest.index.tables import Record, State
from ingest.pipeline import Pipeline
from ingest.queue import Done, Queue
from ingest.settings import IngestSettings
from ingest.worker import Worker

pytestmark = pytest.mark.slow

TOWER = "The tower of the town hall has four bells. The oldest was cast in 1498."
HARBOUR = "Ships enter the harbour at high tide. " * 20
MILL = "The mill by the river grinds rye and wheat."
TEXTS = {"tower.txt": TOWER, "harbour.txt": HARBOUR, "mill.txt": MILL}

Open = Callable[[], Index]


class _Shared(QdrantClient):
    """A client's local mode in a server's place: every process of a test has the same one."""

    def close(self, *_: Any, **__: Any) -> None:
        pass


@pytest.fixture(params=["edge", "server"])
def open_index(
    request: pytest.FixtureRequest,
    settings: IngestSettings,
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Open]:
    """Return a function that opens the same index anew, as another process would."""
    if request.param == "server":
        client = _Shared(":memory:")
        monkeypatch.setattr("ingest.index.server_store.connect", lambda _: client)
        settings = settings.model_copy(update={"qdrant_url": "http://127.0.0.1:1"})
        warnings.filterwarnings("ignore", "Payload indexes have no effect in the local")
    opened: list[Index] = []

    def start() -> Index:
        index = Index(settings)
        opened.append(index)
        if index.fingerprint in (None, embedder.fingerprint):
            index.embedder = embedder
        index.own("tests")
        return index

    yield start
    for index in opened:
        index.close()


@pytest.fixture
def index(open_index: Open) -> Index:
    """Three documents, indexed with the default model."""
    index = open_index()
    add(index, **TEXTS)
    make_worker(index).drain()
    return index


def add(index: Index, **texts: str) -> list[Record]:
    return [index.add_file(BytesIO(text.encode()), name, "town")[0] for name, text in texts.items()]


def rebuild(index: Index, model: Path, worker: Worker | None = None) -> None:
    index.rebuilds.request(str(model), "auto")
    finish(index, worker or make_worker(index))


def finish(index: Index, worker: Worker) -> None:
    """Let a worker build what was asked for to its end."""
    ended = lambda: index.rebuilds.wanted() is None and not index.rebuilds.retired()  # noqa: E731
    stop = threading.Event()
    guard = threading.Timer(60, stop.set)
    guard.start()
    worker.run(stop, 0.01, done=ended)
    guard.cancel()
    assert not stop.is_set()


def found(index: Index, question: str) -> list[str]:
    return [passage.document for passage in Retriever(index).search(question, 3)]


def is_whole(index: Index) -> bool:
    """Whether store and catalogue agree, for every document that can be searched."""
    documents = [one for one in index.catalogue.documents() if one.version is not None]
    wanted = {(one.id, one.version): one.chunks for one in documents}
    return dict(index.store.editions()) == wanted


def stores(index: Index) -> set[str]:
    """The names of the stores that there are."""
    if index.embedded:
        return {folder.name for folder in index.settings.data_dir.glob("edge*")}
    from ingest.index.server_store import connect

    return {one.name for one in connect(index.settings).get_collections().collections}


def test_the_index_goes_over_to_another_model(
    index: Index, open_index: Open, small_model: Path
) -> None:
    before = stores(index)
    rebuild(index, small_model)
    fingerprint = index.fingerprint
    assert fingerprint is not None
    assert (fingerprint.model, fingerprint.dimension) == (str(small_model), DIMENSION)
    assert index.embedder.fingerprint == fingerprint
    assert is_whole(index)
    assert found(index, "When was the oldest bell cast?")[0] == "tower.txt"
    [harbour] = (one for one in index.catalogue.documents() if one.name == "harbour.txt")
    for chunk in index.store.fetch([key for key, _ in chunks_of(index, harbour)]):
        assert len(index.embedder.tokenizer.encode(chunk.text).ids) <= MAX_TOKENS
    assert not before & stores(index)
    index.close()
    again = open_index()
    assert again.embedder.fingerprint == fingerprint
    assert found(again, "Where do ships go?")[0] == "harbour.txt"
    make_worker(again).recover()
    assert again.catalogue.unfinished() == 0


def chunks_of(index: Index, record: Record) -> list[tuple[str, str]]:
    return list(index.store.texts(record.id, record.version or ""))


def test_every_search_meanwhile_is_answered(
    index: Index, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.rebuilding, "_DOCUMENTS", 1)
    answers: list[tuple[int, list[str]]] = []
    errors: list[BaseException] = []
    ended = threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                number = index.current.number
                answers.append((number, found(index, "When was the oldest bell cast?")))
            except Exception as error:  # noqa: BLE001  whatever it is, the test tells it
                errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.2)
    rebuild(index, small_model)
    time.sleep(0.2)
    ended.set()
    for thread in threads:
        thread.join()
    assert not errors
    assert {number for number, _ in answers} == {1, 2}
    assert all(names[0] == "tower.txt" for _, names in answers)


def test_what_changes_meanwhile_is_in_the_new_index(
    index: Index, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One document is added, one replaced and one removed after the first was brought over."""
    monkeypatch.setattr(ingest.rebuilding, "_DOCUMENTS", 1)
    changes = [
        lambda: add(index, **{"ferry.txt": "The ferry leaves at noon."}),
        lambda: add(index, **{"mill.txt": "The mill is a museum now."}),
        lambda: add(index, **{"tower.txt": TOWER + " It was struck by lightning in 1771."}),
        lambda: index.catalogue.remove(named(index, "harbour.txt").id),
    ]
    bring_over = ingest.rebuilding.Rebuilder._bring_over

    def after(*given: Any) -> None:
        bring_over(*given)
        if changes:
            changes.pop(0)()

    monkeypatch.setattr(ingest.rebuilding.Rebuilder, "_bring_over", after)
    rebuild(index, small_model)
    assert not changes
    assert index.fingerprint is not None
    assert index.fingerprint.dimension == DIMENSION
    make_worker(index).drain()
    assert is_whole(index)
    names = {one.name for one in index.catalogue.documents()}
    assert names == {"ferry.txt", "mill.txt", "tower.txt"}
    assert found(index, "What is a museum now?")[0] == "mill.txt"
    assert found(index, "When does the ferry leave?")[0] == "ferry.txt"
    assert found(index, "lightning")[0] == "tower.txt"


def named(index: Index, name: str) -> Record:
    return next(one for one in index.catalogue.documents() if one.name == name)


def test_a_document_that_is_ready_in_the_moment_of_the_switch_puts_it_off(
    index: Index, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = Rebuilds.counts
    late = ["ferry.txt"]

    def interrupted(self: Rebuilds, number: int) -> Any:
        # After everything was found to be there, before the switch.
        if late:
            add(index, **{late.pop(): "The ferry leaves at noon."})
            second = make_worker(index)
            with patch.object(Rebuilds, "wanted", lambda _: None):
                second.drain()
        return counts(self, number)

    monkeypatch.setattr(Rebuilds, "counts", interrupted)
    rebuild(index, small_model)
    assert is_whole(index)
    assert found(index, "When does the ferry leave?")[0] == "ferry.txt"


def test_a_rebuild_that_was_stopped_goes_on_where_it_was(
    index: Index, open_index: Open, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.rebuilding, "BATCH", 2)
    total = index.catalogue.passages()
    index.rebuilds.request(str(small_model), "auto")
    stop = threading.Event()
    with patch.object(Pipeline, "write", _ends_after(Pipeline.write, 2, stop)):
        make_worker(index).run(stop, 0.01)
    progress = index.rebuilds.progress(2)
    assert progress.of_documents == 3
    assert progress.of_passages == total
    assert found(index, "When was the oldest bell cast?")[0] == "tower.txt"
    number = index.current.number
    index.close()
    again = open_index()
    assert again.current.number == number == 1
    embedded: list[int] = []
    embed = Embedder.embed_passages

    def counting(self: Embedder, texts: Any, on_progress: Any = None) -> Any:
        embedded.append(len(texts))
        return embed(self, texts, on_progress)

    with patch.object(Embedder, "embed_passages", counting):
        finish(again, make_worker(again))
    assert is_whole(again)
    # What the first had written by then is not embedded again.
    assert sum(embedded) <= again.catalogue.passages() - 4


def _ends_after(write: Callable[..., None], calls: int, stop: threading.Event) -> Any:
    left = [calls]

    def ending(*given: Any) -> None:
        write(*given)
        left[0] -= 1
        if not left[0]:
            stop.set()
            raise ingest.rebuilding._EndedError

    return ending


def test_what_is_given_up_is_removed_and_the_old_index_stays(
    index: Index, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stores(index)
    asked = index.rebuilds.request(str(small_model), "auto")
    during: set[str] = set()

    def cancelling(*given: Any) -> None:
        write(*given)
        if not during:
            during.update(stores(index))
            index.rebuilds.cancel()
            monkeypatch.setattr(ingest.rebuilding, "_REPORT_SECONDS", 0.0)

    write = Pipeline.write
    monkeypatch.setattr(ingest.rebuilding, "BATCH", 2)
    monkeypatch.setattr(Pipeline, "write", cancelling)
    finish(index, make_worker(index))
    assert len(during) == len(before) + 1
    assert stores(index) == before
    assert index.current.number == 1
    assert found(index, "When was the oldest bell cast?")[0] == "tower.txt"
    assert is_whole(index)
    assert index.rebuilds.request(str(small_model), "auto").number > asked.number - 1


def test_a_second_model_is_refused_while_one_is_built(index: Index, small_model: Path) -> None:
    index.rebuilds.request(str(small_model), "auto")
    index.rebuilds.note(2, fingerprint=index.embedder.fingerprint.to_json())
    with pytest.raises(InputError, match=r"built anew with .*small.*`ingest reindex --cancel`"):
        index.rebuilds.request(DEFAULT_MODEL, "auto")


def test_an_unknown_model_ends_in_a_sentence_and_another_can_be_asked_for(
    index: Index, small_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    index.rebuilds.request("nobody/no-such-model", "auto")
    worker = make_worker(index)
    stop = threading.Event()
    worker.run(stop, 0.01, done=lambda: (now := index.rebuilds.wanted()) is None or now.failed)
    now = index.rebuilds.wanted()
    assert now is not None
    assert "nobody/no-such-model cannot be loaded" in (now.error or "")
    assert found(index, "When was the oldest bell cast?")[0] == "tower.txt"
    rebuild(index, small_model)
    assert index.fingerprint is not None
    assert index.fingerprint.model == str(small_model)


def test_what_cannot_be_brought_over_has_failed_with_its_reason(
    index: Index, small_model: Path
) -> None:
    mill = named(index, "mill.txt")
    index.files.delete(mill.sha256)
    rebuild(index, small_model)
    mill = named(index, "mill.txt")
    assert (mill.state, mill.version, mill.chunks) == (State.FAILED, None, 0)
    assert "missing" in (mill.error or "")
    assert is_whole(index)
    assert found(index, "When was the oldest bell cast?")[0] == "tower.txt"


@contextmanager
def _full(number: int) -> Iterator[None]:
    """The disk is full for the store of one generation."""

    def require_space(store: EdgeStore) -> None:
        if store._folder.name.endswith(f"-{number}"):
            raise StoreError("The disk of the data folder is almost full.", "Free some.")

    with patch.object(EdgeStore, "_require_space", require_space):
        yield


def test_a_full_disk_is_waited_out(index: Index, small_model: Path) -> None:
    if not index.embedded:
        pytest.skip("a server looks after its own disk")
    index.rebuilds.request(str(small_model), "auto")
    worker = make_worker(index)
    stop = threading.Event()
    with _full(2):
        threading.Timer(0.3, stop.set).start()
        worker.run(stop, 0.01)
        now = index.rebuilds.wanted()
        assert now is not None
        assert now.error == "The disk of the data folder is almost full. Free some."
        assert not now.failed
        assert found(index, "When was the oldest bell cast?")[0] == "tower.txt"
    finish(index, make_worker(index))
    assert is_whole(index)


def test_another_process_goes_over_at_its_next_search(
    index: Index, open_index: Open, small_model: Path
) -> None:
    if index.embedded:
        pytest.skip("an embedded index has one process")
    other = open_index()
    assert found(other, "When was the oldest bell cast?")[0] == "tower.txt"
    rebuild(index, small_model)
    assert other.current.number == 1
    assert found(other, "When was the oldest bell cast?")[0] == "tower.txt"
    assert other.embedder.fingerprint == index.fingerprint


def test_a_search_during_which_another_process_switches_is_answered(
    index: Index, open_index: Open, small_model: Path
) -> None:
    if index.embedded:
        pytest.skip("an embedded index has one process")
    other = open_index()
    embed = Embedder.embed_questions
    switched: list[bool] = []

    def interrupted(self: Embedder, texts: list[str]) -> Any:
        vectors = embed(self, texts)
        if not switched:
            switched.append(True)
            rebuild(index, small_model)
        return vectors

    with patch.object(Embedder, "embed_questions", interrupted):
        assert found(other, "When was the oldest bell cast?")[0] == "tower.txt"
    assert switched
    assert other.current.number == 2


def test_a_document_begun_before_the_switch_is_indexed_again_after_it(
    index: Index, open_index: Open, small_model: Path
) -> None:
    if index.embedded:
        pytest.skip("an embedded index has one process")
    other = open_index()
    [ferry] = add(other, **{"ferry.txt": "The ferry leaves at noon."})
    write = Pipeline.write
    switched: list[bool] = []

    def interrupted(*given: Any) -> None:
        write(*given)
        if not switched:
            switched.append(True)
            rebuild(index, small_model)

    stop = threading.Event()
    threading.Timer(60, stop.set).start()
    with patch.object(Pipeline, "write", interrupted):
        make_worker(other).run(stop, 0.01, done=lambda: not other.catalogue.unfinished())
    assert switched
    assert not stop.is_set()
    assert named(other, "ferry.txt").state == State.READY
    assert is_whole(index)
    assert found(index, "When does the ferry leave?")[0] == "ferry.txt"
    assert ferry.id in {key for key, _ in index.store.editions()}


def test_a_generation_is_held_by_one_worker(index: Index, small_model: Path) -> None:
    rebuilds = Rebuilds(index.database, clock=lambda: now[0])
    now = [1000.0]
    number = rebuilds.request(str(small_model), "auto").number
    assert rebuilds.hold(number, "one", 60)
    assert not rebuilds.hold(number, "two", 60)
    assert rebuilds.hold(number, "one", 60)
    now[0] += 61
    assert rebuilds.hold(number, "two", 60)
    assert not rebuilds.hold(number, "one", 60)
    assert rebuilds.hold(number, "one", 60, force=True)
    rebuilds.release(number, "one")
    assert rebuilds.hold(number, "two", 60)


def test_work_for_an_earlier_generation_is_refused(index: Index, small_model: Path) -> None:
    rebuild(index, small_model)
    [ferry] = add(index, **{"ferry.txt": "The ferry leaves at noon."})
    queue = Queue(index.database, "late")
    [ferry] = queue.claim(1, 60.0)
    done = Done(ferry, "text", "en", 1, 1, pages=None, characters=25)
    with pytest.raises(StoreError, match="another embedding model"):
        queue.finish([done], generation=1)
    assert queue.finish([done], generation=2) == {ferry.id}


def test_a_new_process_may_name_the_old_model_no_more(
    index: Index, settings: IngestSettings, small_model: Path
) -> None:
    rebuild(index, small_model)
    named_old = settings.model_copy(
        update={"embedding_model": DEFAULT_MODEL, "qdrant_url": index.settings.qdrant_url}
    )
    with closing(Index(named_old)) as other, pytest.raises(FootnoteError) as refused:
        other.embedder.load()
    assert f"built with {small_model}" in refused.value.what
    assert f"`ingest reindex --model {DEFAULT_MODEL}`" in refused.value.next_step


def test_an_index_without_documents_goes_over_too(open_index: Open, small_model: Path) -> None:
    index = open_index()
    rebuild(index, small_model)
    add(index, **TEXTS)
    make_worker(index).drain()
    assert index.store.count(Where()) == index.catalogue.passages() > 0
    assert index.embedder.fingerprint.dimension == DIMENSION
    assert is_whole(index)
