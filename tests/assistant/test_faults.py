"""What a person reads when a chat model fails, over real HTTP."""

import asyncio
import re
import time
from pathlib import Path

import pytest
from fake_ollama import EMBEDDING, Failure, FakeOllama
from langchain_core.messages import HumanMessage

from assistant.models import ChatModels, Choice, Counts
from assistant.settings import AssistantSettings
from ingest.index.errors import ModelError

MESSAGES = [HumanMessage("Why?")]


def chat_models(**given: object) -> ChatModels:
    return ChatModels(AssistantSettings(data_dir=Path("data"), **given))


def written(given: ChatModels, model: str) -> list[str]:
    async def collected() -> list[str]:
        stream = given.stream(Choice(model), MESSAGES, Counts())
        return [piece.text async for piece in stream]

    return asyncio.run(collected())


def failed(model: str = "llama3.2", **given: object) -> ModelError:
    with pytest.raises(ModelError) as caught:
        written(chat_models(**given), model)
    assert re.fullmatch(r"[A-Za-z].+\.", caught.value.what)
    assert re.fullmatch(r"[A-Z].+\.", caught.value.next_step)
    return caught.value


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        ("drop", "the connection to Ollama was lost"),
        ("no end", "the connection to Ollama was lost"),
        (
            "error line",
            "llama3.2 failed (an error was encountered while running the model: CUDA error)",
        ),
        ("length", "llama3.2 used up its context of 8,192 tokens"),
    ],
)
def test_an_answer_that_breaks_off_says_after_how_many_words_and_why(
    failure: Failure, reason: str, ollama: FakeOllama
) -> None:
    ollama.will_write("one ", "tw", "o ", "three", failure=failure)
    seen: list[str] = []

    async def read() -> None:
        async for piece in chat_models().stream(Choice("llama3.2"), MESSAGES, Counts()):
            seen.append(piece.text)  # noqa: PERF401

    with pytest.raises(ModelError) as caught:
        asyncio.run(read())
    assert "".join(seen) == "one two three"
    assert caught.value.what == f"The answer was cut after 3 words: {reason}."
    assert caught.value.next_step


@pytest.mark.parametrize(
    ("failure", "what", "step"),
    [
        ("crash", "llama3.2 failed (model runner has unexpectedly stopped", "Ollama's log"),
        ("memory", "llama3.2 does not fit into the memory that is free", "a smaller model"),
        ("busy", "Ollama is busy (server busy, please try again", "in a moment"),
        ("too long", "The question and its passages are longer than", "CONTEXT to 4096 or less"),
        ("error line", "llama3.2 failed (an error was encountered", "Ask again"),
        ("drop", "The connection to Ollama was lost", "still runs"),
        ("no end", "llama3.2 wrote nothing", "Ask again"),
        ("length", "llama3.2 used up its context of 8,192 tokens before", "FOOTNOTE_LLM_CONTEXT"),
    ],
)
def test_a_model_that_fails_before_its_first_word_says_why(
    failure: Failure, what: str, step: str, ollama: FakeOllama
) -> None:
    ollama.will_write(failure=failure)
    error = failed()
    assert error.what.startswith(what)
    assert step in error.next_step


def test_a_model_that_was_removed_meanwhile_is_named(ollama: FakeOllama) -> None:
    error = failed("gone")
    assert error.what == "Ollama has no model called gone."
    assert "`ollama pull gone`" in error.next_step


def test_a_model_that_cannot_chat_says_so(ollama: FakeOllama) -> None:
    ollama.install("nomic-embed-text:latest", EMBEDDING)
    error = failed("nomic-embed-text")
    assert 'cannot answer ("nomic-embed-text" does not support chat)' in error.what


def test_without_ollama_a_stream_says_how_to_start_it(no_ollama: int) -> None:
    error = failed()
    assert error.what == "Ollama is not running."
    assert "`ollama serve`" in error.next_step


def test_a_model_that_is_silent_for_too_long_is_given_up(ollama: FakeOllama) -> None:
    ollama.will_write("late", delay=5)
    started = time.monotonic()
    error = failed(llm_timeout=0.3)
    assert time.monotonic() - started < 2
    assert error.what == "llama3.2 has written nothing for 0.3 seconds."
    assert "FOOTNOTE_LLM_TIMEOUT" in error.next_step
    assert ollama.chats[0].over.wait(2)
    assert ollama.chats[0].closed_after is not None


def test_the_default_patience_is_a_minute() -> None:
    assert chat_models().settings.llm_timeout == 60


def test_a_model_that_falls_silent_in_mid_answer_is_given_up(ollama: FakeOllama) -> None:
    ollama.will_write("one ", "two ", failure="silence")
    error = failed(llm_timeout=0.3)
    said = "The answer was cut after 2 words: llama3.2 has written nothing for 0.3 seconds."
    assert error.what == said
    assert ollama.chats[0].over.wait(2)
    assert ollama.chats[0].closed_after is not None
