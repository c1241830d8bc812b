"""Follow-up questions, and prompts that must fit the model's context, over real HTTP."""

from collections.abc import Callable
from typing import Any

import pytest
from fake_ollama import CHAT, THINKING, FakeOllama
from town import BUILT, answer, events

from assistant.answering import Answerer
from assistant.events import Answer, Reading, Rewritten, Searching
from ingest.index.catalogue import Record
from ingest.index.errors import InputError

Add = Callable[..., Record]


# -- follow-up questions -----------------------------------------------------------------------

HISTORY = [("Who built the lighthouse of Arnholm?", "Clara Veit [1].")]


def test_a_follow_up_question_is_rewritten_shown_and_searched_for(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_rewrite("How long did the lamp of the ", "lighthouse of Arnholm burn oil?")
    seen = events(answerer, "How long did it burn?", history=HISTORY)
    found = seen[-1]
    assert isinstance(found, Answer)
    rewritten = "How long did the lamp of the lighthouse of Arnholm burn oil?"
    assert [type(event) for event in seen[:3]] == [Searching, Rewritten, Reading]
    assert seen[1] == Rewritten(rewritten)
    assert (found.question, found.standalone) == ("How long did it burn?", rewritten)
    assert found.passages[0].document == "tower.txt"
    assert found.usage.rewrite_seconds is not None
    rewriting, answering = (chat.messages for chat in ollama.chats)
    assert "Answer: Clara Veit." in str(rewriting[1]["content"])
    # What stands alone is answered without the conversation: earlier answers are no sources.
    assert len(answering) == 2
    assert str(answering[1]["content"]).endswith(f"Question: {rewritten}")


def test_a_question_that_stands_alone_is_left_as_it_is(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    seen = events(answerer, history=HISTORY)
    assert not any(isinstance(event, Rewritten) for event in seen)
    assert seen[-1].standalone is None
    assert len(ollama.chats) == 2


def test_a_first_question_is_not_rewritten(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    found = answer(answerer)
    assert (found.standalone, found.usage.rewrite_seconds) == (None, None)
    assert len(ollama.chats) == 1


@pytest.mark.parametrize("failure", ["crash", "drop", "no end", "length", "error line"])
def test_where_rewriting_fails_the_question_is_asked_as_it_is_with_the_conversation(
    answerer: Answerer, town: None, ollama: FakeOllama, failure: Any
) -> None:
    ollama.will_rewrite(*(() if failure == "crash" else ("When did",)), failure=failure)
    found = answer(answerer, "And the harbour of Arnholm?", history=HISTORY)
    assert (found.mode, found.standalone, found.cut) == ("model", None, None)
    sent = [str(message["content"]) for message in ollama.chats[1].messages]
    assert sent[1:3] == ["Who built the lighthouse of Arnholm?", "Clara Veit."]
    assert sent[3].endswith("Question: And the harbour of Arnholm?")


def test_what_is_no_question_does_not_take_its_place(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.will_rewrite("Clara Veit was a builder.\n\nShe built it in 1871.")
    assert answer(answerer, "When?", history=HISTORY).standalone is None


def test_a_thinking_model_rewrites_without_thinking(
    answerer: Answerer, town: None, ollama: FakeOllama
) -> None:
    ollama.install("qwen3:4b", THINKING)
    ollama.will_write(f"{BUILT} [1]", thinking=["Passage [2]?"])
    found = answer(answerer, history=HISTORY, model="qwen3:4b")
    assert [chat.body["think"] for chat in ollama.chats] == [False, True]
    assert found.reasoning == "Passage [2]?"
    assert found.text == f"{BUILT} [1]"


def test_without_a_model_a_follow_up_question_is_searched_for_as_it_is(
    answerer: Answerer, town: None, no_ollama: int
) -> None:
    found = answer(answerer, history=HISTORY)
    assert (found.mode, found.standalone) == ("quotes", None)


# -- the model's context -----------------------------------------------------------------------


@pytest.fixture
def many(add: Add) -> None:
    tall = "The lighthouse of Arnholm is tall and white, and stands at the end of the pier. " * 3
    add("tower.txt", "\n\n".join(f"Lighthouse {number}. {tall}" for number in range(30)))


def test_the_prompt_fits_the_context_that_the_model_really_has(
    answerer: Answerer, many: None, ollama: FakeOllama
) -> None:
    ollama.install("small:latest", CHAT, context=1024)
    found = answer(answerer, "Is the lighthouse tall?", k=20, model="small")
    [chat] = ollama.chats
    assert chat.options["num_ctx"] == 1024
    assert found.usage.context_tokens == 1024
    assert found.usage.estimated_prompt_tokens is not None
    assert found.usage.estimated_prompt_tokens + 256 <= 1024 + 16
    assert 0 < chat.options["num_predict"] <= 1024 - found.usage.estimated_prompt_tokens
    assert found.usage.passages_used == str(chat.messages[-1]["content"]).count("</passage>")
    assert found.usage.passages_dropped == len(found.passages) - found.usage.passages_used > 0


def test_a_prompt_that_was_cut_on_the_way_is_reported(
    answerer: Answerer, many: None, ollama: FakeOllama
) -> None:
    ollama.will_write("It is tall. [1]", prompt_tokens=150)
    found = answer(answerer, "Is the lighthouse tall?")
    assert str(found.notice).startswith("llama3.2:latest read 150 tokens where at least ")
    assert "did not see every passage" in str(found.notice)
    assert found.usage.prompt_tokens == 150


def test_a_prompt_that_was_read_whole_is_not(
    answerer: Answerer, many: None, ollama: FakeOllama
) -> None:
    assert answer(answerer, "Is the lighthouse tall?").notice is None


def test_a_question_without_room_is_refused_in_a_sentence(
    answerer: Answerer, many: None, ollama: FakeOllama
) -> None:
    ollama.install("small:latest", CHAT, context=1024)
    with pytest.raises(InputError, match=r"does not fit the model's context of 1,024 tokens\."):
        answer(answerer, "Is it tall? " * 300, model="small")
