"""Which chat model is chosen, and how its words arrive, over real HTTP."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import CHAT, EMBEDDING, Failure, FakeOllama
from langchain_core.messages import HumanMessage, SystemMessage

from assistant import models
from assistant.models import ChatModels, Choice, Counts, split_provider
from assistant.settings import AssistantSettings
from ingest.index.errors import InputError, ModelError

MESSAGES = [SystemMessage("Be brief."), HumanMessage("What is <it> & why?")]


def chat_models(**given: object) -> ChatModels:
    return ChatModels(AssistantSettings(data_dir=Path("data"), **given))


def chosen(wanted: str | None = None, **given: object) -> Choice:
    return asyncio.run(chat_models(**given).choose(wanted))


def written(given: ChatModels, model: str = "llama3.2") -> tuple[list[str], Counts]:
    async def collected() -> tuple[list[str], Counts]:
        usage = Counts()
        return [piece.text async for piece in given.stream(model, MESSAGES, usage)], usage

    return asyncio.run(collected())


def choice_among(
    installed: Mapping[str, Sequence[str]], monkeypatch: pytest.MonkeyPatch, wanted: str | None
) -> Choice:
    with FakeOllama(installed) as ollama:
        monkeypatch.setenv("OLLAMA_HOST", ollama.address)
        return chosen(wanted)


# -- which model -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("installed", "wanted", "model"),
    [
        ({"llama3.2:latest": CHAT}, None, "llama3.2:latest"),
        ({"nomic-embed-text:latest": EMBEDDING, "qwen3:4b": CHAT}, None, "qwen3:4b"),
        ({"a:latest": CHAT, "b:latest": CHAT}, None, "a:latest"),
        ({"a:latest": CHAT, "b:latest": CHAT}, "b", "b"),
        ({"a:latest": CHAT, "b:7b": CHAT}, "b:7b", "b:7b"),
        ({"a:latest": CHAT, "b:7b": CHAT}, "ollama:b:7b", "b:7b"),
    ],
)
def test_the_wanted_model_is_chosen_else_the_first_that_chats(
    installed: Mapping[str, Sequence[str]],
    wanted: str | None,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert choice_among(installed, monkeypatch, wanted) == Choice(model)


@pytest.mark.parametrize(
    ("installed", "wanted", "command"),
    [
        ({}, None, "`ollama pull llama3.2`"),
        ({"nomic-embed-text:latest": EMBEDDING}, None, "`ollama pull llama3.2`"),
        ({"llama3.2:latest": CHAT}, "qwen3", "`ollama pull qwen3`"),
        ({"qwen3:4b": CHAT}, "qwen3:8b", "`ollama pull qwen3:8b`"),
    ],
)
def test_a_missing_model_is_named_with_the_command_that_gets_it(
    installed: Mapping[str, Sequence[str]],
    wanted: str | None,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    choice = choice_among(installed, monkeypatch, wanted)
    assert choice.model is None
    assert command in str(choice.notice)
    assert "ollama serve" not in str(choice.notice)


def test_the_setting_names_the_model_and_the_call_overrides_it(ollama: FakeOllama) -> None:
    ollama.models["qwen3:4b"] = list(CHAT)
    assert chosen(llm="qwen3:4b") == Choice("qwen3:4b")
    assert chosen("llama3.2", llm="qwen3:4b") == Choice("llama3.2")
    assert chosen(llm="") == Choice("llama3.2:latest")


@pytest.mark.parametrize(("wanted", "named"), [(None, "llama3.2"), ("qwen3:4b", "qwen3:4b")])
def test_without_ollama_the_notice_tells_how_to_start_it(
    wanted: str | None, named: str, no_ollama: int
) -> None:
    choice = chosen(wanted)
    assert choice.model is None
    assert "`ollama serve`" in str(choice.notice)
    assert f"`ollama pull {named}`" in str(choice.notice)


def test_another_program_at_ollamas_address_counts_as_no_ollama(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with FakeOllama(gibberish=True) as other:
        monkeypatch.setenv("OLLAMA_HOST", other.address)
        assert chosen().model is None


def test_other_providers_are_taken_at_their_word(no_ollama: int) -> None:
    assert chosen("openai:gpt-x") == Choice("openai:gpt-x")


def test_an_ollama_that_is_started_is_used_and_one_that_stops_is_not(
    no_ollama: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = chat_models()
    monkeypatch.setattr(models, "_FRESH", 0.0)
    assert asyncio.run(given.choose()).model is None
    with FakeOllama(port=no_ollama):
        assert asyncio.run(given.choose()) == Choice("llama3.2:latest")
    assert asyncio.run(given.choose()).model is None


def test_ollama_is_not_asked_again_within_seconds(ollama: FakeOllama) -> None:
    given = chat_models()
    for _ in range(5):
        assert asyncio.run(given.installed()) == ["llama3.2:latest"]
    assert ollama.calls == ["GET /api/tags"]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("llama3.2", ("ollama", "llama3.2")),
        ("llama3.2:1b", ("ollama", "llama3.2:1b")),
        ("ollama:llama3.2:1b", ("ollama", "llama3.2:1b")),
        ("openai:gpt-x", ("openai", "gpt-x")),
        ("hf.co/someone/model:Q4_K_M", ("ollama", "hf.co/someone/model:Q4_K_M")),
        ("openai", ("ollama", "openai")),
        ("", ("ollama", "")),
    ],
)
def test_only_a_known_provider_is_a_prefix(model: str, expected: tuple[str, str]) -> None:
    assert split_provider(model) == expected


# -- its words -------------------------------------------------------------------------------


def test_words_arrive_in_pieces_with_their_counts(ollama: FakeOllama) -> None:
    ollama.will_write("Clara", " built <it> & ", "left. [1]")
    pieces, usage = written(chat_models())
    assert pieces == ["Clara", " built <it> & ", "left. [1]"]
    assert usage.answer_tokens == 3
    assert usage.prompt_tokens is not None
    assert usage.prompt_tokens > 0


def test_words_arrive_while_the_model_still_writes(ollama: FakeOllama) -> None:
    ollama.will_write("one ", "two ", "three", delay=0.15)

    async def first() -> float:
        stream = chat_models().stream("llama3.2", MESSAGES, Counts())
        await anext(stream)
        seen = time.monotonic()
        rest = [piece.text async for piece in stream]
        assert rest == ["two ", "three"]
        return time.monotonic() - seen

    assert asyncio.run(first()) > 0.25


def test_settings_and_messages_are_sent(ollama: FakeOllama) -> None:
    written(chat_models(llm_context=4096, llm_temperature=0.5))
    body: dict[str, Any] = ollama.chats[0].body
    assert body["model"] == "llama3.2"
    assert body["options"]["num_ctx"] == 4096
    assert body["options"]["temperature"] == 0.5
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("system", "Be brief."),
        ("user", "What is <it> & why?"),
    ]


def test_a_proxy_in_the_environment_does_not_come_between(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    ollama.will_write("Words")
    assert chosen() == Choice("llama3.2:latest")
    assert written(chat_models())[0] == ["Words"]


@pytest.mark.parametrize("failure", ["drop", "error line", "no end"])
def test_an_answer_that_breaks_off_says_after_how_many_words(
    failure: Failure, ollama: FakeOllama
) -> None:
    ollama.will_write("one ", "two ", "three", failure=failure)
    seen: list[str] = []

    async def read() -> None:
        async for piece in chat_models().stream("llama3.2", MESSAGES, Counts()):
            seen.append(piece.text)  # noqa: PERF401

    with pytest.raises(ModelError) as caught:
        asyncio.run(read())
    assert seen == ["one ", "two ", "three"]
    assert "The answer was cut: llama3.2 stopped after 3 words" in str(caught.value)
    assert ("CUDA error" in str(caught.value)) == (failure == "error line")
    assert caught.value.next_step == "Ask again."


@pytest.mark.parametrize("failure", ["crash", "drop", "error line", "no end"])
def test_a_model_that_fails_before_its_first_word_says_why(
    failure: Failure, ollama: FakeOllama
) -> None:
    ollama.will_write(failure=failure)
    with pytest.raises(ModelError) as caught:
        written(chat_models())
    assert "llama3.2 failed" in caught.value.what
    assert caught.value.next_step
    if failure == "crash":
        assert "unexpectedly stopped" in caught.value.what


def test_a_model_that_was_removed_meanwhile_is_named(ollama: FakeOllama) -> None:
    with pytest.raises(ModelError, match="'gone' not found"):
        written(chat_models(), "gone")


def test_without_ollama_a_stream_says_how_to_start_it(no_ollama: int) -> None:
    with pytest.raises(ModelError, match=r"cannot be reached\. Start it \(`ollama serve`\)"):
        written(chat_models())


def test_a_model_that_is_silent_for_too_long_is_given_up(ollama: FakeOllama) -> None:
    ollama.will_write("late", delay=5)
    started = time.monotonic()
    with pytest.raises(ModelError, match="wrote nothing in time"):
        written(chat_models(llm_timeout=0.3))
    assert time.monotonic() - started < 2


def test_closing_the_stream_closes_the_connection_at_once(ollama: FakeOllama) -> None:
    ollama.will_write(*["word "] * 1000, delay=0.05)

    async def stopped() -> float:
        stream = chat_models().stream("llama3.2", MESSAGES, Counts())
        await anext(stream)
        await anext(stream)
        closing = time.monotonic()
        await stream.aclose()
        await asyncio.to_thread(ollama.chats[0].over.wait, 5)
        return closing

    closing = asyncio.run(stopped())
    chat = ollama.chats[0]
    assert chat.closed_after is not None
    assert chat.received + chat.closed_after - closing < 0.2


def test_cancelling_before_the_first_word_closes_the_connection_at_once(
    ollama: FakeOllama,
) -> None:
    ollama.will_write("late", delay=30)

    async def cancelled() -> float:
        stream = chat_models().stream("llama3.2", MESSAGES, Counts())
        reading = asyncio.ensure_future(anext(stream))
        while not ollama.chats:
            await asyncio.sleep(0.01)
        cancelling = time.monotonic()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await asyncio.to_thread(ollama.chats[0].over.wait, 5)
        return cancelling

    cancelling = asyncio.run(cancelled())
    chat = ollama.chats[0]
    assert chat.closed_after is not None
    assert chat.received + chat.closed_after - cancelling < 0.2


def test_a_provider_that_is_not_installed_is_an_input_error() -> None:
    with pytest.raises(InputError) as caught:
        written(chat_models(), "nvidia:some-model")
    assert "nvidia:some-model" in caught.value.what
    assert caught.value.next_step
