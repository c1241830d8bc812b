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

from ingest.index.catalogue import Catalogue, Outcome
from ingest.index.collections import Collections, Holding
from ingest.index.database import Database, sqlite_url
from ingest.index.documents import document_id
from ingest.index.errors import DataFolderError, InputError
from ingest.index.tables import Record, State, metadata
from ingest.queue import Done, Queue

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
        metadata.drop_all(connection)
    engine.dispose()
    return SERVER


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(Database(url, metadata)) as opened:
        yield opened


@pytest.fixture
def catalogue(database: Database, clock: Clock) -> Catalogue:
    return Catalogue(database, clock)


@pytest.fixture
def collections(database: Database, clock: Clock) -> Collections:
    return Collections(database, clock)


@pytest.fixture
def queue(database: Database, clock: Clock) -> Queue:
    """The queue as worker `w` sees it."""
    return Queue(database, "w", clock)


@pytest.fixture
def other(database: Database, clock: Clock) -> Queue:
    """The queue as another worker sees it."""
    return Queue(database, "other", clock)


def add(catalogue: Catalogue, sha256: str = A, name: str = "book.txt") -> tuple[Record, Outcome]:
    return catalogue.add("books", name, sha256, size=10)


def claim(queue: Queue) -> Record:
    [record] = queue.claim(1, LEASE)
    return record


def finish(queue: Queue, record: Record, chunks: int = 3) -> bool:
    done = Done(record, "text", "en", chunks, embedded=chunks, pages=2, characters=500)
    finished = queue.finish([done])
    queue.release([record.id])
    return finished == {record.id}


def make_ready(
    catalogue: Catalogue, queue: Queue, sha256: str = A, name: str = "book.txt"
) -> Record:
    add(catalogue, sha256, name)
    assert finish(queue, claim(queue))
    return get(catalogue, document_id("books", name))


def get(catalogue: Catalogue, key: str = BOOK) -> Record:
    record = catalogue.get(key)
    assert record is not None
    return record


def is_unused(queue: Queue, sha256: str) -> bool:
    deleted: list[str] = []
    queue.clear_unused(sha256, deleted.append)
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
def test_the_same_content_again_is_unchanged(
    catalogue: Catalogue, state: State, queue: Queue
) -> None:
    add(catalogue)
    if state != State.QUEUED:
        record = claim(queue)
        if state == State.READY:
            finish(queue, record)
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
def test_adding_what_failed_tries_again(catalogue: Catalogue, name: str, queue: Queue) -> None:
    add(catalogue)
    queue.fail(claim(queue), "No. Do this.")
    record, _ = add(catalogue, name=name)
    assert (record.id, record.state, record.error, record.attempts) == (
        BOOK,
        State.QUEUED,
        None,
        0,
    )


def test_new_content_is_queued_while_the_old_stays_searchable(
    catalogue: Catalogue, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    record, outcome = add(catalogue, B)
    assert outcome == Outcome.REPLACED
    assert (record.state, record.sha256, record.version) == (State.QUEUED, B, A)
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    assert finish(queue, claim(queue))
    assert catalogue.versions([BOOK]) == {BOOK: (B, "book.txt")}


def test_going_back_to_the_searchable_version_needs_no_work(
    catalogue: Catalogue, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    add(catalogue, B)
    record, outcome = add(catalogue, A)
    assert (outcome, record.state, record.sha256, record.version) == (
        Outcome.UNCHANGED,
        State.READY,
        A,
        A,
    )
    assert record.chunks == 3
    assert queue.claim(1, LEASE) == []


# -- working ---------------------------------------------------------------------------------


def test_nothing_to_claim_is_none(catalogue: Catalogue, queue: Queue) -> None:
    assert queue.claim(1, LEASE) == []


def test_documents_are_claimed_in_the_order_they_came(
    catalogue: Catalogue, clock: Clock, queue: Queue
) -> None:
    for number, name in enumerate(["z.txt", "a.txt", "m.txt"]):
        clock.now += 1
        add(catalogue, f"{number}" * 64, name)
    assert [claim(queue).name for _ in range(3)] == ["z.txt", "a.txt", "m.txt"]


def test_what_is_due_in_several_states_is_claimed_in_one_order(
    catalogue: Catalogue, clock: Clock, queue: Queue, other: Queue
) -> None:
    book = make_ready(catalogue, queue)
    clock.now += 1
    add(catalogue, B, "left.txt")
    claim(other)
    clock.now += 1
    add(catalogue, "c" * 64, "new.txt")
    catalogue.remove(book.id)
    clock.now += LEASE + 1
    claimed = queue.claim(2, LEASE)
    assert [record.name for record in claimed] == ["book.txt", "left.txt"]
    assert [record.state for record in claimed] == [State.REMOVING, State.RUNNING]
    assert claim(queue).name == "new.txt"
    assert queue.claim(3, LEASE) == []


def test_each_document_is_claimed_once_by_eight_threads(
    catalogue: Catalogue, database: Database, clock: Clock
) -> None:
    for number in range(40):
        catalogue.add("books", f"{number}", f"{number:064}", 1)

    def work(worker: int) -> list[str]:
        mine = []
        while records := Queue(database, f"w{worker}", clock).claim(3, LEASE):
            mine += [record.id for record in records]
        return mine

    with ThreadPoolExecutor(8) as pool:
        claimed = Counter(key for mine in pool.map(work, range(8)) for key in mine)
    assert len(claimed) == 40
    assert set(claimed.values()) == {1}


def test_a_lease_that_ran_out_gives_the_work_to_the_next(
    catalogue: Catalogue, clock: Clock, queue: Queue, other: Queue
) -> None:
    add(catalogue)
    dead = claim(other)
    assert other.begin([dead]) == {BOOK}
    clock.now += LEASE - 1
    assert queue.claim(1, LEASE) == []
    clock.now += 2
    record = claim(queue)
    assert (record.id, record.attempts) == (BOOK, 1)
    other.renew(LEASE)
    other.release([BOOK])
    assert other.begin([dead]) == set()
    assert not other.report("embedding", [(dead, 0.5)])
    assert not finish(other, dead)
    assert not other.fail(dead, "No. Do this.")
    assert other.current(dead) is None
    assert get(catalogue) == record


def test_renewing_keeps_the_lease(catalogue: Catalogue, clock: Clock, queue: Queue) -> None:
    add(catalogue)
    claim(queue)
    clock.now += LEASE - 1
    queue.renew(LEASE)
    clock.now += LEASE - 1
    assert queue.claim(1, LEASE) == []
    clock.now += 2
    assert claim(queue).id == BOOK


def test_a_report_shows_how_far_work_is(catalogue: Catalogue, queue: Queue) -> None:
    add(catalogue)
    assert queue.report("embedding", [(claim(queue), 0.25)])
    shown = get(catalogue)
    assert (shown.state, shown.stage, shown.fraction) == (State.RUNNING, "embedding", 0.25)


def test_released_work_is_free_at_once_and_counts_as_no_attempt(
    catalogue: Catalogue, queue: Queue, other: Queue
) -> None:
    add(catalogue)
    record = claim(other)
    other.begin([record])
    queue.release([BOOK])
    assert queue.claim(1, LEASE) == []
    other.release([BOOK])
    assert get(catalogue).state == State.QUEUED
    assert claim(queue).attempts == 0


def test_a_worker_lets_go_of_all_that_it_holds(
    catalogue: Catalogue, queue: Queue, other: Queue
) -> None:
    for content, name in [(A, "a.txt"), (B, "b.txt"), (C, "c.txt")]:
        add(catalogue, content, name)
    queue.claim(2, LEASE)
    theirs = claim(other)
    queue.release_mine()
    assert other.current(theirs) is not None
    assert len(queue.claim(3, LEASE)) == 2
    queue.release_all()
    assert len(other.claim(3, LEASE)) == 3


def test_what_was_begun_and_never_ended_is_claimed_last_and_alone(
    catalogue: Catalogue, clock: Clock, queue: Queue, other: Queue
) -> None:
    """Should it end the worker again, it takes nothing with it."""
    for number, name in enumerate(["bad.txt", "worse.txt", "good.txt", "better.txt"]):
        clock.now += 1
        add(catalogue, f"{number}" * 64, name)
    other.begin(other.claim(2, LEASE))
    clock.now += LEASE + 1
    claimed = [[record.name for record in queue.claim(10, LEASE)] for _ in range(3)]
    assert claimed == [["good.txt", "better.txt"], ["bad.txt"], ["worse.txt"]]


def test_asking_never_takes_a_document_from_its_worker(
    catalogue: Catalogue, queue: Queue, other: Queue
) -> None:
    add(catalogue, A)
    record = claim(queue)
    add(catalogue, B)
    assert other.claim(1, LEASE) == []
    catalogue.retry(BOOK)
    assert other.claim(1, LEASE) == []
    catalogue.remove(BOOK)
    assert other.claim(1, LEASE) == []
    now = queue.current(record)
    assert now is not None
    assert (now.state, now.sha256) == (State.REMOVING, B)
    queue.release([BOOK])
    assert claim(other).state == State.REMOVING


def test_a_document_stays_held_until_its_old_version_is_cleared_away(
    catalogue: Catalogue, queue: Queue, other: Queue
) -> None:
    add(catalogue, A)
    record = claim(queue)
    assert queue.finish([Done(record, "text", "en", 3, 3, None, 10)]) == {BOOK}
    add(catalogue, B)
    assert other.claim(1, LEASE) == []
    queue.release([BOOK])
    assert claim(other).sha256 == B


def test_finishing_makes_the_document_ready(catalogue: Catalogue, queue: Queue) -> None:
    record = make_ready(catalogue, queue)
    assert (record.state, record.version, record.error) == (State.READY, A, None)
    assert (record.chunks, record.pages, record.characters) == (3, 2, 500)


def test_work_on_content_that_was_replaced_does_not_count(
    catalogue: Catalogue, queue: Queue
) -> None:
    add(catalogue, A)
    stale = claim(queue)
    add(catalogue, B)
    assert not queue.report("embedding", [(stale, 0.5)])
    assert not finish(queue, stale)
    assert (get(catalogue).state, get(catalogue).version) == (State.QUEUED, None)
    fresh = claim(queue)
    assert fresh.sha256 == B
    assert not finish(queue, stale)
    assert finish(queue, claim(queue))


def test_a_failed_replacement_keeps_the_old_version(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue, A)
    add(catalogue, B)
    assert queue.fail(claim(queue), "It is damaged. Add a new copy.")
    record = get(catalogue)
    assert (record.state, record.sha256, record.version) == (State.FAILED, B, A)
    assert record.error == "It is damaged. Add a new copy."
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    assert queue.claim(1, LEASE) == []


def test_postponed_work_comes_back_when_it_is_due(
    catalogue: Catalogue, clock: Clock, queue: Queue
) -> None:
    add(catalogue)
    assert queue.postpone(claim(queue), "The store is away. Wait.", delay=30)
    record = get(catalogue)
    assert (record.state, record.error) == (State.QUEUED, "The store is away. Wait.")
    assert queue.claim(1, LEASE) == []
    clock.now += 30
    assert claim(queue).attempts == 0


def test_retry_starts_over(catalogue: Catalogue, clock: Clock, queue: Queue) -> None:
    add(catalogue)
    queue.postpone(claim(queue), "Away. Wait.", delay=300)
    catalogue.retry(BOOK)
    record = claim(queue)
    assert (record.attempts, record.error) == (0, None)


# -- removing --------------------------------------------------------------------------------


def test_a_removed_document_is_gone_from_every_list_at_once(
    catalogue: Catalogue, queue: Queue
) -> None:
    make_ready(catalogue, queue)
    assert catalogue.is_searchable()
    catalogue.remove(BOOK)
    assert catalogue.documents() == []
    assert catalogue.get(BOOK) is None
    assert catalogue.collections() == []
    assert catalogue.versions([BOOK]) == {}
    assert catalogue.passages() == 0
    assert not catalogue.is_searchable()
    assert is_unused(queue, A)


def test_a_worker_clears_up_behind_a_removal(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue)
    catalogue.remove(BOOK)
    record = claim(queue)
    assert (record.id, record.state) == (BOOK, State.REMOVING)
    queue.forget(record)
    assert catalogue.totals() == {}


def test_a_removal_ends_the_work_on_a_document(catalogue: Catalogue, queue: Queue) -> None:
    add(catalogue)
    record = claim(queue)
    catalogue.remove(BOOK)
    assert not finish(queue, record)
    assert not queue.fail(record, "No. Do this.")
    queue.release([BOOK])
    assert claim(queue).state == State.REMOVING


def test_a_postponed_removal_stays_one(catalogue: Catalogue, clock: Clock, queue: Queue) -> None:
    add(catalogue)
    catalogue.remove(BOOK)
    queue.postpone(claim(queue), "Away. Wait.", delay=5)
    assert catalogue.documents() == []
    clock.now += 5
    assert claim(queue).state == State.REMOVING


def test_a_document_added_while_it_is_removed_comes_back_from_the_start(
    catalogue: Catalogue, queue: Queue
) -> None:
    make_ready(catalogue, queue)
    catalogue.remove(BOOK)
    removal = claim(queue)
    record, outcome = add(catalogue)
    assert (outcome, record.state, record.version) == (Outcome.ADDED, State.QUEUED, None)
    queue.forget(removal)
    assert get(catalogue).state == State.QUEUED
    assert catalogue.passages() == 0


def test_what_is_being_removed_is_no_twin(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue)
    catalogue.remove(BOOK)
    record, outcome = add(catalogue, name="copy.txt")
    assert (outcome, record.name) == (Outcome.ADDED, "copy.txt")


# -- looking ---------------------------------------------------------------------------------


def test_totals_count_each_state(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue, A, "ready.txt")
    add(catalogue, B, "failed.txt")
    queue.fail(claim(queue), "No. Do this.")
    add(catalogue, C, "queued.txt")
    assert catalogue.totals() == {State.READY: 1, State.FAILED: 1, State.QUEUED: 1}


def test_passages_count_what_can_be_searched(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue, A)
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


def test_content_is_used_while_it_is_wanted_or_shown(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue, A)
    add(catalogue, B)
    assert [is_unused(queue, content) for content in (A, B, C)] == [False, False, True]


def test_nothing_can_ask_for_content_while_it_is_cleared_away(
    catalogue: Catalogue, url: str, queue: Queue
) -> None:
    """Else a file added again just then would lose the bytes that were stored for it."""
    order = []

    def delete(_: str) -> None:
        adding.start()
        adding.join(0.3)
        order.append("deleted")

    def ask() -> None:
        with closing(Database(url, metadata)) as second:
            add(Catalogue(second))
        order.append("asked for")

    adding = Thread(target=ask)
    queue.clear_unused(A, delete)
    adding.join()
    assert order == ["deleted", "asked for"]


def test_two_processes_on_one_database_see_each_other(catalogue: Catalogue, url: str) -> None:
    with closing(Database(url, metadata)) as second:
        record, _ = add(catalogue)
        other = Catalogue(second)
        assert other.documents() == [record]
        other.remove(BOOK)
        assert catalogue.documents() == []


# -- what came in another document -----------------------------------------------------------


def test_what_came_in_a_document_goes_with_it(catalogue: Catalogue, queue: Queue) -> None:
    mail = make_ready(catalogue, queue, A, "mail.eml")
    zipped, _ = catalogue.add("books", "mail.eml/a.zip", B, 10, parent=mail.id)
    inner, _ = catalogue.add("books", "mail.eml/a.zip/x.txt", C, 10, parent=zipped.id)
    assert (zipped.parent, inner.parent) == (mail.id, zipped.id)
    catalogue.remove(mail.id)
    assert catalogue.documents() == []
    assert catalogue.totals() == {State.REMOVING: 3}


def test_a_new_version_takes_the_place_of_all_that_came_in_the_old(
    catalogue: Catalogue, queue: Queue
) -> None:
    add(catalogue, A, "mail.eml")
    mail = claim(queue)
    old, _ = catalogue.add("books", "mail.eml/old.txt", B, 10, parent=mail.id)
    kept, _ = catalogue.add("books", "mail.eml/kept.txt", C, 10, parent=mail.id)
    queue.finish([Done(mail, "eml", "en", 1, 1, None, 10, children=[old.id, kept.id])])
    queue.release([mail.id])
    assert len(catalogue.documents()) == 3
    catalogue.add("books", "mail.eml", "d" * 64, 10)
    [again] = [record for record in queue.claim(9, LEASE) if record.id == mail.id]
    queue.finish([Done(again, "eml", "en", 1, 1, None, 10, children=[kept.id])])
    assert [record.name for record in catalogue.documents()] == ["mail.eml", "mail.eml/kept.txt"]


def test_nothing_is_added_to_what_was_removed(catalogue: Catalogue, queue: Queue) -> None:
    mail = make_ready(catalogue, queue, A, "mail.eml")
    catalogue.remove(mail.id)
    with pytest.raises(InputError, match="was removed"):
        catalogue.add("books", "mail.eml/a.txt", B, 10, parent=mail.id)


def test_what_came_in_a_document_is_no_twin(catalogue: Catalogue, queue: Queue) -> None:
    """It goes when that document goes, and what a person added must not go with it."""
    mail = make_ready(catalogue, queue, A, "mail.eml")
    catalogue.add("books", "mail.eml/a.txt", B, 10, parent=mail.id)
    mine, outcome = add(catalogue, B, "a.txt")
    assert (outcome, mine.name) == (Outcome.ADDED, "a.txt")
    _, outcome = catalogue.add("books", "mail.eml/copy.txt", B, 10, parent=mail.id)
    assert outcome == Outcome.ADDED


# -- the database ----------------------------------------------------------------------------


def test_two_catalogues_write_at_once(url: str) -> None:
    def write(writer: int) -> None:
        with closing(Database(url, metadata)) as mine:
            for number in range(25):
                Catalogue(mine).add("books", f"{writer}-{number}", f"{writer}{number:063}", 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    with closing(Database(url, metadata)) as reader:
        assert len(Catalogue(reader).documents()) == 100


def test_many_open_a_new_catalogue_at_once(tmp_path: Path) -> None:
    def open_and_add(folder: Path, name: str) -> None:
        with closing(Database(sqlite_url(folder), metadata)) as mine:
            Catalogue(mine).add("books", name, f"{name:0>64}", 1)

    with ThreadPoolExecutor(4) as pool:
        for number in range(40):
            folder = tmp_path / str(number)
            folder.mkdir()
            list(pool.map(open_and_add, [folder] * 4, "abcd"))


def test_everything_is_there_for_the_next_process(
    catalogue: Catalogue, url: str, queue: Queue
) -> None:
    record = make_ready(catalogue, queue)
    with closing(Database(url, metadata)) as again:
        assert Catalogue(again).documents() == [record]


@pytest.mark.parametrize("damage", [b"", b"not a database at all, " * 100])
def test_a_catalogue_that_cannot_be_opened_is_a_sentence(tmp_path: Path, damage: bytes) -> None:
    folder = tmp_path / "data"
    if damage:
        folder.mkdir()
        (folder / "catalogue.sqlite3").write_bytes(damage)
    with pytest.raises(DataFolderError, match=r"cannot be used .*FOOTNOTE_DATA_DIR"):
        Database(sqlite_url(folder), metadata)


@pytest.mark.parametrize("change", ["ADD COLUMN colour TEXT", "DROP COLUMN notice"])
def test_a_catalogue_of_another_version_is_refused_and_left_as_it_is(url: str, change: str) -> None:
    Database(url, metadata).close()
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"ALTER TABLE documents {change}"))
        columns = sa.inspect(engine).get_columns("documents")
        with pytest.raises(DataFolderError, match=r"another version .*another FOOTNOTE_DATA_DIR"):
            Database(url, metadata)
        assert [one["name"] for one in sa.inspect(engine).get_columns("documents")] == [
            one["name"] for one in columns
        ]
    finally:
        metadata.drop_all(engine)
        engine.dispose()


# -- another name, another collection ----------------------------------------------------------


def test_a_renamed_document_is_searched_until_its_new_name_is_ready(
    catalogue: Catalogue, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    renamed, outcome = catalogue.add("books", "novel.txt", A, 10, leaving={BOOK})
    assert (outcome, renamed.name, renamed.replaces) == (Outcome.ADDED, "novel.txt", BOOK)
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    # Its vectors are found while it is worked on.
    assert queue.indexed([renamed.sha256]) == {A: [BOOK]}
    assert finish(queue, claim(queue))
    assert [(one.name, one.replaces) for one in catalogue.documents()] == [("novel.txt", None)]
    assert claim(queue).state == State.REMOVING


def test_a_new_name_that_fails_leaves_the_old_one(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue, A)
    catalogue.add("books", "novel.txt", A, 10, leaving={BOOK})
    queue.fail(claim(queue), "No. Do this.")
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    catalogue.retry(document_id("books", "novel.txt"))
    assert finish(queue, claim(queue))
    assert [one.name for one in catalogue.documents()] == ["novel.txt"]


def test_a_new_name_that_exists_takes_over_as_well(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue, A)
    make_ready(catalogue, queue, B, "novel.txt")
    record, outcome = catalogue.add("books", "novel.txt", A, 10, leaving={BOOK})
    assert (outcome, record.replaces) == (Outcome.REPLACED, BOOK)
    assert finish(queue, claim(queue))
    assert [one.name for one in catalogue.documents()] == ["novel.txt"]


def test_a_name_that_comes_back_stays(catalogue: Catalogue, queue: Queue) -> None:
    make_ready(catalogue, queue, A)
    catalogue.add("books", "novel.txt", A, 10, leaving={BOOK})
    assert add(catalogue)[1] == Outcome.UNCHANGED
    assert finish(queue, claim(queue))
    assert [one.name for one in catalogue.documents()] == ["book.txt", "novel.txt"]


def test_what_stays_is_a_twin_and_what_leaves_is_none(catalogue: Catalogue) -> None:
    first, _ = add(catalogue)
    other = document_id("books", "other.txt")
    assert catalogue.add("books", "copy.txt", A, 10, leaving={other}) == (first, Outcome.DUPLICATE)
    # It could not be searched, so there is nothing to wait for.
    copy, outcome = catalogue.add("books", "copy.txt", A, 10, leaving={BOOK})
    assert (outcome, copy.replaces) == (Outcome.ADDED, None)


def test_a_moved_document_is_searched_where_it_was_until_it_is_ready(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    there, outcome = collections.move(BOOK, "novels")
    assert (outcome, there.collection, there.name) == (Outcome.ADDED, "novels", "book.txt")
    assert catalogue.versions([BOOK, there.id]) == {BOOK: (A, "book.txt")}
    assert queue.indexed([there.sha256]) == {A: [BOOK]}
    assert finish(queue, claim(queue))
    assert catalogue.versions([BOOK, there.id]) == {there.id: (A, "book.txt")}
    queue.forget(claim(queue))
    assert not is_unused(queue, A)


def test_what_came_in_a_moved_document_follows_before_the_old_goes(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    make_ready(catalogue, queue, A, "mail.eml")
    old = document_id("books", "mail.eml")
    catalogue.add("books", "mail.eml/a.txt", B, 10, parent=old)
    assert finish(queue, claim(queue))
    there, _ = collections.move(old, "letters")
    moved = claim(queue)
    inside = [
        catalogue.add("letters", f"mail.eml/{name}.txt", content, 10, parent=there.id)[0].id
        for name, content in (("a", B), ("b", C))
    ]
    queue.finish([Done(moved, "eml", "en", 3, 3, None, 10, children=inside)])
    queue.release([moved.id])
    assert len(catalogue.documents("books")) == 2
    assert finish(queue, claim(queue))
    assert len(catalogue.documents("books")) == 2
    queue.fail(claim(queue), "No. Do this.")
    assert catalogue.documents("books") == []
    assert len(catalogue.documents("letters")) == 3


def test_removing_what_came_in_a_moved_document_lets_the_old_go(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    there, _ = collections.move(BOOK, "letters")
    moved = claim(queue)
    inside, _ = catalogue.add("letters", "book.txt/a.txt", B, 10, parent=there.id)
    queue.finish([Done(moved, "eml", "en", 3, 3, None, 10, children=[inside.id])])
    queue.release([moved.id])
    catalogue.remove(inside.id)
    assert len(catalogue.documents("books")) == 1
    queue.forget(claim(queue))
    assert catalogue.documents("books") == []


def test_a_document_moved_on_before_it_was_ready_leaves_nothing_behind(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    first, _ = collections.move(BOOK, "novels")
    second, _ = collections.move(first.id, "classics")
    assert (second.replaces, catalogue.get(first.id)) == (BOOK, None)
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    while claimed := queue.claim(1, LEASE):
        [record] = claimed
        if record.state == State.REMOVING:
            queue.forget(record)
        else:
            assert finish(queue, record)
    assert [one.id for one in catalogue.documents()] == [second.id]


def test_moving_to_where_the_content_is_already_keeps_it_once(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    twin, _ = catalogue.add("novels", "copy.txt", A, 10)
    assert collections.move(BOOK, "novels")[1] == Outcome.DUPLICATE
    assert catalogue.versions([BOOK]) == {BOOK: (A, "book.txt")}
    assert finish(queue, claim(queue))
    assert [one.id for one in catalogue.documents()] == [twin.id]
    back, _ = catalogue.add("books", "again.txt", A, 10)
    assert collections.move(back.id, "novels") == (get(catalogue, twin.id), Outcome.DUPLICATE)
    assert catalogue.get(back.id) is None


def test_moves_that_cannot_be_are_refused(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    record = make_ready(catalogue, queue, A)
    assert collections.move(BOOK, "books") == (record, Outcome.UNCHANGED)
    catalogue.add("novels", "book.txt", B, 10)
    inside, _ = catalogue.add("books", "book.txt/a.txt", C, 10, parent=BOOK)
    for key, said in (
        (BOOK, "novels has another document called book.txt"),
        (inside.id, "came in another document"),
        ("nothing", "was removed"),
    ):
        with pytest.raises(InputError, match=said):
            collections.move(key, "novels")
    assert get(catalogue) == record


def test_a_document_can_be_moved_back_while_it_is_cleared_away(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    there, _ = collections.move(BOOK, "novels")
    assert finish(queue, claim(queue))
    back, outcome = collections.move(there.id, "books")
    assert (outcome, back.id, back.version, back.state) == (
        Outcome.ADDED,
        BOOK,
        None,
        State.QUEUED,
    )
    assert catalogue.versions([BOOK, there.id]) == {there.id: (A, "book.txt")}


def test_what_collections_hold_is_counted(
    catalogue: Catalogue, collections: Collections, queue: Queue
) -> None:
    make_ready(catalogue, queue, A)
    add(catalogue, B, "broken.txt")
    queue.fail(claim(queue), "No. Do this.")
    catalogue.add("letters", "a.txt", A, 10)
    assert collections.holdings() == [Holding("books", 2, 3, 1), Holding("letters", 1, 0, 0)]
    assert collections.remove("books") == 2
    assert collections.holdings() == [Holding("letters", 1, 0, 0)]
    assert collections.remove("books") == 0


def test_a_collection_belongs_to_one_folder(catalogue: Catalogue, collections: Collections) -> None:
    collections.give_to_folder("books", "/shelf")
    collections.give_to_folder("books", "/cupboard")
    add(catalogue)
    collections.give_to_folder("books", "/cupboard")
    with pytest.raises(InputError, match="The collection books belongs to the folder /cupboard"):
        collections.give_to_folder("books", "/shelf")
    catalogue.add("letters", "a.txt", A, 10)
    with pytest.raises(InputError, match="letters holds documents that were added otherwise"):
        collections.give_to_folder("letters", "/shelf")
    collections.remove("books")
    collections.give_to_folder("books", "/shelf")
