"""The worker: every document reaches its end, whatever happens on the way."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from working import make_worker

import ingest.worker
from ingest.chunking import Chunker
from ingest.index.embedding import Embedder
from ingest.index.errors import EmbedderError, StoreError
from ingest.index.index import Index
from ingest.index.keywords import passage_keywords, question_keywords
from ingest.index.store import Entry, Where
from ingest.index.tables import Record, State
from ingest.queue import Queue
from ingest.reader import Reading
from ingest.settings import IngestSettings
from ingest.worker import MAX_ATTEMPTS, Worker

HARE = "The hare ran over the field and slept under a tree."
TORTOISE = "The tortoise walked on and was the first to arrive."
LONG = "\n\n".join(f"Paragraph {n} tells of item {n * n} in the list of goods." for n in range(60))

WORKER_PROCESS = """
import ingest.worker
ingest.worker.BATCH = 16
from ingest.__main__ import app
app(["worker"])
"""


@pytest.fixture
def worker(index: Index) -> Worker:
    return make_worker(index)


def add(index: Index, text: str, name: str = "book.txt", collection: str = "books") -> Record:
    return index.add_file(BytesIO(text.encode()), name, collection)[0]


def add_ready(index: Index, worker: Worker, text: str, name: str = "book.txt") -> Record:
    record = add(index, text, name)
    assert worker.drain()
    done = get(index, record.id)
    assert done.state == State.READY, done.error
    return done


def original_of(index: Index, record: Record) -> Path:
    with index.files.original(record.sha256) as path:
        return path


def get(index: Index, key: str) -> Record:
    record = index.catalogue.get(key)
    assert record is not None
    return record


def searchable(index: Index, word: str) -> list[str]:
    """The texts that a reader gets for a word: only of versions that the catalogue names."""
    vector = index.embedder.embed_question(word)
    hits = index.store.search(vector, question_keywords(word), 10, Where()).keywords
    found = index.store.fetch([hit.chunk_id for hit in hits])
    shown = index.catalogue.versions({chunk.document_id for chunk in found})
    return [one.text for one in found if shown.get(one.document_id, ("",))[0] == one.version]


def stored_files(index: Index) -> set[str]:
    folder = index.settings.data_dir / "files"
    return {f"{p.relative_to(folder).parts[0]}/{p.name}" for p in folder.rglob("*") if p.is_file()}


def later(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker._queue, "_clock", lambda: time.time() + 10_000)


def fails(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


# -- one document ----------------------------------------------------------------------------


def test_nothing_to_do_is_no_step(worker: Worker) -> None:
    assert not worker.drain()


def test_a_document_becomes_searchable(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, f"# Fable\n\n{HARE}", "fable.md")

    assert (record.chunks, record.pages, record.version) == (1, None, record.sha256)
    assert record.characters == len(f"# Fable\n\n{HARE}")
    assert index.store.editions() == {(record.id, record.sha256): 1}
    assert searchable(index, "hare") == [f"# Fable\n\n{HARE}"]
    document = index.files.document(record.sha256)
    assert document is not None
    assert document.text == f"# Fable\n\n{HARE}"
    assert not worker.drain()


def test_progress_tells_the_stages_in_order(index: Index) -> None:
    seen: list[tuple[str, str, float]] = []
    add(index, LONG)
    make_worker(index, 32, lambda *at: seen.append(at)).drain()
    assert {name for name, _, _ in seen} == {"book.txt"}
    stages = [stage for _, stage, _ in seen]
    assert list(dict.fromkeys(stages)) == ["embedding"]
    fractions = [fraction for _, stage, fraction in seen if stage == "embedding"]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_a_long_document_is_written_in_batches(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.worker, "BATCH", 7)
    record = add(index, LONG)
    make_worker(index, 32).drain()
    done = get(index, record.id)
    assert done.chunks > 7
    assert index.store.editions() == {(record.id, record.sha256): done.chunks}


def test_a_replacement_leaves_nothing_of_the_old(index: Index, worker: Worker) -> None:
    old = add_ready(index, worker, HARE)
    new = add(index, TORTOISE)
    assert searchable(index, "hare") == [HARE]
    worker.drain()
    assert searchable(index, "hare") == []
    assert searchable(index, "tortoise") == [TORTOISE]
    assert index.store.editions() == {(old.id, new.sha256): 1}
    assert stored_files(index) == {f"originals/{new.sha256}", f"texts/{new.sha256}"}


def test_content_that_another_document_uses_is_kept(index: Index, worker: Worker) -> None:
    mine = add_ready(index, worker, HARE)
    add(index, HARE, collection="letters")
    worker.drain()
    index.catalogue.remove(mine.id)
    worker.drain()
    assert stored_files(index) == {f"originals/{mine.sha256}", f"texts/{mine.sha256}"}


def test_a_removal_clears_store_files_and_row(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, HARE)
    index.catalogue.remove(record.id)
    assert searchable(index, "hare") == []
    assert worker.drain()
    assert index.store.editions() == {}
    assert stored_files(index) == set()
    assert index.catalogue.totals() == {}


def test_a_document_replaced_while_it_is_embedded_starts_over(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.worker, "BATCH", 7)
    monkeypatch.setattr(ingest.worker, "_REPORT_SECONDS", 0.0)
    seen: list[str] = []

    def replace(*at: object) -> None:
        if not seen:
            add(index, TORTOISE)
        seen.append(index.catalogue.documents()[0].sha256)

    record = add(index, LONG)
    worker = make_worker(index, 32, replace)
    worker.drain()
    assert get(index, record.id).state == State.QUEUED
    assert index.store.editions() == {}
    worker.drain()
    done = get(index, record.id)
    assert (done.state, done.chunks) == (State.READY, 1)
    assert len(seen) < 5
    assert index.store.editions() == {(record.id, done.sha256): 1}
    assert stored_files(index) == {f"originals/{done.sha256}", f"texts/{done.sha256}"}


def test_a_worker_told_to_stop_lets_go_of_its_documents(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.worker, "BATCH", 7)
    stop = threading.Event()
    record, waiting = add(index, LONG), add(index, HARE, "hare.txt")
    make_worker(index, 32, lambda *_: stop.set()).run(stop)
    assert get(index, record.id).state == State.QUEUED
    assert get(index, waiting.id).state == State.QUEUED
    assert worker.drain()
    assert get(index, record.id).state == State.READY
    assert get(index, waiting.id).state == State.READY
    assert not list((index.settings.data_dir / "scratch").glob("*/"))


def test_work_that_was_stopped_goes_on_where_it_was(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.worker, "BATCH", 7)
    monkeypatch.setattr(ingest.worker, "_REPORT_SECONDS", 0.0)
    stop = threading.Event()
    record = add(index, LONG)

    def stop_half_way(_: str, __: str, fraction: float) -> None:
        if fraction > 0.5:
            stop.set()

    make_worker(index, 32, stop_half_way).run(stop)
    assert get(index, record.id).state == State.QUEUED
    make_worker(index, 32).drain()
    done = get(index, record.id)
    assert done.state == State.READY
    assert 0 < done.embedded < done.chunks / 2 + 7


def test_unchanged_chunks_keep_their_vectors(index: Index, worker: Worker) -> None:
    sections = [f"# Part {n}\n\n" + f"Item {n} is on the shelf. " * 22 for n in range(12)]
    add_ready(index, worker, "\n\n".join(sections), "list.md")
    sections[5] = "# Part 5\n\n" + TORTOISE
    changed = add_ready(index, worker, "\n\n".join(sections), "list.md")
    assert changed.chunks > 6
    assert 0 < changed.embedded <= 3
    assert searchable(index, "tortoise")
    assert index.store.editions() == {(changed.id, changed.sha256): changed.chunks}


def test_texts_of_a_document_that_is_cut_anew_have_their_own_vectors(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.worker, "BATCH", 7)
    long = "The harbour master wrote a long note on " + "ropes, sails, oars and " * 5 + "nets."
    notes = [f"Note {n} tells of the {n * n} goods that lie in house {n + 7}" for n in range(30)]
    record = add(index, "\n\n".join([long, *(f"{note}. {note}, too." for note in notes)]))
    cuts = list[list[str]]()
    for tokens in (44, 36):
        make_worker(index, tokens).drain()
        found = dict(index.store.texts(record.id, record.sha256))
        cuts.append(list(found.values()))
        vectors = index.store.vectors(list(found))
        expected = index.embedder.embed_passages(list(found.values()))
        for key, vector in zip(found, expected, strict=True):
            assert float(vectors[key] @ vector) > 0.99
        index.catalogue.retry(record.id)
    # Most texts are the same, at other places.
    assert len(set(cuts[0]) & set(cuts[1])) >= 25
    assert len(cuts[0]) != len(cuts[1])


def test_the_same_content_elsewhere_is_not_embedded_again(index: Index, worker: Worker) -> None:
    assert add_ready(index, worker, HARE).embedded == 1
    twin = add(index, HARE, collection="letters")
    worker.drain()
    assert (get(index, twin.id).chunks, get(index, twin.id).embedded) == (1, 0)
    assert len(searchable(index, "hare")) == 2


def test_what_documents_say_again_is_embedded_once(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded = list[str]()
    embed = index.embedder.embed_passages

    def note(texts: Sequence[str], **rest: object) -> object:
        embedded.extend(texts)
        return embed(texts, **rest)

    monkeypatch.setattr(index.embedder, "embed_passages", note)
    page = "# Terms\n\n" + "The goods are paid for within a month. " * 20
    first = add_ready(index, worker, f"{page}\n\n{page}\n\n{page}", "terms.md")
    second = add_ready(index, worker, f"{page}\n\n# Note\n\n{HARE}", "letter.md")
    stored = [
        (text, tuple(index.store.vectors([chunk_id])[chunk_id]))
        for record in (first, second)
        for chunk_id, text in index.store.texts(record.id, record.sha256)
    ]
    assert len(stored) > len(set(stored)) == len(dict(stored))
    assert sorted(embedded) == sorted(dict(stored))


def test_small_documents_are_embedded_together(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []
    embed = index.embedder.embed_passages

    def count(texts: Sequence[str], **rest: object) -> object:
        batches.append(len(texts))
        return embed(texts, **rest)

    monkeypatch.setattr(index.embedder, "embed_passages", count)
    for number in range(40):
        add(index, f"{HARE} Fable {number}.", f"{number}.txt")
    worker.drain()
    assert sum(batches) == 40
    assert len(batches) <= 20
    assert index.catalogue.totals() == {State.READY: 40}


def test_content_that_was_replaced_before_its_turn_is_deleted(index: Index, worker: Worker) -> None:
    add(index, HARE)
    new = add(index, TORTOISE)
    worker.drain()
    assert stored_files(index) == {f"originals/{new.sha256}", f"texts/{new.sha256}"}


def test_removed_content_is_deleted_when_other_content_takes_its_name(
    index: Index, worker: Worker
) -> None:
    record = add_ready(index, worker, HARE)
    index.catalogue.remove(record.id)
    new = add(index, TORTOISE)
    worker.drain()
    assert stored_files(index) == {f"originals/{new.sha256}", f"texts/{new.sha256}"}


def test_other_chunk_sizes_leave_nothing_of_the_old_chunks(index: Index) -> None:
    record = add(index, LONG)
    make_worker(index).drain()
    index.catalogue.retry(record.id)
    make_worker(index, 64).drain()
    assert index.store.editions() == {(record.id, record.sha256): get(index, record.id).chunks}


# -- failures --------------------------------------------------------------------------------


def test_a_document_that_cannot_be_read_fails_at_once(index: Index, worker: Worker) -> None:
    record = add(index, "   \n")
    worker.drain()
    failed = get(index, record.id)
    assert failed.state == State.FAILED
    assert failed.error == "book.txt has no text in it. Add a file that has text in it."
    assert not worker.drain()


def test_a_failed_replacement_keeps_the_old_version_searchable(
    index: Index, worker: Worker
) -> None:
    old = add_ready(index, worker, HARE)
    add(index, " ")
    worker.drain()
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
        assert worker.drain()
    waiting = get(index, record.id)
    assert (waiting.state, waiting.error) == (State.QUEUED, "It is away. Wait.")
    assert not worker.drain()
    later(worker, monkeypatch)
    assert worker.drain()
    assert get(index, record.id).state == State.READY
    assert get(index, record.id).error is None


def test_a_store_that_keeps_failing_fails_no_document(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add(index, HARE)
    with monkeypatch.context() as patch:
        patch.setattr(index.store, "upsert", fails(StoreError("It is away.", "Wait.")))
        patch.setattr(ingest.worker, "_RETRY_SECONDS", 0.0)
        for _ in range(MAX_ATTEMPTS + 2):
            assert worker.drain()
            assert get(index, record.id).state == State.QUEUED
    later(worker, monkeypatch)
    assert worker.drain()
    assert get(index, record.id).state == State.READY


def test_a_model_that_cannot_be_loaded_fails_no_document(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [add(index, HARE, "hare.txt"), add(index, TORTOISE, "tortoise.txt")]
    with monkeypatch.context() as patch:
        refusal = EmbedderError("It is another model.", "Name the right one.")
        patch.setattr(index.embedder, "embed_passages", fails(refusal))
        worker.drain()
        assert worker.waits_for is refusal
    assert [get(index, record.id).state for record in records] == [State.QUEUED] * 2
    later(worker, monkeypatch)
    worker.drain()
    assert [get(index, record.id).state for record in records] == [State.READY] * 2


def test_what_the_store_refuses_for_good_fails_that_document_alone(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    upsert = index.store.upsert

    def refuse(entries: Sequence[Entry]) -> None:
        if any("hare" in entry.chunk.text for entry in entries):
            raise StoreError("It is refused.", "Look.", retryable=False)
        upsert(entries)

    monkeypatch.setattr(index.store, "upsert", refuse)
    records = [add(index, HARE, "hare.txt"), add(index, TORTOISE, "tortoise.txt")]
    worker.drain()
    assert [get(index, record.id).state for record in records] == [State.FAILED, State.READY]


def test_a_worker_waits_for_a_store_that_is_away(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add(index, HARE)
    upsert, calls = index.store.upsert, []

    def fail_twice(entries: Sequence[Entry]) -> None:
        calls.append(len(entries))
        if len(calls) < 3:
            raise StoreError("It is away.", "Wait.")
        upsert(entries)

    monkeypatch.setattr(index.store, "upsert", fail_twice)
    monkeypatch.setattr(ingest.worker, "_RETRY_SECONDS", 0.0)
    worker = make_worker(index)
    worker.run(threading.Event(), 0.01, done=lambda: get(index, record.id).state == State.READY)
    assert len(calls) == 3
    assert get(index, record.id).error is None


def test_a_removal_never_turns_into_a_failure(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = add_ready(index, worker, HARE)
    index.catalogue.remove(record.id)
    with monkeypatch.context() as patch:
        patch.setattr(index.store, "delete", fails(StoreError("It is away.", "Wait.")))
        patch.setattr(ingest.worker, "_RETRY_SECONDS", 0.0)
        for _ in range(MAX_ATTEMPTS + 2):
            assert worker.drain()
            assert index.catalogue.totals() == {State.REMOVING: 1}
    assert worker.drain()
    assert index.catalogue.totals() == {}
    assert index.store.editions() == {}


def test_a_fault_fails_that_document_alone(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(record: Record, on_progress: Callable[[float], None]) -> Reading:
        if record.name == "bad.txt":
            raise ZeroDivisionError
        return original(record, on_progress)

    original = worker._pipeline.read
    monkeypatch.setattr(worker._pipeline, "read", read)
    bad, good = add(index, "bad", "bad.txt"), add(index, HARE, "good.txt")
    worker.drain()
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
        dying = Queue(index.database, "one that dies")
        assert len(dying.begin(dying.claim(1, lease=-1))) == 1
    worker.drain()
    failed = get(index, record.id)
    assert failed.state == State.FAILED
    assert failed.error is not None
    assert "ended the worker" in failed.error


# -- after a crash ---------------------------------------------------------------------------


def test_recovery_deletes_what_the_catalogue_does_not_name(index: Index, worker: Worker) -> None:
    kept = add_ready(index, worker, HARE, "kept.txt")
    document = index.files.document(kept.sha256)
    assert document is not None
    chunker = Chunker(index.embedder.tokenizer, 200)
    for owner, version in [(kept.id, "f" * 64), (add(index, TORTOISE).id, "e" * 64)]:
        for chunk in chunker.split(document, owner, version):
            vector = index.embedder.embed_question(chunk.text)
            index.store.upsert(
                [Entry(chunk, "books", vector, passage_keywords(chunk.text), "text", 0)]
            )
    assert len(index.store.editions()) == 3
    worker.recover()
    assert index.store.editions() == {(kept.id, kept.sha256): 1}
    assert get(index, kept.id).state == State.READY


def test_recovery_indexes_again_what_the_store_lost(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, HARE)
    index.store.delete(record.id)
    worker.recover()
    assert get(index, record.id).state == State.QUEUED
    worker.drain()
    assert get(index, record.id).state == State.READY
    assert searchable(index, "hare") == [HARE]


def test_what_the_store_lost_is_rebuilt_from_the_text_and_not_read_anew(
    index: Index, worker: Worker
) -> None:
    record = add_ready(index, worker, HARE)
    at = original_of(index, record)
    at.write_bytes(at.read_bytes() + b" Changed behind our back.")
    index.store.delete(record.id)
    worker.recover()
    worker.drain()
    assert searchable(index, "hare") == [HARE]
    index.catalogue.retry(record.id)
    worker.drain()
    assert searchable(index, "hare") == [f"{HARE} Changed behind our back."]


def test_a_text_that_is_missing_is_read_anew(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, HARE)
    with index.files.text(record.sha256) as path:
        path.unlink()
    worker.recover()
    assert get(index, record.id).state == State.QUEUED
    worker.drain()
    document = index.files.document(record.sha256)
    assert document is not None
    assert document.text == HARE


def test_a_document_whose_original_is_missing_is_rebuilt_from_its_text(
    index: Index, worker: Worker
) -> None:
    record = add_ready(index, worker, HARE)
    original_of(index, record).unlink()
    index.catalogue.retry(record.id)
    worker.drain()
    assert get(index, record.id).state == State.READY
    assert searchable(index, "hare") == [HARE]


def test_what_came_in_a_document_stays_when_its_text_alone_is_read_again(
    index: Index, worker: Worker
) -> None:
    archive = BytesIO()
    with ZipFile(archive, "w") as members:
        members.writestr("hare.txt", HARE)
    archive.seek(0)
    record, _ = index.add_file(archive, "fables.zip", "books")
    worker.drain()
    family = index.catalogue.family([record.id])
    assert [one.name for one in family] == ["fables.zip", "fables.zip/hare.txt"]
    index.store.delete(record.id)
    worker.recover()
    worker.drain()
    assert [one.state for one in index.catalogue.family([record.id])] == [State.READY] * 2
    assert HARE in searchable(index, "hare")


def test_a_document_that_is_removed_while_it_is_read_is_let_go_of(
    index: Index, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(record: Record, on_progress: Callable[[float], None]) -> Reading:
        on_progress(0.5)
        assert (get(index, record.id).stage, get(index, record.id).fraction) == ("reading", 0.5)
        index.catalogue.remove(record.id)
        on_progress(0.6)
        went_on.append(record.name)
        raise ZeroDivisionError

    went_on: list[str] = []
    monkeypatch.setattr(worker._pipeline, "read", read)
    record = add(index, HARE)
    worker.drain()
    worker.drain()  # it may have been let go of after the queue was looked at last
    assert went_on == []
    assert index.catalogue.get(record.id) is None
    assert index.catalogue.unfinished() == 0


def test_recovery_of_a_sound_index_changes_nothing(index: Index, worker: Worker) -> None:
    record = add_ready(index, worker, HARE)
    worker.recover()
    assert get(index, record.id) == record
    assert index.store.editions() == {(record.id, record.sha256): 1}


@pytest.mark.slow
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
            # More than the first batch of 16, which is reported before it is written.
            while not 0.3 < (now := get(index, record.id)).fraction < 1:
                assert now.state in (State.QUEUED, State.RUNNING)
                assert killed.poll() is None
                time.sleep(0.02)
        finally:
            killed.send_signal(signal.SIGKILL)
            killed.wait()
        assert (now.state, now.stage) == (State.RUNNING, "embedding")

        index.own("tests")
        worker = make_worker(index, 32)
        [left_behind] = index.store.editions().values()
        worker.recover()
        assert worker.drain()

        done = get(index, record.id)
        assert done.state == State.READY
        assert 0 < left_behind < done.chunks
        # Passages that were there, or that another is equal to, are not embedded again.
        assert 0 < done.embedded <= done.chunks - left_behind
        assert index.store.editions() == {(record.id, record.sha256): done.chunks}
