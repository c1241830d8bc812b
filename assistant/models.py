"""Chat models through LangChain, Ollama first."""

import asyncio
import importlib
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from assistant.faults import context_full, model_fault
from assistant.ollama_models import (
    InstalledModel,
    OllamaModels,
    PullProgress,
    find,
    http_options,
)
from assistant.pacing import Pace
from assistant.reasoning import NOTHING, Piece, ReasoningSplitter
from assistant.settings import AssistantSettings
from ingest.index.errors import InputError, ModelError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessageChunk, BaseMessage

SUGGESTED = "llama3.2"
"""The model that messages name where none is installed."""

PROVIDERS = frozenset(
    "anthropic azure_openai bedrock cohere deepseek fireworks google_genai groq huggingface "
    "mistralai nvidia ollama openai openrouter perplexity together xai".split(" ")
)
"""Prefixes of FOOTNOTE_LLM that name a provider; `llama3.2:1b` has none, its colon is a tag."""

_FULL = frozenset({"length", "max_tokens"})
"""How servers say that a model had no room left."""

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model will answer.

    Attributes:
        model: its name, None where none can be reached.
        notice: what to do to get one, None where there is one.
        context_tokens: what it is asked to read and write at the most.
        thinks: whether it reasons before it writes.
    """

    model: str | None
    notice: str | None = None
    context_tokens: int = field(default=8192, compare=False)
    thinks: bool = field(default=False, compare=False)


@dataclass(slots=True)
class Counts:
    """Tokens of one answer, filled when it ends; None where the model does not tell."""

    prompt_tokens: int | None = None
    answer_tokens: int | None = None


class ChatModels:
    """The chat models that the settings lead to.

    Attributes:
        ollama: what the Ollama server has.
    """

    def __init__(self, settings: AssistantSettings) -> None:
        self.settings = settings
        self.ollama = OllamaModels()
        self._prepared = False
        self._pace = Pace()

    async def choose(self, wanted: str | None = None) -> Choice:
        """Return the model to use.

        Args:
            wanted: a model by name, before the setting and before the first installed one.
        """
        wanted = wanted or self.settings.llm
        context = self.settings.llm_context
        provider, name = split_provider(wanted) if wanted else ("ollama", None)
        if provider != "ollama":
            return Choice(wanted, context_tokens=context)
        chatting = await (self.ollama.installed() if name else self.ollama.chat_models())
        if chatting is None:
            return _none(
                "No chat model is running",
                f"`ollama serve`, then `ollama pull {name or SUGGESTED}`",
            )
        if name is None and not chatting:
            return _none("Ollama has no chat model", f"`ollama pull {SUGGESTED}`")
        model = chatting[0] if name is None else find(chatting, name)
        if model is None:
            return _none(f"Ollama has no model called {name}", f"`ollama pull {name}`")
        details = await self.ollama.details(model)
        return Choice(
            name or model.name,
            context_tokens=min(context, details.context_tokens or context),
            thinks=details.thinks,
        )

    def prepare(self) -> None:
        """Import what the first answer would wait a second for; what fails, `stream` tells."""
        with suppress(ImportError):
            for module in ("langchain.chat_models", "langchain_ollama"):
                importlib.import_module(module)
        self._prepared = True

    async def available(self) -> list[InstalledModel] | None:
        """Return Ollama's chat models, or None when it does not answer."""
        return await self.ollama.chat_models()

    def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Download a model of Ollama's; see `OllamaModels.pull`."""
        return self.ollama.pull(name)

    async def stream(
        self,
        choice: Choice,
        messages: "Sequence[BaseMessage]",
        counts: Counts,
        *,
        answer_tokens: int | None = None,
        reason: bool = True,
        temperature: float | None = None,
    ) -> AsyncGenerator[Piece, None]:
        """Yield what the model writes, piece by piece; closing the stream closes the connection.

        Args:
            choice: the model, as `choose` returned it.
            answer_tokens: written at the most.
            reason: whether a thinking model may think first.
            temperature: None takes the setting's.

        Raises:
            InputError: the model's provider is not installed.
            ModelError: the model cannot be reached, failed, or stopped before its end.
        """
        model, timeout = str(choice.model), self.settings.llm_timeout
        if not self._prepared:
            # The other conversations need not wait for it.
            await asyncio.to_thread(self.prepare)
        if temperature is None:
            temperature = self.settings.llm_temperature
        chat = self._open(choice, answer_tokens, reason, temperature)
        splitter, written, ending = ReasoningSplitter(), "", ""
        # LangChain's type for it is an iterator; it is a generator, which can be closed.
        stream = chat.astream(list(messages))
        async with aclosing(stream) as chunks:  # type: ignore[type-var]
            with self._pace.reading():
                while True:
                    asked = time.monotonic()
                    try:
                        # Nothing passes a chunk on before it is there: a connection that only
                        # sends signs of life is silent all the same, so the clock is not left
                        # to the HTTP client.
                        async with asyncio.timeout(timeout):
                            chunk = await anext(chunks, None)
                    except Exception as error:  # a border: providers have errors of their own
                        raise self._fault(model, error, written) from error
                    if chunk is None:
                        break
                    waited = time.monotonic() - asked
                    _count(chunk, counts)
                    ending = ending or _ending(chunk)
                    piece = splitter.feed(str(chunk.text))
                    if reasoning := chunk.additional_kwargs.get("reasoning_content"):
                        piece = Piece(piece.text, str(reasoning) + piece.reasoning)
                    if piece != NOTHING:
                        written += piece.text
                        yield piece
                    if pause := self._pace.pause(waited):
                        await asyncio.sleep(pause)
        if (rest := splitter.end()) != NOTHING:
            written += rest.text
            yield rest
        if not ending:
            raise self._fault(model, None, written)
        if ending in _FULL:
            raise context_full(
                split_provider(model)[1], choice.context_tokens, len(written.split())
            )

    def _fault(self, model: str, error: Exception | None, written: str) -> ModelError:
        provider, name = split_provider(model)
        return model_fault(
            name,
            error,
            words=len(written.split()),
            timeout=self.settings.llm_timeout,
            ollama=provider == "ollama",
        )

    def _open(
        self, choice: Choice, answer_tokens: int | None, reason: bool, temperature: float
    ) -> "BaseChatModel":
        provider, name = split_provider(str(choice.model))
        options = self._ollama(choice, reason) if provider == "ollama" else self._server(provider)
        if answer_tokens is not None:
            options["num_predict" if provider == "ollama" else "max_tokens"] = answer_tokens
        if self.settings.llm_seed is not None:
            options["seed"] = self.settings.llm_seed
        options["temperature"] = temperature
        try:
            from langchain.chat_models import init_chat_model

            chat: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"The chat model {choice.model} cannot be used ({str(error).splitlines()[0]}).",
                "Correct FOOTNOTE_LLM; models of OpenAI-compatible servers need "
                "`pip install 'footnote-assistant[openai]'`.",
            ) from error
        return chat

    def _ollama(self, choice: Choice, reason: bool) -> dict[str, Any]:
        settings = self.settings
        options: dict[str, Any] = {
            "num_ctx": choice.context_tokens,
            "client_kwargs": {"timeout": None, **http_options()},
        }
        if choice.thinks:
            level = settings.llm_reasoning if reason else "off"
            options["reasoning"] = {"on": True, "off": False}.get(level, level)
        if settings.llm_keep_alive is not None:
            keep = settings.llm_keep_alive
            options["keep_alive"] = int(keep) if keep.lstrip("-").isdigit() else keep
        return options

    def _server(self, provider: str) -> dict[str, Any]:
        settings, options = self.settings, dict[str, Any]()
        if provider == "openai":
            # Its client would try again by itself, and leave a person waiting without a word.
            options |= {"stream_usage": True, "max_retries": 0}
        if settings.llm_api_key is not None:
            options["api_key"] = settings.llm_api_key
        if settings.llm_base_url is not None:
            options["base_url"] = settings.llm_base_url
            if settings.llm_api_key is None and "OPENAI_API_KEY" not in os.environ:
                # Servers on this machine ask for no key, but the client insists on one.
                options["api_key"] = "unused"
            if provider == "openai" and urlsplit(settings.llm_base_url).hostname in _LOCAL:
                # A proxy that the environment names does not lead to this machine.
                options["http_async_client"] = httpx.AsyncClient(timeout=None, **http_options())
        return options


def split_provider(model: str) -> tuple[str, str]:
    """Return (provider, name) of a model; Ollama where no provider is named."""
    prefix, colon, rest = model.partition(":")
    return (prefix, rest) if colon and prefix in PROVIDERS else ("ollama", model)


def _none(what: str, command: str) -> Choice:
    return Choice(None, f"{what}, so these are quotes. To get written answers: {command}.")


def _count(chunk: "AIMessageChunk", counts: Counts) -> None:
    if counted := chunk.usage_metadata:
        counts.prompt_tokens = counted["input_tokens"]
        counts.answer_tokens = counted["output_tokens"]


def _ending(chunk: "AIMessageChunk") -> str:
    told = chunk.response_metadata
    return str(told.get("done_reason") or told.get("finish_reason") or "")
