"""A question that the documents do not answer is not answered, whoever would write."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from fake_ollama import FakeOllama

from assistant.answering import NO_ANSWER, Answerer
from assistant.events import Answer
from assistant.models import ChatModels
from assistant.settings import ABSTAIN_BELOW, AssistantSettings
from assistant.shapes import answer_shape, search_shape
from ingest.index.index import Index
from ingest.index.tables import Record

Add = Callable[..., Record]

TOWER = "The lighthouse of Arnholm was built in 1871 by Clara Veit. Its lamp burned oil until 1934."
ELSEWHERE = "Which enzyme unwinds the double helix before replication?"


HISTORY = [("Who built the lighthouse?", "Clara Veit built it.")]


def answered(
    index: Index, question: str, history: Sequence[tuple[str, str]] = (), **settings: float
) -> Answer:
    async def last() -> Answer:
        chosen = AssistantSettings(data_dir=index.settings.data_dir, **settings)  # type: ignore[arg-type]  # numbers only
        answerer = Answerer(index, ChatModels(chosen), chosen)
        seen = [event async for event in answerer.stream(question, history=history)]
        assert isinstance(seen[-1], Answer)
        return seen[-1]

    return asyncio.run(last())


@pytest.fixture
def tower(add: Add) -> None:
    add("tower.txt", TOWER)


def test_no_model_is_asked_and_the_nearest_passages_are_shown(
    index: Index, tower: None, ollama: FakeOllama
) -> None:
    found = answered(index, ELSEWHERE)
    assert (found.text, found.abstained, found.sentences) == (NO_ANSWER, True, ())
    assert [passage.text for passage in found.passages] == [TOWER]
    assert found.evidence < ABSTAIN_BELOW
    assert not ollama.chats
    assert answer_shape(found)["evidence"] == found.evidence


def test_nothing_is_quoted_without_a_model(index: Index, tower: None) -> None:
    found = answered(index, ELSEWHERE)
    assert (found.text, found.abstained, found.citations) == (NO_ANSWER, True, ())
    assert found.mode == "quotes"
    assert [passage.text for passage in found.passages] == [TOWER]


def test_the_threshold_is_a_setting(index: Index, tower: None, ollama: FakeOllama) -> None:
    ollama.will_write("An enzyme [1].")
    assert answered(index, ELSEWHERE, abstain_below=0.0).text == "An enzyme [1]."
    assert answered(index, "Who built the lighthouse of Arnholm?", abstain_below=1.0).abstained


def test_a_follow_up_is_refused_only_once_it_stands_alone(
    index: Index, tower: None, ollama: FakeOllama
) -> None:
    ollama.will_rewrite(ELSEWHERE)
    ollama.will_write("An enzyme [1].")
    assert answered(index, ELSEWHERE, HISTORY).text == "An enzyme [1]."
    ollama.will_rewrite("Which protein unwinds the double helix?")
    found = answered(index, ELSEWHERE, HISTORY)
    assert (found.text, found.standalone) == (NO_ANSWER, "Which protein unwinds the double helix?")


def test_a_search_tells_it_too(index: Index, tower: None) -> None:
    chosen = AssistantSettings(data_dir=index.settings.data_dir)
    retriever = Answerer(index, ChatModels(chosen), chosen).retriever
    shape = search_shape(ELSEWHERE, retriever.find(ELSEWHERE, 5))
    assert (shape["answerable"], len(shape["passages"])) == (False, 1)
    question = "Who built the lighthouse of Arnholm?"
    shape = search_shape(question, retriever.find(question, 5))
    assert shape["answerable"] is True
    assert shape["evidence"] > 0.5
