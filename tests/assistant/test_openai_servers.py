"""Answers from a server with OpenAI's interface, over real HTTP: one setting in Ollama's place."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator

import pytest
from fake_ollama import Failure
from fake_openai import MODEL, FakeOpenAI
from langchain_core.messages import HumanMessage, SystemMessage

from assistant.answering import Answerer
from assistant.events import Answer
from assistant.models import ChatModels, Counts
from assistant.settings import AssistantSettings
from ingest.index.errors import ModelError
from ingest.index.index import Index

MESSAGES = [SystemMessage("Be brief."), HumanMessage("What is <it> & why?")]
BUILT = "The lighthouse of Arnholm was built in 1871 by Clara Veit."
QUESTION = "Who built the lighthouse of Arnholm?"


@pytest.fixture
def server(no_ollama: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """A server with one model, and no Ollama."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with FakeOpenAI() as running:
        yield running


def chat_models(server: FakeOpenAI, index: Index, **given: object) -> ChatModels:
    asked = {"llm": f"openai:{MODEL}", "llm_base_url": server.url, **given}
    return ChatModels(AssistantSettings(data_dir=index.settings.data_dir, **asked))


def written(models: ChatModels) -> tuple[list[str], Counts]:
    async def collected() -> tuple[list[str], Counts]:
        counts = Counts()
        stream = models.stream(await models.choose(), MESSAGES, counts, answer_tokens=77)
        return [piece.text async for piece in stream if piece.text], counts

    return asyncio.run(collected())


def failed(models: ChatModels) -> ModelError:
    with pytest.raises(ModelError) as caught:
        written(models)
    assert re.fullmatch(r"[A-Z].+\.", caught.value.what)
    assert re.fullmatch(r"[A-Z].+\.", caught.value.next_step)
    assert "ollama" not in str(caught.value).lower()
    return caught.value


def test_a_question_is_answered_and_checked(
    server: FakeOpenAI, index: Index, add: Callable[..., object]
) -> None:
    add("tower.txt", BUILT)
    server.will_write("The lighthouse was built ", "by Clara Veit [1", "].")
    models = chat_models(server, index)

    async def last() -> Answer:
        answerer = Answerer(index, models, models.settings)
        found = [event async for event in answerer.stream(QUESTION)]
        assert isinstance(found[-1], Answer)
        return found[-1]

    answer = asyncio.run(last())
    assert (answer.mode, answer.model, answer.cut) == ("model", f"openai:{MODEL}", None)
    assert answer.text == "The lighthouse was built by Clara Veit [1]."
    assert [sentence.support for sentence in answer.sentences] == ["supported"]
    assert [citation.quote for citation in answer.citations] == [BUILT]
    assert (answer.usage.prompt_tokens, answer.usage.answer_tokens) == (21, 3)


def test_words_settings_and_counts_go_both_ways(server: FakeOpenAI, index: Index) -> None:
    server.will_write("Clara", " built <it> & ", "left.")
    pieces, counts = written(chat_models(server, index, llm_temperature=0.5, llm_seed=7))
    assert pieces == ["Clara", " built <it> & ", "left."]
    assert (counts.prompt_tokens, counts.answer_tokens) == (21, 3)
    body = server.chats[0].body
    assert (body["model"], body["temperature"], body["seed"]) == (MODEL, 0.5, 7)
    assert body.get("max_tokens", body.get("max_completion_tokens")) == 77
    assert [(m["role"], m["content"]) for m in body["messages"]] == [
        ("system", "Be brief."),
        ("user", "What is <it> & why?"),
    ]


def test_reasoning_never_stands_in_the_answer(server: FakeOpenAI, index: Index) -> None:
    server.will_write("In 1871.", thinking=["Let me", " see."])
    assert written(chat_models(server, index))[0] == ["In 1871."]
    server.will_write("<think>Let me", " see.</th", "ink>In 1871.")
    assert "".join(written(chat_models(server, index))[0]) == "In 1871."


@pytest.mark.parametrize(
    ("failure", "what", "step"),
    [
        ("crash", f"{MODEL} failed (EngineCore encountered an issue", "log"),
        ("memory", f"{MODEL} does not fit into the memory that is free", "a smaller model"),
        ("busy", "The model's server is busy (Loading model)", "in a moment"),
        ("too long", "The question and its passages are longer than", "CONTEXT to 4096 or less"),
        ("error line", f"{MODEL} failed (EngineCore encountered an issue)", "Ask again"),
        ("drop", "The connection to the model's server was lost", "still runs"),
        ("no end", f"{MODEL} wrote nothing", "Ask again"),
        ("length", f"{MODEL} used up its context of 8,192 tokens", "FOOTNOTE_LLM_CONTEXT"),
        ("silence", f"{MODEL} has written nothing for 0.5 seconds", "FOOTNOTE_LLM_TIMEOUT"),
    ],
)
def test_each_failure_before_the_first_word_is_a_sentence(
    failure: Failure, what: str, step: str, server: FakeOpenAI, index: Index
) -> None:
    server.will_write(failure=failure)
    error = failed(chat_models(server, index, llm_timeout=0.5))
    assert error.what.startswith(what)
    assert step in error.next_step
    assert len(server.chats) == 1


@pytest.mark.parametrize("failure", ["error line", "drop", "no end", "length", "silence"])
def test_what_was_written_before_it_broke_off_is_counted(
    failure: Failure, server: FakeOpenAI, index: Index
) -> None:
    server.will_write("one ", "tw", "o ", "three", failure=failure)
    error = failed(chat_models(server, index, llm_timeout=0.5))
    assert error.what.startswith("The answer was cut after 3 words: ")


def test_a_model_that_the_server_does_not_have_is_named(server: FakeOpenAI, index: Index) -> None:
    error = failed(chat_models(server, index, llm="openai:other"))
    assert error.what == "The model's server has no model called other."
    assert error.next_step == "Correct FOOTNOTE_LLM, then ask again."


def test_a_server_that_does_not_run_is_named(index: Index, no_ollama: int) -> None:
    settings = {"llm": "openai:x", "llm_base_url": f"http://127.0.0.1:{no_ollama}/v1"}
    models = ChatModels(AssistantSettings(data_dir=index.settings.data_dir, **settings))
    assert failed(models).what == "The model's server is not running."


def test_a_key_is_sent_and_a_wrong_one_is_told(
    index: Index, no_ollama: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with FakeOpenAI(key="secret") as server:
        server.will_write("Yes.")
        assert written(chat_models(server, index, llm_api_key="secret"))[0] == ["Yes."]
        for wrong in ({"llm_api_key": "guess"}, {}):
            error = failed(chat_models(server, index, **wrong))
            assert error.what == "The model's server refused the key (Unauthorized)."
            assert "FOOTNOTE_LLM_API_KEY" in error.next_step


@pytest.mark.parametrize("written_first", [True, False], ids=["in mid-answer", "before a word"])
def test_closing_the_stream_closes_the_connection_at_once(
    written_first: bool, server: FakeOpenAI, index: Index
) -> None:
    server.will_write(*["word "] * 1000, delay=0.05 if written_first else 30)

    async def left() -> float:
        models = chat_models(server, index)
        stream = models.stream(await models.choose(), MESSAGES, Counts())
        reading = asyncio.ensure_future(anext(stream))
        if written_first:
            await reading
        while not server.chats:
            await asyncio.sleep(0.01)
        leaving = time.monotonic()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await stream.aclose()
        await asyncio.to_thread(server.chats[0].over.wait, 5)
        return leaving

    leaving = asyncio.run(left())
    [chat] = server.chats
    assert chat.closed_after is not None
    assert chat.received + chat.closed_after - leaving < 0.2
