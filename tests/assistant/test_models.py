"""Which chat model is chosen, and how its words arrive, over real HTTP."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import CHAT, EMBEDDING, THINKING, FakeOllama
from langchain_core.messages import AIMessageChunk, HumanMessage, SystemMessage

from assistant import ollama_models
from assistant.models import ChatModels, Choice, Counts, split_provider
from assistant.pacing import FEW
from assistant.reasoning import Piece
from assistant.settings import AssistantSettings
from ingest.index.errors import InputError

MESSAGES = [SystemMessage("Be brief."), HumanMessage("What is <it> & why?")]


def chat_models(**given: object) -> ChatModels:
    return ChatModels(AssistantSettings(data_dir=Path("data"), **given))


def chosen(wanted: str | None = None, **given: object) -> Choice:
    return asyncio.run(chat_models(**given).choose(wanted))


def written(given: ChatModels, model: str = "llama3.2") -> tuple[list[str], Counts]:
    async def collected() -> tuple[list[str], Counts]:
        usage = Counts()
        return [piece.text async for piece in given.stream(Choice(model), MESSAGES, usage)], usage

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
    ollama.install("qwen3:4b", CHAT)
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
    monkeypatch.setattr(ollama_models, "FRESH", 0.0)
    assert asyncio.run(given.choose()).model is None
    with FakeOllama(port=no_ollama):
        assert asyncio.run(given.choose()) == Choice("llama3.2:latest")
    assert asyncio.run(given.choose()).model is None


def test_ollama_is_not_asked_again_within_seconds(ollama: FakeOllama) -> None:
    given = chat_models()
    for _ in range(5):
        installed = asyncio.run(given.ollama.installed())
        assert [model.name for model in installed or ()] == ["llama3.2:latest"]
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
        stream = chat_models().stream(Choice("llama3.2"), MESSAGES, Counts())
        await anext(stream)
        seen = time.monotonic()
        rest = [piece.text async for piece in stream]
        assert rest == ["two ", "three"]
        return time.monotonic() - seen

    assert asyncio.run(first()) > 0.25


def test_settings_and_messages_are_sent(ollama: FakeOllama) -> None:
    written(chat_models(llm_temperature=0.5))
    body: dict[str, Any] = ollama.chats[0].body
    assert body["model"] == "llama3.2"
    assert body["options"]["temperature"] == 0.5
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("system", "Be brief."),
        ("user", "What is <it> & why?"),
    ]


def test_the_context_is_always_set_and_never_more_than_the_model_has(ollama: FakeOllama) -> None:
    ollama.install("small:latest", CHAT, context=2048)
    for name, context in (("llama3.2", 8192), ("small", 2048)):
        choice = chosen(name, llm_context=8192)
        assert choice.context_tokens == context

        async def wrote(choice: Choice = choice) -> None:
            async for _ in chat_models().stream(choice, MESSAGES, Counts(), answer_tokens=77):
                pass

        asyncio.run(wrote())
        assert ollama.chats[-1].options["num_ctx"] == context
        assert ollama.chats[-1].options["num_predict"] == 77


def test_seed_and_keep_alive_are_sent_where_they_are_set(ollama: FakeOllama) -> None:
    written(chat_models())
    assert "seed" not in ollama.chats[0].options
    assert ollama.chats[0].body.get("keep_alive") is None
    written(chat_models(llm_seed=7, llm_keep_alive="10m"))
    assert ollama.chats[1].options["seed"] == 7
    assert ollama.chats[1].body["keep_alive"] == "10m"
    written(chat_models(llm_keep_alive="-1"))
    assert ollama.chats[2].body["keep_alive"] == -1


def test_a_keep_alive_that_ollama_would_refuse_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="10m"):
        chat_models(llm_keep_alive="ten minutes")


@pytest.mark.parametrize(
    ("setting", "sent"), [("on", True), ("off", False), ("low", "low"), ("high", "high")]
)
def test_a_thinking_model_is_told_whether_to_think(
    setting: str, sent: object, ollama: FakeOllama
) -> None:
    ollama.install("qwen3:4b", THINKING)
    ollama.will_write("In 1871.", thinking=["Let me", " see."])
    models = chat_models(llm_reasoning=setting)

    async def wrote() -> list[Piece]:
        choice = await models.choose("qwen3:4b")
        return [piece async for piece in models.stream(choice, MESSAGES, Counts())]

    pieces = asyncio.run(wrote())
    assert ollama.chats[0].body["think"] == sent
    assert "".join(piece.text for piece in pieces) == "In 1871."
    thought = "" if sent is False else "Let me see."
    assert "".join(piece.reasoning for piece in pieces) == thought


def test_a_model_that_cannot_think_is_not_asked_to(ollama: FakeOllama) -> None:
    assert written(chat_models(llm_reasoning="high"))[0]
    assert ollama.chats[0].body.get("think") is None


def test_a_proxy_in_the_environment_does_not_come_between(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    ollama.will_write("Words")
    assert chosen() == Choice("llama3.2:latest")
    assert written(chat_models())[0] == ["Words"]


# -- stopping -----------------------------------------------------------------------------


def test_closing_the_stream_closes_the_connection_at_once(ollama: FakeOllama) -> None:
    ollama.will_write(*["word "] * 1000, delay=0.05)

    async def stopped() -> float:
        stream = chat_models().stream(Choice("llama3.2"), MESSAGES, Counts())
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
        stream = chat_models().stream(Choice("llama3.2"), MESSAGES, Counts())
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


def test_an_error_while_closing_is_not_taken_for_one_of_the_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Chat:
        async def astream(self, messages: object) -> AsyncGenerator[AIMessageChunk, None]:
            try:
                yield AIMessageChunk("word")
                yield AIMessageChunk("word")
            finally:
                raise RuntimeError("already running")

    models = chat_models()
    monkeypatch.setattr(models, "_open", lambda *_: Chat())

    async def left() -> None:
        stream = models.stream(Choice("llama3.2"), MESSAGES, Counts())
        await anext(stream)
        # As an error of the model it would be answered with quotes, which nobody waits for.
        with pytest.raises(RuntimeError, match="already running"):
            await stream.aclose()

    asyncio.run(left())


def test_a_provider_that_is_not_installed_is_an_input_error() -> None:
    with pytest.raises(InputError) as caught:
        written(chat_models(), "nvidia:some-model")
    assert "nvidia:some-model" in caught.value.what
    assert caught.value.next_step


# -- many at once ----------------------------------------------------------------------------


def test_many_answers_are_read_in_turns_and_arrive_whole(ollama: FakeOllama) -> None:
    together, words = 2 * FEW, [f"word{number} " for number in range(30)]
    for _ in range(together):
        ollama.will_write(*words, delay=0.01)
    given = chat_models()

    async def read() -> str:
        text = ""
        async for piece in given.stream(Choice("llama3.2"), MESSAGES, Counts()):
            text += piece.text
        return text

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(read() for _ in range(together)))

    assert asyncio.run(all_of_them()) == ["".join(words)] * together


def test_libraries_that_cannot_be_imported_are_told_of_by_who_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = chat_models()
    monkeypatch.setitem(sys.modules, "langchain.chat_models", None)
    models.prepare()
    with pytest.raises(InputError, match=r"llama3\.2 cannot be used \(.*langchain\.chat_models"):
        written(models)
