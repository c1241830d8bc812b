"""Questions that wait together are embedded in one batch, and each gets its own vector."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

import assistant.gathering as gathering_module
from assistant.gathering import MOST, SHORT, Gathering
from ingest.index.embedding import Embedder, Vectors
from ingest.index.errors import EmbedderError

QUESTIONS = [f"How many boats came in on the {day}th of May?" for day in range(4, 29)]


class Noting:
    """An embedder that notes its batches."""

    def __init__(self, embedder: Embedder) -> None:
        self.batches: list[list[str]] = []
        self._embedder = embedder

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        return self._embedder.embed_questions(texts)


@pytest.fixture(autouse=True)
def _one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)


@pytest.fixture
def noting(embedder: Embedder) -> Noting:
    return Noting(embedder)


@pytest.fixture
def gathering() -> Gathering:
    return Gathering()


def as_embedder(noting: Noting) -> Embedder:
    return cast("Embedder", noting)


def test_those_that_wait_are_embedded_with_the_first_whose_turn_it_is(
    gathering: Gathering, noting: Noting, embedder: Embedder
) -> None:
    asked = [gathering.join(question) for question in QUESTIONS[: MOST + 3]]
    # The third comes first; the others follow in the order in which they came.
    for one in [asked[2], *asked]:
        vector = gathering.vector(one, as_embedder(noting))
        # Another batch may round otherwise.
        np.testing.assert_allclose(vector, embedder.embed_question(one.text), atol=0.01)
    texts = [one.text for one in asked]
    first = [texts[2], *texts[:2], *texts[3:MOST]]
    assert noting.batches == [first, texts[MOST:]]


def test_each_core_takes_its_share(
    gathering: Gathering, noting: Noting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    asked = [gathering.join(question) for question in QUESTIONS[:10]]
    for one in asked:
        gathering.vector(one, as_embedder(noting))
    assert [len(batch) for batch in noting.batches] == [3, 2, 2, 1, 1, 1]


def test_one_who_asks_alone_is_embedded_alone(gathering: Gathering, noting: Noting) -> None:
    for question in QUESTIONS[:3]:
        gathering.vector(gathering.join(question), as_embedder(noting))
    assert noting.batches == [[question] for question in QUESTIONS[:3]]


def test_a_long_question_holds_nobody_up(gathering: Gathering, noting: Noting) -> None:
    long, *short = (gathering.join(text) for text in ["Why? " * SHORT, *QUESTIONS[:3]])
    for one in (short[0], long, *short):
        gathering.vector(one, as_embedder(noting))
    assert noting.batches == [QUESTIONS[:3], [long.text]]


def test_one_who_left_is_not_embedded(gathering: Gathering, noting: Noting) -> None:
    asked = [gathering.join(question) for question in QUESTIONS[:3]]
    gathering.leave(asked[1])
    gathering.vector(asked[0], as_embedder(noting))
    gathering.leave(asked[0])
    assert noting.batches == [[QUESTIONS[0], QUESTIONS[2]]]


def test_another_model_embeds_anew(
    gathering: Gathering, noting: Noting, embedder: Embedder
) -> None:
    other = Noting(embedder)
    asked = [gathering.join(question) for question in QUESTIONS[:2]]
    gathering.vector(asked[0], as_embedder(noting))
    gathering.vector(asked[1], as_embedder(other))
    assert (noting.batches, other.batches) == ([QUESTIONS[:2]], [QUESTIONS[1:2]])


def test_a_question_that_another_model_embeds_meanwhile_gets_that_ones_vector(
    gathering: Gathering,
    noting: Noting,
    embedder: Embedder,
    small_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = Embedder(str(small_model))
    first, second, third = (gathering.join(question) for question in QUESTIONS[:3])
    embed, switched = gathering_module._embed, list[Vectors]()

    def interrupted(*batch: Any) -> None:
        monkeypatch.setattr(gathering_module, "_embed", embed)
        switched.append(gathering.vector(second, other))
        embed(*batch)

    monkeypatch.setattr(gathering_module, "_embed", interrupted)
    for one in (first, third):
        vector = gathering.vector(one, as_embedder(noting))
        np.testing.assert_allclose(vector, embedder.embed_question(one.text), atol=0.01)
    alone = other.embed_question(second.text)
    assert alone.shape != vector.shape
    for found in (*switched, gathering.vector(second, other)):
        np.testing.assert_allclose(found, alone, atol=0.01)


def test_what_fails_fails_for_each(gathering: Gathering) -> None:
    missing = Embedder("no/such-model")
    asked = [gathering.join(question) for question in QUESTIONS[:3]]
    for one in asked:
        with pytest.raises(EmbedderError):
            gathering.vector(one, missing)


def test_at_once_each_is_embedded_once_and_gets_its_own(
    gathering: Gathering, noting: Noting, embedder: Embedder
) -> None:
    asked = [gathering.join(question) for question in QUESTIONS]
    with ThreadPoolExecutor(4) as threads:
        vectors = list(threads.map(lambda one: gathering.vector(one, as_embedder(noting)), asked))
    assert sorted(text for batch in noting.batches for text in batch) == sorted(QUESTIONS)
    alone = np.array([embedder.embed_question(question) for question in QUESTIONS])
    assert (np.array(vectors) @ alone.T).argmax(axis=1).tolist() == list(range(len(QUESTIONS)))
