"""From a question to passages, also while documents change under it."""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from assistant.retrieval import MAX_PASSAGES, MAX_QUESTION, Retriever, default_k
from assistant.scope import Scope
from assistant.settings import AssistantSettings
from assistant.turns import Turn, Turns
from ingest.index.documents import Chunk
from ingest.index.embedding import Vectors
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.keywords import Keywords
from ingest.index.store import Hits, Store, Where
from ingest.index.tables import Record
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

Add = Callable[..., Record]

PAINTING = "Who created the famous painting of a woman with a mysterious smile?"
MONA_LISA = (
    "Leonardo da Vinci painted the Mona Lisa, a portrait of a woman with a mysterious smile."
)
EIFFEL = "Gustave Eiffel's company built the Eiffel Tower in Paris in 1889."
RELATIVITY = "Albert Einstein published the general theory of relativity in 1915."


@pytest.fixture
def retriever(index: Index, add: Add) -> Retriever:
    add("mona-lisa.txt", MONA_LISA)
    add("eiffel.txt", EIFFEL, "towers")
    add("relativity.txt", RELATIVITY)
    return Retriever(index)


# -- search ----------------------------------------------------------------------------------


def test_the_right_document_comes_first(retriever: Retriever) -> None:
    passages = retriever.search(PAINTING, 3)
    assert passages[0].document == "mona-lisa.txt"
    assert passages[0].text == MONA_LISA
    assert [passage.number for passage in passages] == list(range(1, len(passages) + 1))
    scores = [passage.score for passage in passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("When was the iron tower in the French capital built?", "eiffel.txt"),
        ("relativity", "relativity.txt"),
        ("EINSTEIN 1915", "relativity.txt"),
        ("¿Quién pintó la Mona Lisa?", "mona-lisa.txt"),
    ],
)
def test_words_and_meaning_both_find(retriever: Retriever, question: str, document: str) -> None:
    assert retriever.search(question, 1)[0].document == document


@pytest.mark.parametrize("question", ["the", "?", "🙂", "\x00", "' OR 1=1 --", "a" * MAX_QUESTION])
def test_odd_questions_are_searched_like_any_other(retriever: Retriever, question: str) -> None:
    assert len(retriever.search(question, 2)) == 2


def test_a_search_is_confined_to_a_collection_or_to_documents(
    retriever: Retriever, index: Index
) -> None:
    (tower,) = retriever.search(PAINTING, 5, Scope("towers"))
    assert tower.document == "eiffel.txt"
    other = next(d.id for d in index.catalogue.documents() if d.name == "relativity.txt")
    (passage,) = retriever.search(PAINTING, 5, Scope(document_ids=[other]))
    assert passage.document == "relativity.txt"
    assert retriever.search(PAINTING, 5, Scope(document_ids=[])) == []


def test_what_a_document_says_twice_is_found_once_where_it_stands_first(
    index: Index, add: Add
) -> None:
    oil, tide, gale = (
        " ".join(f"{name} {number}" for number in range(40)) for name in ("oil", "tide", "gale")
    )
    page = f"# Painting\n\n{MONA_LISA} {gale}."
    first, between = f"# Log\n\n{oil}. {oil}.", f"# Log\n\n{tide}. {tide}."
    add("twice.md", f"{first}\n\n{page}\n\n{between}\n\n{page}\n\n{first}")
    add("again.txt", MONA_LISA)
    found = Retriever(index).search(PAINTING, 5)
    twice = [passage for passage in found if passage.document == "twice.md"]
    assert sum(passage.text.count(MONA_LISA) for passage in twice) == 1
    assert twice[0].start <= len(first) + 3 <= twice[0].end
    # In another document it is another source.
    assert any(passage.document == "again.txt" for passage in found)


def test_copies_leave_room_for_what_is_not_a_copy(index: Index, add: Add) -> None:
    gale = " ".join(f"gale {number}" for number in range(40))
    page = f"# Painting\n\n{MONA_LISA} {gale}."
    add("copies.md", "\n\n".join([page] * 20))
    add("other.txt", "A woman with a smile stands in the square.")
    found = Retriever(index).search(PAINTING, 3)
    assert [passage.document for passage in found].count("other.txt") == 1


def test_an_index_without_documents_finds_nothing(index: Index) -> None:
    assert Retriever(index).search(PAINTING, 5) == []


@pytest.mark.parametrize("question", ["", "  \n\t ", "x" * (MAX_QUESTION + 1), "x" * 100_000])
def test_an_empty_or_endless_question_is_refused(index: Index, question: str) -> None:
    with pytest.raises(InputError) as caught:
        Retriever(index).search(question, 5)
    assert caught.value.next_step


@pytest.mark.parametrize("k", [0, -1, MAX_PASSAGES + 1, 10_000])
def test_a_number_of_passages_out_of_bounds_is_refused(index: Index, k: int) -> None:
    with pytest.raises(InputError) as caught:
        Retriever(index).search(PAINTING, k)
    assert caught.value.next_step == f"Choose 1 to {MAX_PASSAGES}."
    with pytest.raises(InputError):
        default_k(AssistantSettings(), k)


def test_without_a_number_of_passages_the_setting_counts() -> None:
    assert default_k(AssistantSettings(top_k=7), None) == 7
    assert default_k(AssistantSettings(top_k=7), 3) == 3


def test_an_unknown_collection_is_refused_with_those_there_are(retriever: Retriever) -> None:
    with pytest.raises(InputError) as caught:
        retriever.search(PAINTING, 5, Scope("tower"))
    assert "tower" in caught.value.what
    assert "default, towers" in caught.value.next_step


# -- documents that change -------------------------------------------------------------------


class Interrupted:
    """A store during whose searches or look-ups something happens, once."""

    def __init__(self, store: Store, after: str, happens: Callable[[], object]) -> None:
        self._store = store
        self._after = after
        self._happens = [happens]

    def search(self, vector: Vectors, keywords: Keywords, limit: int, where: Where) -> Hits:
        found = self._store.search(vector, keywords, limit, where)
        self._interrupt("search")
        return found

    def fetch(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        if self._after == "before fetch":
            self._interrupt("before fetch")
        return self._store.fetch(chunk_ids)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def _interrupt(self, place: str) -> None:
        if place == self._after and self._happens:
            self._happens.pop()()


@pytest.mark.parametrize("moment", ["search", "before fetch"])
@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_a_document_that_is_replaced_meanwhile_is_seen_once_and_not_missed(
    retriever: Retriever, index: Index, add: Add, moment: str, k: int
) -> None:
    newer = MONA_LISA + " It hangs in the Louvre."
    index.current._store = Interrupted(index.store, moment, lambda: add("mona-lisa.txt", newer))
    passages = retriever.search(PAINTING, k)
    assert [p.text for p in passages if p.document == "mona-lisa.txt"] == [newer]
    assert passages[0].text == newer
    assert len(passages) == min(k, 3)


def test_while_a_new_version_is_written_the_old_one_is_found(
    retriever: Retriever, index: Index, add: Add
) -> None:
    def found(*_: object) -> None:
        if not seen:
            seen.extend(retriever.search(PAINTING, 5))

    seen: list[object] = []
    newer = MONA_LISA + " It hangs in the Louvre."
    drop = Pipeline.drop_others

    def dropping(pipeline: Pipeline, *given: object, **named: object) -> None:
        between.extend(retriever.search(PAINTING, 5))
        drop(pipeline, *given, **named)  # type: ignore[arg-type]

    between: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pipeline, "drop_others", dropping)
        patch.setattr(Worker, "_report", _reporting(found))
        add("mona-lisa.txt", newer)
    texts = [passage.text for passage in seen if passage.document == "mona-lisa.txt"]
    assert texts == [MONA_LISA]
    texts = [passage.text for passage in between if passage.document == "mona-lisa.txt"]
    assert texts == [newer]


def _reporting(seen: Callable[..., None]) -> Callable[..., None]:
    plain = Worker._report

    def report(worker: Worker, *given: object) -> None:
        plain(worker, *given)  # type: ignore[arg-type]
        seen()

    return report


@pytest.mark.parametrize("moment", ["search", "at rest"])
def test_a_removed_document_vanishes_at_once(
    retriever: Retriever, index: Index, moment: str
) -> None:
    gone = next(d.id for d in index.catalogue.documents() if d.name == "mona-lisa.txt")
    if moment == "at rest":
        index.catalogue.remove(gone)
    else:
        index.current._store = Interrupted(
            index.store, "search", lambda: index.catalogue.remove(gone)
        )
    assert {p.document for p in retriever.search(PAINTING, 5)} == {"eiffel.txt", "relativity.txt"}


# -- many at once ----------------------------------------------------------------------------


def test_no_more_searches_run_at_once_than_there_are_cores(
    retriever: Retriever, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch, cores = index.store.fetch, os.cpu_count() or 1
    running, most = 0, 0
    counting = threading.Lock()

    def counted(ids: Sequence[str]) -> list[Chunk]:
        nonlocal running, most
        with counting:
            running += 1
            most = max(most, running)
        time.sleep(0.1)
        with counting:
            running -= 1
        return fetch(ids)

    monkeypatch.setattr(index.store, "fetch", counted)
    with ThreadPoolExecutor(4 * cores) as callers:
        found = list(callers.map(lambda _: retriever.search(PAINTING, 1), range(4 * cores)))
    assert {passages[0].document for passages in found} == {"mona-lisa.txt"}
    assert most == cores


def test_searches_that_wait_are_embedded_together_and_what_was_given_up_is_not(
    index: Index, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    add("mona-lisa.txt", MONA_LISA)
    add("eiffel.txt", EIFFEL)
    turns, free, batches = Turns(), threading.Event(), list[list[str]]()
    retriever, embed = Retriever(index, turns=turns), index.embedder.embed_questions

    def noted(texts: Sequence[str]) -> Vectors:
        batches.append(list(texts))
        return embed(texts)

    monkeypatch.setattr(index.embedder, "embed_questions", noted)
    held = turns.submit(Turn.SEARCH, free.wait, 20)
    tower, given_up = "When was the iron tower built?", "Who was given up?"

    async def ask() -> list[str]:
        asked = [
            asyncio.create_task(retriever.find_soon(question, 1))
            for question in (PAINTING, given_up, tower)
        ]
        await asyncio.sleep(0.1)
        asked[1].cancel()
        await asyncio.wait(asked[1:2])
        free.set()
        return [(await one).passages[0].document for one in (asked[0], asked[2])]

    assert asyncio.run(ask()) == ["mona-lisa.txt", "eiffel.txt"]
    assert held.result()
    assert batches == [[PAINTING, tower]]
    assert not retriever._gathering._waiting


def test_a_search_that_finds_nothing_to_search_waits_no_more(settings: IngestSettings) -> None:
    with closing(Index(settings)) as empty:
        retriever = Retriever(empty)
        assert retriever.search(PAINTING, 1) == []
        with pytest.raises(InputError):
            retriever.search(PAINTING, 1, Scope("no-such-collection"))
        assert not retriever._gathering._waiting
