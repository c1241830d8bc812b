"""The worker: every document reaches its end, whatever happens on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

import ingest.pipeline
from ingest.index.catalogue import Record, State
from ingest.index.embedding import Embedder
from ingest.index.errors import StoreError
from ingest.index.index import Index
from ingest.index.keywords import passage_keywords, question_keywords
from ingest.index.store import Entry, Where
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import MAX_ATTEMPTS, Worker

HARE = "The hare ran over the field and slept under a tree."
TORTOISE = "The tortoise walked on and was the first to arrive."
LONG = "\n\n".join(f"Paragraph {n} tells of item {n * n} in the list of goods." for n in range(60))

WORKER_PROCESS = """
import ingest.pipeline
ingest.pipeline._BATCH = 16
from ingest.__main__ import app
app(["worker"])
"""


@pytest.fixture
def worker(index: Index) -> Worker:
    return Worker(index, Pipeline(index, 200))


def add(index: Index, text: str, name: str = "book.txt", collection: str = "books") -> Record:
    return index.add_file(BytesIO(text.encode()), name, collection)[0]


def add_ready(index: Index, worker: Worker, text: str, name: str = "book.txt") -> Record:
    record = add(index, text, name)
    assert worker.step()
    done = get(index, record.id)
    assert done.state == State.READY, done.error
    return done


def get(index: Index, key: str) -> Record:
    record = index.catalogue.get(key)
    assert record is not None
    return record


def searchable(index: Index, word: str) -> list[str]:
    """The texts that a reader gets for a word: only of versions that the catalogue names."""
    vector = index.embedder.embed_question(word)
    hits = index.store.search(vector, question_keywords(word), 10, Where()).keywords
    shown = index.catalogue.versions({hit.document_id for hit in hits})
    counted = [h.chunk_id for h in hits if shown.get(h.document_id, ("",))[0] == h.version]
    return [chunk.text for chunk in index.store.fetch(counted)]


def stored_files(index: Index) -> set[str]:
    folder = index.settings.data_dir / "files"
    return {f"{p.relative_to(folder).parts[0]}/{p.name}" for p in folder.rglob("*") if p.is_file()}


def later(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index.catalogue, "_clock", lambda: time.time() + 10_000)


def fails(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


# -- one document ----------------------------------------------------------------------------


def test_nothing_to_do_is_no_step(worker: Worker) -> None:
    assert not worker.step()


def test_a_document_becomes_searchable(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, f"# Fable\n\n{HARE}", "fable.md")

    assert (record.chunks, record.pages, record.version) == (1, None, record.sha256)
    assert record.characters == len(f"# Fable\n\n{HARE}")
    assert index.store.editions() == {(record.id, record.sha256): 1}
    assert searchable(index, "hare") == [f"# Fable\n\n{HARE}"]
    document = index.files.document(record.sha256)
    assert document is not None
    assert document.text == f"# Fable\n\n{HARE}"
    assert not worker.step()


def test_progress_tells_the_stages_in_order(index: Index) -> None:
    seen: list[tuple[str, str, float]] = []
    add(index, LONG)
    Worker(index, Pipeline(index, 32), lambda *at: seen.append(at)).step()
    assert {name for name, _, _ in seen} == {"book.txt"}
    stages = [stage for _, stage, _ in seen]
    assert list(dict.fromkeys(stages)) == ["reading", "splitting", "embedding"]
    fractions = [fraction for _, stage, fraction in seen if stage == "embedding"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_long_document_is_written_in_batches(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.pipeline, "_BATCH", 7)
    record = add(index, LONG)
    Worker(index, Pipeline(index, 32)).step()
    done = get(index, record.id)
    assert done.chunks > 7
    assert index.store.editions() == {(record.id, record.sha256): done.chunks}


def test_a_replacement_leaves_nothing_of_the_old(index: Index, worker: Worker) -> None:
    old = add_ready(index, worker, HARE)
    new = add(index, TORTOISE)
    assert searchable(index, "hare") == [HARE]
    worker.step()
    assert searchable(index, "hare") == []
    assert searchable(index, "tortoise") == [TORTOISE]
    assert index.store.editions() == {(old.id, new.sha256): 1}
    assert stored_files(index) == {f"originals/{new.sha256}", f"texts/{new.sha256}"}


def test_content_that_another_document_uses_is_kept(index: Index, worker: Worker) -> None:
    mine = add_ready(index, worker, HARE)
    add(index, HARE, collection="letters")
    worker.step()
    index.catalogue.remove(mine.id)
    worker.step()
    assert stored_files(index) == {f"originals/{mine.sha256}", f"texts/{mine.sha256}"}


def test_a_removal_clears_store_files_and_row(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, HARE)
    index.catalogue.remove(record.id)
    assert searchable(index, "hare") == []
    assert worker.step()
    assert index.store.editions() == {}
    assert stored_files(index) == set()
    assert index.catalogue.totals() == {}


def test_a_document_replaced_while_it_is_read_starts_over(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add(index, HARE)
    with monkeypatch.context() as patch:
        split = worker._pipeline._chunker.split

        def replace_then_split(*args: object) -> object:
            add(index, TORTOISE)
            return split(*args)

        patch.setattr(worker._pipeline._chunker, "split", replace_then_split)
        worker.step()
    assert get(index, record.id).state == State.QUEUED
    worker.step()
    done = get(index, record.id)
    assert (done.state, done.chunks) == (State.READY, 1)
    assert index.store.editions() == {(record.id, done.sha256): 1}


def test_a_worker_told_to_stop_lets_go_of_its_document(index: Index, worker: Worker) -> None:
    stop = threading.Event()
    record = add(index, HARE)
    Worker(index, Pipeline(index, 200), lambda *_: stop.set()).run(stop)
    assert get(index, record.id).state == State.RUNNING
    assert worker.step()
    assert get(index, record.id).state == State.READY


def test_content_that_was_replaced_before_its_turn_is_deleted(index: Index, worker: Worker) -> None:
    add(index, HARE)
    new = add(index, TORTOISE)
    worker.step()
    assert stored_files(index) == {f"originals/{new.sha256}", f"texts/{new.sha256}"}


def test_removed_content_is_deleted_when_other_content_takes_its_name(
    index: Index, worker: Worker
) -> None:
    record = add_ready(index, worker, HARE)
    index.catalogue.remove(record.id)
    new = add(index, TORTOISE)
    worker.step()
    assert stored_files(index) == {f"originals/{new.sha256}", f"texts/{new.sha256}"}


def test_other_chunk_sizes_leave_nothing_of_the_old_chunks(index: Index) -> None:
    record = add(index, LONG)
    Worker(index, Pipeline(index, 200)).step()
    index.catalogue.retry(record.id)
    Worker(index, Pipeline(index, 64)).step()
    assert index.store.editions() == {(record.id, record.sha256): get(index, record.id).chunks}


# -- failures --------------------------------------------------------------------------------


def test_a_document_that_cannot_be_read_fails_at_once(index: Index, worker: Worker) -> None:
    record = add(index, "   \n")
    worker.step()
    failed = get(index, record.id)
    assert (failed.state, failed.attempts) == (State.FAILED, 1)
    assert failed.error == "book.txt is empty. Add a file that has text in it."
    assert not worker.step()


def test_a_failed_replacement_keeps_the_old_version_searchable(
    index: Index, worker: Worker
) -> None:
    old = add_ready(index, worker, HARE)
    add(index, " ")
    worker.step()
    record = get(index, old.id)
    assert record.state == State.FAILED
    assert index.catalogue.versions([old.id]) == {old.id: (old.sha256, "book.txt")}
    assert searchable(index, "hare") == [HARE]
    document = index.files.document(old.sha256)
    assert document is not None


def test_a_failing_store_postpones_the_work(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add(index, HARE)
    with monkeypatch.context() as patch:
        patch.setattr(index.store, "upsert", fails(StoreError("It is away.", "Wait.")))
        assert worker.step()
    waiting = get(index, record.id)
    assert (waiting.state, waiting.error) == (State.QUEUED, "It is away. Wait.")
    assert not worker.step()
    later(index, monkeypatch)
    assert worker.step()
    assert get(index, record.id).state == State.READY
    assert get(index, record.id).error is None


def test_a_store_that_keeps_failing_fails_the_document_in_the_end(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add(index, HARE)
    monkeypatch.setattr(index.store, "upsert", fails(StoreError("It is away.", "Wait.")))
    monkeypatch.setattr(index.catalogue, "postpone", _postpone_to_now(index))
    for _ in range(MAX_ATTEMPTS):
        assert get(index, record.id).state == State.QUEUED
        assert worker.step()
    assert get(index, record.id).state == State.FAILED
    assert not worker.step()


def test_a_removal_never_turns_into_a_failure(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add_ready(index, worker, HARE)
    index.catalogue.remove(record.id)
    with monkeypatch.context() as patch:
        patch.setattr(index.store, "delete", fails(StoreError("It is away.", "Wait.")))
        patch.setattr(index.catalogue, "postpone", _postpone_to_now(index))
        for _ in range(MAX_ATTEMPTS + 2):
            assert worker.step()
            assert index.catalogue.totals() == {State.REMOVING: 1}
    assert worker.step()
    assert index.catalogue.totals() == {}
    assert index.store.editions() == {}


def test_a_fault_in_a_loader_fails_that_document_alone(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(path: Path, name: str, scratch: Path) -> object:
        if name == "bad.txt":
            raise ZeroDivisionError
        return original(path, name, scratch)

    original = ingest.pipeline.load
    monkeypatch.setattr(ingest.pipeline, "load", load)
    bad, good = add(index, "bad", "bad.txt"), add(index, HARE, "good.txt")
    while worker.step():
        pass
    failed = get(index, bad.id)
    assert (failed.state, get(index, good.id).state) == (State.FAILED, State.READY)
    assert failed.error == (
        "bad.txt could not be indexed because of a fault in Footnote. "
        "The log has the details; please report it."
    )


def test_a_document_that_keeps_ending_the_worker_fails(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add(index, HARE)
    for _ in range(MAX_ATTEMPTS):
        assert index.catalogue.claim("one that dies", lease=-1) is not None
    worker.step()
    failed = get(index, record.id)
    assert failed.state == State.FAILED
    assert failed.error is not None
    assert "ended the worker" in failed.error


# -- after a crash ---------------------------------------------------------------------------


def test_recovery_deletes_what_the_catalogue_does_not_name(index: Index, worker: Worker) -> None:
    kept = add_ready(index, worker, HARE, "kept.txt")
    document = index.files.document(kept.sha256)
    assert document is not None
    for owner, version in [(kept.id, "f" * 64), (add(index, TORTOISE).id, "e" * 64)]:
        for chunk in worker._pipeline._chunker.split(document, owner, version):
            vector = index.embedder.embed_question(chunk.text)
            index.store.upsert([Entry(chunk, "books", vector, passage_keywords(chunk.text))])
    assert len(index.store.editions()) == 3
    worker.recover()
    assert index.store.editions() == {(kept.id, kept.sha256): 1}
    assert get(index, kept.id).state == State.READY


def test_recovery_indexes_again_what_the_store_lost(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, HARE)
    index.store.delete(record.id)
    worker.recover()
    assert get(index, record.id).state == State.QUEUED
    worker.step()
    assert get(index, record.id).state == State.READY
    assert searchable(index, "hare") == [HARE]


def test_recovery_of_a_sound_index_changes_nothing(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, HARE)
    worker.recover()
    assert get(index, record.id) == record
    assert index.store.editions() == {(record.id, record.sha256): 1}


def test_a_killed_worker_s_document_is_finished_by_the_next(
    settings: IngestSettings, embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "\n\n".join(f"{LONG} Part {part}." for part in range(4))
    with closing(Index(settings)) as index:
        index.embedder = embedder
        record = add(index, text)
        killed = subprocess.Popen(
            [sys.executable, "-c", WORKER_PROCESS],
            env={
                **os.environ,
                "FOOTNOTE_DATA_DIR": str(settings.data_dir),
                "FOOTNOTE_CHUNK_TOKENS": "32",
            },
            stdout=subprocess.DEVNULL,
        )
        try:
            while not 0.1 < (now := get(index, record.id)).fraction < 1:
                assert now.state in (State.QUEUED, State.RUNNING)
                assert killed.poll() is None
                time.sleep(0.02)
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        assert (now.state, now.stage) == (State.RUNNING, "embedding")

        index.own("tests")
        worker = Worker(index, Pipeline(index, 32))
        [left_behind] = index.store.editions().values()
        worker.recover()
        assert not worker.step()
        later(index, monkeypatch)
        assert worker.step()

        done = get(index, record.id)
        assert (done.state, done.attempts) == (State.READY, 2)
        assert 0 < left_behind < done.chunks
        assert index.store.editions() == {(record.id, record.sha256): done.chunks}


def _postpone_to_now(index: Index) -> Callable[..., bool]:
    postpone = index.catalogue.postpone

    def now(record: Record, worker: str, error: str, delay: float) -> bool:
        assert delay > 0
        return postpone(record, worker, error, 0.0)

    return now
