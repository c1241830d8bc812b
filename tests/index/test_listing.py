"""The catalogue as a list: counts, filters, orders, parts; fast with ten thousand documents."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ingest.index.catalogue import Catalogue
from ingest.index.database import Database, sqlite_url
from ingest.index.listing import Part, Wanted, overview, rows
from ingest.index.tables import State, documents, metadata


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(sqlite_url(tmp_path), metadata)) as opened:
        yield opened


@pytest.fixture
def catalogue(database: Database) -> Catalogue:
    return Catalogue(database)


@pytest.fixture
def work(database: Database) -> Callable[[dict[str, object]], None]:
    """Return a function that changes every document that waits, as a worker would."""

    def worked(values: dict[str, object]) -> None:
        with database.write() as connection:
            connection.execute(
                documents.update().where(documents.c.state == State.QUEUED).values(values)
            )

    return worked


def add(catalogue: Catalogue, name: str, collection: str = "default", size: int = 1) -> str:
    record, _ = catalogue.add(collection, name, f"{collection}/{name}", size)
    return record.id


def ready(chunks: int = 3, pages: int | None = None) -> dict[str, object]:
    """Return what a worker writes into the row of a document that is done."""
    return {
        "state": State.READY,
        "version": documents.c.sha256,
        "chunks": chunks,
        "pages": pages,
    }


Work = Callable[[dict[str, object]], None]
ALL, FIRST = Wanted(), Part()


def names(database: Database, wanted: Wanted = ALL, part: Part = FIRST) -> list[str]:
    return [record.name for record in rows(database, wanted, part)[0]]


def test_counts_by_collection(database: Database, catalogue: Catalogue, work: Work) -> None:
    assert overview(database).collections == ()
    add(catalogue, "a.md", "one")
    work(ready(chunks=7))
    add(catalogue, "b.md", "one")
    work({"state": State.FAILED, "error": "no"})
    add(catalogue, "c.md", "one")
    catalogue.remove(add(catalogue, "d.md", "two"))
    [one] = overview(database).collections
    assert (one.name, one.documents, one.ready, one.failed, one.busy) == ("one", 3, 1, 1, 1)
    assert one.passages == 7


def test_an_old_version_that_still_answers_counts(
    database: Database, catalogue: Catalogue, work: Work
) -> None:
    add(catalogue, "a.md")
    work(ready(chunks=7))
    catalogue.add("default", "a.md", "new content", 1)
    [one] = overview(database).collections
    assert (one.ready, one.busy, one.passages) == (0, 1, 7)


def test_the_revision_changes_with_every_state(
    database: Database, catalogue: Catalogue, work: Work
) -> None:
    seen = [overview(database).revision]
    key = add(catalogue, "a.md")
    seen.append(overview(database).revision)
    work(ready())
    seen.append(overview(database).revision)
    assert overview(database).revision == seen[-1]
    catalogue.remove(key)
    seen.append(overview(database).revision)
    assert len(set(seen[:3])) == 3
    assert seen[3] == seen[0]


def test_orders(database: Database, catalogue: Catalogue, work: Work) -> None:
    for name, size, pages in (("b.pdf", 30, 2), ("A.txt", 10, None), ("c.pdf", 20, 9)):
        add(catalogue, name, size=size)
        work(ready(pages=pages))
    assert names(database) == ["A.txt", "b.pdf", "c.pdf"]
    assert names(database, part=Part("name", descending=True)) == ["c.pdf", "b.pdf", "A.txt"]
    assert names(database, part=Part("size")) == ["A.txt", "c.pdf", "b.pdf"]
    # What has no pages stands at the end both ways.
    assert names(database, part=Part("pages")) == ["b.pdf", "c.pdf", "A.txt"]
    assert names(database, part=Part("pages", descending=True)) == ["c.pdf", "b.pdf", "A.txt"]


def test_filters(database: Database, catalogue: Catalogue, work: Work) -> None:
    add(catalogue, "Lease 100%.pdf", "one")
    work(ready())
    running = add(catalogue, "lease_100.pdf", "two")
    work({"state": State.RUNNING})
    add(catalogue, "other.pdf", "two")
    assert names(database, Wanted("LEASE")) == ["Lease 100%.pdf", "lease_100.pdf"]
    assert names(database, Wanted("100%")) == ["Lease 100%.pdf"]
    assert names(database, Wanted("e_1")) == ["lease_100.pdf"]
    assert names(database, Wanted(collection="two")) == ["lease_100.pdf", "other.pdf"]
    assert names(database, Wanted(state=State.READY)) == ["Lease 100%.pdf"]
    # A person does not tell what waits from what is worked on.
    assert names(database, Wanted(state=State.RUNNING)) == ["lease_100.pdf", "other.pdf"]
    catalogue.remove(running)
    assert names(database, Wanted(collection="two")) == ["other.pdf"]


def test_parts(database: Database, catalogue: Catalogue) -> None:
    for number in range(12):
        add(catalogue, f"{number:02}.md")
    found, total = rows(database, ALL, Part(offset=10, limit=5))
    assert [record.name for record in found] == ["10.md", "11.md"]
    assert total == 12


def test_ten_thousand_documents_take_a_moment(database: Database) -> None:
    with database.write() as connection:
        connection.execute(
            documents.insert(),
            [
                {
                    "id": f"id{number}",
                    "collection": f"c{number % 7}",
                    "name": f"file {number}",
                    "state": State.READY,
                    "sha256": f"h{number}",
                    "version": f"h{number}",
                    "size": number,
                    "chunks": 5,
                    "updated": float(number),
                }
                for number in range(10_000)
            ],
        )
    started = time.perf_counter()
    found, total = rows(database, Wanted("9"), Part("size", descending=True, offset=1000))
    seen = overview(database)
    assert time.perf_counter() - started < 0.5
    assert (len(found), total) == (100, 3439)
    assert sum(one.passages for one in seen.collections) == 50_000
