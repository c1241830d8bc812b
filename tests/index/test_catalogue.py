"""The catalogue: what adding, working, failing and removing make of a document's row."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
import sqlalchemy as sa

from ingest.index.catalogue import Catalogue, Outcome, Record, State, sqlite_url
from ingest.index.documents import document_id
from ingest.index.errors import DataFolderError, InputError

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
LEASE = 60.0
SERVER = os.environ.get("FOOTNOTE_TEST_DATABASE_URL", "")
"""A PostgreSQL database of the tests' own; its tables are dropped."""

BOOK = document_id("books", "book.txt")


class Clock:
    """Time that stands still until it is moved."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", *(["server"] if SERVER else [])])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path)
    engine = sa.create_engine(SERVER)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS documents, discarded, facts"))
    engine.dispose()
    return SERVER


@pytest.fixture
def catalogue(url: str, clock: Clock) -> Iterator[Catalogue]:
    with closing(Catalogue(url, clock)) as opened:
        yield opened


def add(catalogue: Catalogue, sha256: str = A, name: str = "book.txt") -> tuple[Record, Outcome]:
    return catalogue.add("books", name, sha256, size=10)


def claim(catalogue: Catalogue, worker: str = "w") -> Record:
    record = catalogue.claim(worker, LEASE)
    assert record is not None
    return record


def finish(catalogue: Catalogue, record: Record, chunks: int = 3) -> bool:
    return catalogue.finish(record, "w", chunks, pages=2, characters=500)


def make_ready(catalogue: Catalogue, sha256: str = A, name: str = "book.txt") -> Record:
    add(catalogue, sha256, name)
    assert finish(catalogue, claim(catalogue))
    return get(catalogue, document_id("books", name))


def get(catalogue: Catalogue, key: str = BOOK) -> Record:
    record = catalogue.get(key)
    assert record is not None
    return record


def is_unused(catalogue: Catalogue, sha256: str) -> bool:
    deleted: list[str] = []
    catalogue.clear_unused(sha256, deleted.append)
    return deleted == [sha256]


# -- adding ----------------------------------------------------------------------------------


def test_a_new_document_is_queued(catalogue: Catalogue) -> None:
    record, outcome = add(catalogue)
    assert outcome == Outcome.ADDED
    assert (record.id, record.state, record.sha256, record.version) == (
        BOOK,
        State.QUEUED,
        A,
        None,
    )
    assert catalogue.documents() == [record]


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.READY])
def test_the_same_content_again_is_unchanged(catalogue: Catalogue, state: State) -> None:
    add(catalogue)
    if state != State.QUEUED:
        record = claim(catalogue)
        if state == State.READY:
            finish(catalogue, record)
    before = get(catalogue)
    assert before.state == state
    assert add(catalogue) == (before, Outcome.UNCHANGED)
    assert get(catalogue) == before


def test_the_same_content_under_another_name_is_one_document(catalogue: Catalogue) -> None:
    first, _ = add(catalogue)
    twin, outcome = add(catalogue, name="copy.txt")
    assert (twin, outcome) == (first, Outcome.DUPLICATE)
    assert len(catalogue.documents()) == 1


def test_the_same_content_in_another_collection_is_another_document(catalogue: Catalogue) -> None:
    add(catalogue)
    _, outcome = catalogue.add("letters", "book.txt", A, 10)
    assert outcome == Outcome.ADDED
    assert len(catalogue.documents()) == 2


@pytest.mark.parametrize("name", ["book.txt", "copy.txt"])
def test_adding_what_failed_tries_again(catalogue: Catalogue, name: str) -> None:
    add(catalogue)
    catalogue.fail(claim(catalogue), "w", "No. Do this.")
    record, _ = add(catalogue, name=name)
    assert (record.id, record.state, record.error, record.attempts) == (
        BOOK,
        State.QUEUED,
        None,
        0,
    )


def test_new_content_is_queued_while_the_old_stays_searchable(catalogue: Catalogue) -> None:
    make_ready(catalogue, A)
    record, outcome = add(catalogue, B)
    assert outcome == Outcome.REPLACED
    assert (record.state, record.sha256, record.version) == (State.QUEUED, B, A)
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    assert finish(catalogue, claim(catalogue))
    assert catalogue.versions([BOOK]) == {BOOK: (B, "book.txt")}


def test_going_back_to_the_searchable_version_needs_no_work(catalogue: Catalogue) -> None:
    make_ready(catalogue, A)
    add(catalogue, B)
    record, outcome = add(catalogue, A)
    assert (outcome, record.state, record.sha256, record.version) == (
        Outcome.UNCHANGED,
        State.READY,
        A,
        A,
    )
    assert record.chunks == 3
    assert catalogue.claim("w", LEASE) is None


# -- working ---------------------------------------------------------------------------------


def test_nothing_to_claim_is_none(catalogue: Catalogue) -> None:
    assert catalogue.claim("w", LEASE) is None


def test_documents_are_claimed_in_the_order_they_came(catalogue: Catalogue, clock: Clock) -> None:
    for number, name in enumerate(["z.txt", "a.txt", "m.txt"]):
        clock.now += 1
        add(catalogue, f"{number}" * 64, name)
    assert [claim(catalogue).name for _ in range(3)] == ["z.txt", "a.txt", "m.txt"]


def test_each_document_is_claimed_once_by_eight_threads(catalogue: Catalogue) -> None:
    for number in range(40):
        catalogue.add("books", f"{number}", f"{number:064}", 1)

    def work(worker: int) -> list[str]:
        mine = []
        while record := catalogue.claim(f"w{worker}", LEASE):
            mine.append(record.id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        claimed = Counter(key for mine in pool.map(work, range(8)) for key in mine)
    assert len(claimed) == 40
    assert set(claimed.values()) == {1}


def test_a_lease_that_ran_out_gives_the_work_to_the_next(
    catalogue: Catalogue, clock: Clock
) -> None:
    add(catalogue)
    dead = claim(catalogue, "dead")
    clock.now += LEASE - 1
    assert catalogue.claim("next", LEASE) is None
    clock.now += 2
    record = claim(catalogue, "next")
    assert (record.id, record.attempts) == (BOOK, 2)
    assert not catalogue.renew(dead, "dead", LEASE, "embedding", 0.5)
    assert not catalogue.finish(dead, "dead", 9, None, 9)
    assert not catalogue.fail(dead, "dead", "No. Do this.")
    assert get(catalogue) == record


def test_renewing_keeps_the_lease_and_shows_progress(catalogue: Catalogue, clock: Clock) -> None:
    add(catalogue)
    record = claim(catalogue)
    clock.now += LEASE - 1
    assert catalogue.renew(record, "w", LEASE, "embedding", 0.25)
    clock.now += LEASE - 1
    assert catalogue.claim("next", LEASE) is None
    shown = get(catalogue)
    assert (shown.state, shown.stage, shown.fraction) == (State.RUNNING, "embedding", 0.25)


def test_released_work_is_free_at_once(catalogue: Catalogue) -> None:
    add(catalogue)
    claim(catalogue, "stopped")
    catalogue.release("stopped")
    assert claim(catalogue, "next").id == BOOK


def test_finishing_makes_the_document_ready(catalogue: Catalogue) -> None:
    record = make_ready(catalogue)
    assert (record.state, record.version, record.error) == (State.READY, A, None)
    assert (record.chunks, record.pages, record.characters) == (3, 2, 500)


def test_work_on_content_that_was_replaced_does_not_count(catalogue: Catalogue) -> None:
    add(catalogue, A)
    stale = claim(catalogue)
    add(catalogue, B)
    assert not catalogue.renew(stale, "w", LEASE, "embedding", 0.5)
    assert not finish(catalogue, stale)
    assert (get(catalogue).state, get(catalogue).version) == (State.QUEUED, None)
    fresh = claim(catalogue)
    assert fresh.sha256 == B
    assert not finish(catalogue, stale)
    assert finish(catalogue, fresh)


def test_a_failed_replacement_keeps_the_old_version(catalogue: Catalogue) -> None:
    make_ready(catalogue, A)
    add(catalogue, B)
    assert catalogue.fail(claim(catalogue), "w", "It is damaged. Add a new copy.")
    record = get(catalogue)
    assert (record.state, record.sha256, record.version) == (State.FAILED, B, A)
    assert record.error == "It is damaged. Add a new copy."
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    assert catalogue.claim("w", LEASE) is None


def test_postponed_work_comes_back_when_it_is_due(catalogue: Catalogue, clock: Clock) -> None:
    add(catalogue)
    assert catalogue.postpone(claim(catalogue), "w", "The store is away. Wait.", delay=30)
    record = get(catalogue)
    assert (record.state, record.error) == (State.QUEUED, "The store is away. Wait.")
    assert catalogue.claim("w", LEASE) is None
    clock.now += 30
    assert claim(catalogue).attempts == 2


def test_retry_starts_over(catalogue: Catalogue, clock: Clock) -> None:
    add(catalogue)
    catalogue.postpone(claim(catalogue), "w", "Away. Wait.", delay=300)
    catalogue.retry(BOOK)
    record = claim(catalogue)
    assert (record.attempts, record.error) == (1, None)


# -- removing --------------------------------------------------------------------------------


def test_a_removed_document_is_gone_from_every_list_at_once(catalogue: Catalogue) -> None:
    make_ready(catalogue)
    assert catalogue.is_searchable()
    catalogue.remove(BOOK)
    assert catalogue.documents() == []
    assert catalogue.get(BOOK) is None
    assert catalogue.collections() == []
    assert catalogue.versions([BOOK]) == {}
    assert catalogue.passages() == 0
    assert not catalogue.is_searchable()
    assert is_unused(catalogue, A)


def test_a_worker_clears_up_behind_a_removal(catalogue: Catalogue) -> None:
    make_ready(catalogue)
    catalogue.remove(BOOK)
    record = claim(catalogue)
    assert (record.id, record.state) == (BOOK, State.REMOVING)
    catalogue.forget(record)
    assert catalogue.totals() == {}


def test_a_removal_ends_the_work_on_a_document(catalogue: Catalogue) -> None:
    add(catalogue)
    record = claim(catalogue)
    catalogue.remove(BOOK)
    assert not finish(catalogue, record)
    assert not catalogue.fail(record, "w", "No. Do this.")
    assert claim(catalogue).state == State.REMOVING


def test_a_postponed_removal_stays_one(catalogue: Catalogue, clock: Clock) -> None:
    add(catalogue)
    catalogue.remove(BOOK)
    catalogue.postpone(claim(catalogue), "w", "Away. Wait.", delay=5)
    assert catalogue.documents() == []
    clock.now += 5
    assert claim(catalogue).state == State.REMOVING


def test_a_document_added_while_it_is_removed_comes_back_from_the_start(
    catalogue: Catalogue,
) -> None:
    make_ready(catalogue)
    catalogue.remove(BOOK)
    removal = claim(catalogue)
    record, outcome = add(catalogue)
    assert (outcome, record.state, record.version) == (Outcome.ADDED, State.QUEUED, None)
    catalogue.forget(removal)
    assert get(catalogue).state == State.QUEUED
    assert catalogue.passages() == 0


def test_what_is_being_removed_is_no_twin(catalogue: Catalogue) -> None:
    make_ready(catalogue)
    catalogue.remove(BOOK)
    record, outcome = add(catalogue, name="copy.txt")
    assert (outcome, record.name) == (Outcome.ADDED, "copy.txt")


# -- looking ---------------------------------------------------------------------------------


def test_totals_count_each_state(catalogue: Catalogue) -> None:
    make_ready(catalogue, A, "ready.txt")
    add(catalogue, B, "failed.txt")
    catalogue.fail(claim(catalogue), "w", "No. Do this.")
    add(catalogue, C, "queued.txt")
    assert catalogue.totals() == {State.READY: 1, State.FAILED: 1, State.QUEUED: 1}


def test_passages_count_what_can_be_searched(catalogue: Catalogue) -> None:
    make_ready(catalogue, A)
    add(catalogue, B)
    catalogue.add("letters", "waiting.txt", C, 10)
    assert catalogue.passages() == 3
    assert catalogue.passages("books") == 3
    assert catalogue.passages("letters") == 0


def test_documents_are_listed_by_collection_and_name(catalogue: Catalogue) -> None:
    for collection, name in [("z", "1"), ("a", "2"), ("a", "1")]:
        catalogue.add(collection, name, f"{collection}{name}" * 32, 1)
    listed = [(record.collection, record.name) for record in catalogue.documents()]
    assert listed == [("a", "1"), ("a", "2"), ("z", "1")]
    assert [record.name for record in catalogue.documents("a")] == ["1", "2"]
    assert [r.name for r in catalogue.documents(ids=[document_id("z", "1")])] == ["1"]
    assert catalogue.documents(ids=[]) == []
    assert catalogue.collections() == ["a", "z"]


def test_an_unknown_collection_is_refused_with_those_there_are(catalogue: Catalogue) -> None:
    with pytest.raises(InputError, match=r"no collection called books\. .*none yet"):
        catalogue.require_collection("books")
    add(catalogue)
    catalogue.require_collection("books")
    catalogue.require_collection(None)
    with pytest.raises(InputError, match=r"no collection called book\. Choose one of: books;"):
        catalogue.require_collection("book")


def test_a_fact_is_settled_once(catalogue: Catalogue) -> None:
    assert catalogue.fact("model") is None
    assert catalogue.settle_fact("model", "first") == "first"
    assert catalogue.settle_fact("model", "second") == "first"
    assert catalogue.fact("model") == "first"


def test_content_is_used_while_it_is_wanted_or_shown(catalogue: Catalogue) -> None:
    make_ready(catalogue, A)
    add(catalogue, B)
    assert [is_unused(catalogue, content) for content in (A, B, C)] == [False, False, True]


def test_nothing_can_ask_for_content_while_it_is_cleared_away(
    catalogue: Catalogue, url: str
) -> None:
    """Else a file added again just then would lose the bytes that were stored for it."""
    order = []

    def delete(_: str) -> None:
        adding.start()
        adding.join(0.3)
        order.append("deleted")

    def ask() -> None:
        with closing(Catalogue(url)) as other:
            add(other)
        order.append("asked for")

    adding = Thread(target=ask)
    catalogue.clear_unused(A, delete)
    adding.join()
    assert order == ["deleted", "asked for"]


def test_two_catalogues_on_one_database_see_each_other(catalogue: Catalogue, url: str) -> None:
    with closing(Catalogue(url)) as other:
        record, _ = add(catalogue)
        assert other.documents() == [record]
        assert claim(other, "other").id == BOOK
        assert catalogue.claim("w", LEASE) is None
        other.remove(BOOK)
        assert catalogue.documents() == []


def test_two_catalogues_write_at_once(url: str) -> None:
    def write(writer: int) -> None:
        with closing(Catalogue(url)) as mine:
            for number in range(25):
                mine.add("books", f"{writer}-{number}", f"{writer}{number:063}", 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with closing(Catalogue(url)) as reader:
        assert len(reader.documents()) == 100


def test_everything_is_there_after_closing_and_opening(catalogue: Catalogue, url: str) -> None:
    record = make_ready(catalogue)
    catalogue.close()
    with closing(Catalogue(url)) as again:
        assert again.documents() == [record]


@pytest.mark.parametrize("damage", [b"", b"not a database at all, " * 100])
def test_a_catalogue_that_cannot_be_opened_is_a_sentence(tmp_path: Path, damage: bytes) -> None:
    folder = tmp_path / "data"
    if damage:
        folder.mkdir()
        (folder / "catalogue.sqlite3").write_bytes(damage)
    with pytest.raises(DataFolderError, match=r"cannot be opened .*Check FOOTNOTE_DATA_DIR"):
        Catalogue(sqlite_url(folder))
