"""Chat models through LangChain, Ollama first.

Ollama's address is `OLLAMA_HOST`, as its own programs have it. Whether a model can be
reached is looked up anew every few seconds, so an Ollama that is started is used.
"""

import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import ollama

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

_FRESH = 3.0
"""Seconds for which a look at Ollama holds."""

_LOOK_TIMEOUT = 2.0

_CLIENT: dict[str, Any] = {
    "trust_env": False,
    "limits": httpx.Limits(max_keepalive_connections=0),
}
"""Of every HTTP client: each lives for one call, and leaves no open connection behind."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model will answer.

    Attributes:
        model: its name, None where none can be reached.
        notice: what to do to get one, None where there is one.
    """

    model: str | None
    notice: str | None = None


@dataclass(slots=True)
class Counts:
    """Tokens of one answer, filled when it ends; None where the model does not tell."""

    prompt_tokens: int | None = None
    answer_tokens: int | None = None


@dataclass(slots=True)
class ChatModels:
    """The chat models that the settings lead to."""

    settings: AssistantSettings
    _looked: float = field(default=-_FRESH, init=False)
    _installed: list[str] | None = field(default=None, init=False)

    async def choose(self, wanted: str | None = None) -> Choice:
        """Return the model to use.

        Args:
            wanted: a model by name, before the setting and before the first installed one.
        """
        wanted = wanted or self.settings.llm
        provider, name = split_provider(wanted) if wanted else ("ollama", None)
        if provider != "ollama":
            return Choice(wanted)
        installed = await self.installed()
        if installed is None:
            name = name or SUGGESTED
            return Choice(
                None,
                "No chat model is running, so these are quotes. "
                f"To get written answers: `ollama serve`, then `ollama pull {name}`.",
            )
        if name is None:
            name = await self._first_chat_model(installed)
            if name is None:
                return Choice(
                    None,
                    "Ollama has no chat model, so these are quotes. "
                    f"To get written answers: `ollama pull {SUGGESTED}`.",
                )
            return Choice(name)
        if name not in installed and f"{name}:latest" not in installed:
            return Choice(
                None,
                f"Ollama has no model called {name}, so these are quotes. "
                f"To get written answers: `ollama pull {name}`.",
            )
        return Choice(name)

    async def installed(self) -> list[str] | None:
        """Return the names of Ollama's models, or None when it does not answer."""
        if time.monotonic() - self._looked >= _FRESH:
            try:
                listed = await ollama.AsyncClient(timeout=_LOOK_TIMEOUT, **_CLIENT).list()
                self._installed = [str(model.model) for model in listed.models]
            except (ConnectionError, httpx.HTTPError, ollama.ResponseError, ValueError):
                # ValueError: what answers is not Ollama.
                self._installed = None
            self._looked = time.monotonic()
        return self._installed

    async def stream(
        self, model: str, messages: "Sequence[BaseMessage]", counts: Counts
    ) -> AsyncGenerator[Piece, None]:
        """Yield what the model writes, piece by piece; closing the stream closes the connection.

        Raises:
            InputError: the model's provider is not installed.
            ModelError: the model cannot be reached, failed, or stopped before its end.
        """
        chat = self._open(model)
        splitter, written, finished = ReasoningSplitter(), "", False
        try:
            async for chunk in chat.astream(list(messages)):
                _count(chunk, counts)
                finished = finished or bool(
                    chunk.response_metadata.get("done_reason")
                    or chunk.response_metadata.get("finish_reason")
                )
                piece = splitter.feed(str(chunk.text))
                if reasoning := chunk.additional_kwargs.get("reasoning_content"):
                    piece = Piece(piece.text, str(reasoning) + piece.reasoning)
                if piece != NOTHING:
                    written += piece.text
                    yield piece
            if (rest := splitter.end()) != NOTHING:
                written += rest.text
                yield rest
        except Exception as error:  # a border: each provider has errors of its own
            raise _stopped(model, len(written.split()), error) from error
        if not finished:
            raise _stopped(model, len(written.split()), None)

    async def _first_chat_model(self, installed: Sequence[str]) -> str | None:
        client = ollama.AsyncClient(timeout=_LOOK_TIMEOUT, **_CLIENT)
        for name in installed:
            try:
                capabilities = (await client.show(name)).capabilities
            except (ConnectionError, httpx.HTTPError, ollama.ResponseError):
                continue
            if capabilities is None or "completion" in capabilities:
                return name
        return None

    def _open(self, model: str) -> "BaseChatModel":
        # LangChain takes a second to import, which the first page need not wait for.
        from langchain.chat_models import init_chat_model

        settings = self.settings
        provider, name = split_provider(model)
        options: dict[str, Any] = {"temperature": settings.llm_temperature}
        if provider == "ollama":
            options["num_ctx"] = settings.llm_context
            options["client_kwargs"] = {"timeout": settings.llm_timeout, **_CLIENT}
        elif settings.llm_base_url is not None:
            options["base_url"] = settings.llm_base_url
            # Servers on this machine ask for no key, but the client insists on one.
            options["api_key"] = "unused"
        try:
            chat: BaseChatModel = init_chat_model(name, model_provider=provider, **options)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"The chat model {model} cannot be used ({str(error).splitlines()[0]}).",
                "Correct FOOTNOTE_LLM; models of OpenAI-compatible servers need "
                "`pip install 'footnote-assistant[openai]'`.",
            ) from error
        return chat


def split_provider(model: str) -> tuple[str, str]:
    """Return (provider, name) of a model; Ollama where no provider is named."""
    prefix, colon, rest = model.partition(":")
    return (prefix, rest) if colon and prefix in PROVIDERS else ("ollama", model)


def _count(chunk: "AIMessageChunk", counts: Counts) -> None:
    if counted := chunk.usage_metadata:
        counts.prompt_tokens = counted["input_tokens"]
        counts.answer_tokens = counted["output_tokens"]


def _stopped(model: str, words: int, error: Exception | None) -> ModelError:
    if words:
        # How a connection broke tells a reader nothing; what Ollama itself said may.
        said = _first_line(error) if isinstance(error, ollama.ResponseError) else ""
        reason = f" ({said})" if said else ""
        what = f"The answer was cut: {model} stopped after {words} words{reason}."
        return ModelError(what, "Ask again.")
    if isinstance(error, httpx.ConnectError | ConnectionError):
        return ModelError(
            f"{model} cannot be reached.", "Start it (`ollama serve`), then ask again."
        )
    if isinstance(error, httpx.TimeoutException):
        return ModelError(
            f"{model} wrote nothing in time.",
            "Ask again, choose a smaller model, or raise FOOTNOTE_LLM_TIMEOUT.",
        )
    reason = _first_line(error) if error is not None else "it wrote nothing"
    return ModelError(f"{model} failed: {reason}.", "Ask again, or choose another model.")


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200].rstrip(".") if lines else ""
