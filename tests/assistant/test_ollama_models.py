"""What Ollama has, and how new models come in, over real HTTP."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fake_ollama import EMBEDDING, THINKING, FakeOllama

from assistant import ollama_models
from assistant.models import ChatModels, Choice
from assistant.ollama_models import PullProgress
from assistant.settings import AssistantSettings
from ingest.index.errors import ModelError


def chat_models(**given: object) -> ChatModels:
    return ChatModels(AssistantSettings(data_dir=Path("data"), **given))


def test_only_models_that_chat_are_offered_with_their_sizes(ollama: FakeOllama) -> None:
    ollama.install("nomic-embed-text:latest", EMBEDDING)
    ollama.install("qwen3:4b", THINKING)
    offered = asyncio.run(chat_models().available())
    assert [model.name for model in offered or ()] == ["llama3.2:latest", "qwen3:4b"]
    assert all(model.size == 2_019_393_189 for model in offered or ())


def test_without_ollama_no_models_are_offered(no_ollama: int) -> None:
    assert asyncio.run(chat_models().available()) is None


def test_an_ollama_that_is_slow_to_answer_still_has_its_models(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ollama_models, "FRESH", 0.0)
    models = chat_models()
    answering = ollama.route

    async def late(*call: Any) -> bool:
        await asyncio.sleep(1)
        return await answering(*call)

    async def looked() -> None:
        first = await models.available()
        monkeypatch.setattr(ollama_models, "_LOOK_TIMEOUT", 0.2)
        monkeypatch.setattr(ollama, "route", late)
        assert first
        assert await models.available() == first

    asyncio.run(looked())


def test_many_questions_at_once_look_once(
    ollama: FakeOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = chat_models()

    async def looked() -> None:
        await models.choose()
        monkeypatch.setattr(models.ollama, "_looked", float("-inf"))
        await asyncio.gather(*(models.choose() for _ in range(20)))

    asyncio.run(looked())
    assert ollama.calls.count("GET /api/tags") == 2


def test_what_a_model_is_is_asked_once(ollama: FakeOllama) -> None:
    models = chat_models()

    async def twice() -> None:
        await models.choose()
        await models.choose()

    asyncio.run(twice())
    assert ollama.calls.count("POST /api/show") == 1


def pulled(name: str) -> list[PullProgress]:
    async def collected() -> list[PullProgress]:
        return [progress async for progress in chat_models().pull(name)]

    return asyncio.run(collected())


def test_a_model_is_pulled_with_progress_that_never_falls(ollama: FakeOllama) -> None:
    seen = pulled("qwen3:4b")
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert {0.0, 0.25, 0.5, 1.0} <= set(fractions)
    assert (seen[0].status, seen[-1].status) == ("pulling manifest", "success")
    assert seen[-1].total == 1_000_000
    assert asyncio.run(chat_models().choose("qwen3:4b")).model == "qwen3:4b"


def test_a_model_that_was_just_pulled_is_there_at_once(ollama: FakeOllama) -> None:
    models = chat_models()

    async def pull() -> Choice:
        assert (await models.choose("qwen3:4b")).model is None
        async for _ in models.pull("qwen3:4b"):
            pass
        return await models.choose("qwen3:4b")

    assert asyncio.run(pull()).model == "qwen3:4b"


def test_a_model_that_no_library_has_cannot_be_pulled(ollama: FakeOllama) -> None:
    with pytest.raises(ModelError, match=r"no model called nothing\. Look its name up"):
        pulled("nothing")


def test_nothing_is_pulled_without_ollama(no_ollama: int) -> None:
    with pytest.raises(ModelError, match=r"not running\. Start it with `ollama serve`"):
        pulled("qwen3:4b")
