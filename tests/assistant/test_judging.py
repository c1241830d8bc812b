"""The chat model's second opinion on sentences that are said in part, over real HTTP."""

import asyncio
from collections.abc import Callable

import pytest
from fake_ollama import FakeOllama

from assistant.answering import Answerer
from assistant.events import Answer
from assistant.models import ChatModels
from assistant.settings import AssistantSettings
from assistant.verification import Support
from ingest.index.index import Index
from ingest.index.tables import Record

TOWER = "The lighthouse of Arnholm was built in 1871 by Clara Veit. Its lamp burned oil until 1934."
PARTLY = "The lighthouse of Arnholm was constructed in 1871 by Clara Veit."
WRONG = "The lighthouse of Arnholm was built in 1872 by Clara Veit."
RIGHT = "The lighthouse of Arnholm was built in 1871 by Clara Veit."


@pytest.fixture
def tower(add: Callable[..., Record]) -> None:
    add("tower.txt", TOWER)


def supports(index: Index, judge: bool = True) -> list[Support]:
    settings = AssistantSettings(data_dir=index.settings.data_dir, llm_judge=judge)
    answerer = Answerer(index, ChatModels(settings), settings)

    async def last() -> Answer:
        events = [event async for event in answerer.stream("Who built the lighthouse?")]
        assert isinstance(events[-1], Answer)
        return events[-1]

    return [sentence.support for sentence in asyncio.run(last()).sentences]


@pytest.mark.parametrize(
    ("said", "support"),
    [
        (["Yes."], Support.SUPPORTED),
        (["**Ye", "s**, it does."], Support.SUPPORTED),
        (["No"], Support.UNSUPPORTED),
        (["no, it was not"], Support.UNSUPPORTED),
        (["Nothing is certain."], Support.PARTLY),
        ([], Support.PARTLY),
        (["Who knows? "] * 40 + ["Yes."], Support.PARTLY),
    ],
)
def test_what_is_said_in_part_is_settled(
    said: list[str], support: Support, index: Index, tower: None, ollama: FakeOllama
) -> None:
    ollama.will_write(f"{PARTLY} [1]")
    ollama.will_write(*said)
    assert supports(index) == [support]
    asked = ollama.chats[1].messages[-1]["content"]
    assert f"Claim: {PARTLY}" in asked
    assert TOWER in asked


def test_a_model_that_fails_leaves_the_verdict(
    index: Index, tower: None, ollama: FakeOllama
) -> None:
    ollama.will_write(f"{PARTLY} [1]")
    ollama.will_write(failure="crash")
    assert supports(index) == [Support.PARTLY]


def test_what_the_check_is_sure_of_is_not_asked(
    index: Index, tower: None, ollama: FakeOllama
) -> None:
    ollama.will_write(f"{RIGHT} [1] {WRONG} [1]")
    assert supports(index) == [Support.SUPPORTED, Support.UNSUPPORTED]
    assert len(ollama.chats) == 1


def test_nothing_is_asked_unless_it_is_switched_on(
    index: Index, tower: None, ollama: FakeOllama
) -> None:
    ollama.will_write(f"{PARTLY} [1]")
    assert supports(index, judge=False) == [Support.PARTLY]
    assert len(ollama.chats) == 1
