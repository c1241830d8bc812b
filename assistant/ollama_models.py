"""What an Ollama server has: its models, what each can do, and getting new ones.

Ollama's address is `OLLAMA_HOST`, as its own programs have it. The list is looked up anew
every few seconds, so an Ollama that is started is used, and one that is stopped is not.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx
import ollama

from ingest.index.errors import ModelError

FRESH = 3.0
"""Seconds for which a look at Ollama holds."""

_LOOK_TIMEOUT = 2.0

_UNREACHABLE = (ConnectionError, httpx.HTTPError, ollama.ResponseError, ValueError)
"""What a look at Ollama ends in where there is none; ValueError: what answers is not Ollama."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model that Ollama has.

    Attributes:
        name: with its tag.
        size: bytes on disk.
        digest: changes when the model is pulled anew.
    """

    name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class ModelDetails:
    """What a model is.

    Attributes:
        context_tokens: longest context that it was made for, None where Ollama does not say.
        capabilities: Ollama's words, such as `completion`, `thinking`, `embedding`; None
            where an old Ollama does not say.
    """

    context_tokens: int | None = None
    capabilities: frozenset[str] | None = None

    @property
    def chats(self) -> bool:
        """Whether it writes text."""
        return self.capabilities is None or "completion" in self.capabilities

    @property
    def thinks(self) -> bool:
        """Whether it reasons before it writes."""
        return self.capabilities is not None and "thinking" in self.capabilities


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a model has been downloaded.

    Attributes:
        status: Ollama's words.
        completed, total: bytes of all the parts that are known so far.
        fraction: 0 to 1; never falls, though Ollama's own counts may.
    """

    status: str
    completed: int = 0
    total: int = 0
    fraction: float = 0.0


def http_options() -> dict[str, Any]:
    """Return what every HTTP client to a model is made with.

    Each client lives for one call and leaves no open connection behind. The certificates are
    read once: to read them for every client took 100 ms.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    return {"trust_env": False, "limits": limits, "verify": _certificates()}


@cache
def _certificates() -> ssl.SSLContext:
    return httpx.create_ssl_context()


@dataclass(slots=True)
class OllamaModels:
    """The models of the Ollama server that the environment names."""

    _looked: float = field(default=float("-inf"), init=False)
    _installed: list[InstalledModel] | None = field(default=None, init=False)
    _details: dict[tuple[str, str], ModelDetails] = field(default_factory=dict, init=False)

    async def installed(self) -> list[InstalledModel] | None:
        """Return Ollama's models, or None when it does not answer.

        An Ollama that is busy may take its time; what it had a moment ago it still has. One that
        refuses the connection is not running.
        """
        if time.monotonic() - self._looked >= FRESH:
            if self._installed is not None:
                # Many questions at once look once.
                self._looked = time.monotonic()
            try:
                listed = (await _client(_LOOK_TIMEOUT).list()).models
                self._installed = [
                    InstalledModel(str(one.model), int(one.size or 0), str(one.digest or ""))
                    for one in listed
                ]
            except httpx.TimeoutException:
                pass
            except _UNREACHABLE:
                self._installed = None
            self._looked = time.monotonic()
        return self._installed

    async def details(self, model: InstalledModel) -> ModelDetails:
        """Return what a model is; asked once for each version of it."""
        key = model.name, model.digest
        if key not in self._details:
            try:
                shown = await _client(_LOOK_TIMEOUT).show(model.name)
            except _UNREACHABLE:
                return ModelDetails()
            info = shown.modelinfo or {}
            length = info.get(f"{info.get('general.architecture')}.context_length")
            able = shown.capabilities
            self._details[key] = ModelDetails(
                length if isinstance(length, int) else None,
                frozenset(able) if able is not None else None,
            )
        return self._details[key]

    async def chat_models(self) -> list[InstalledModel] | None:
        """Return the models that can answer, or None when Ollama does not answer."""
        installed = await self.installed()
        if installed is None:
            return None
        details = await asyncio.gather(*map(self.details, installed))
        return [one for one, found in zip(installed, details, strict=True) if found.chats]

    async def pull(self, name: str) -> AsyncGenerator[PullProgress, None]:
        """Download a model, and yield how far it is. Closing the generator stops the download;
        another pull goes on where it was.

        Raises:
            ModelError: Ollama does not run, or cannot get the model.
        """
        parts: dict[str, tuple[int, int]] = {}
        best, status = 0.0, ""
        try:
            lines = await _client(None).pull(name, stream=True)
            async with aclosing(lines) as lines:  # type: ignore[type-var]  # it is a generator
                async for line in lines:
                    status = line.status or status
                    if line.digest and line.total:
                        known = parts.get(line.digest, (0, 0))[0]
                        parts[line.digest] = max(known, line.completed or 0), line.total
                    done, total = map(sum, zip(*parts.values(), strict=True)) if parts else (0, 0)
                    best = 1.0 if status == "success" else max(best, done / total if total else 0.0)
                    yield PullProgress(status, done, total, round(best, 4))
        except (ConnectionError, httpx.HTTPError, ollama.ResponseError, ValueError) as error:
            raise _pull_failed(name, error) from error
        finally:
            self._looked = float("-inf")
        if status != "success":
            raise _pull_failed(name, None)


def find(installed: Sequence[InstalledModel], name: str) -> InstalledModel | None:
    """Return the model of that name; `latest` is the tag that need not be named."""
    wanted = {name, f"{name}:latest"}
    return next((model for model in installed if model.name in wanted), None)


def _client(timeout: float | None) -> ollama.AsyncClient:
    return ollama.AsyncClient(timeout=timeout, **http_options())


def _pull_failed(name: str, error: Exception | None) -> ModelError:
    said = error.error if isinstance(error, ollama.ResponseError) else ""
    if isinstance(error, ConnectionError | httpx.ConnectError):
        what, step = "Ollama is not running", "Start it with `ollama serve`, then try again."
    elif "file does not exist" in said or "invalid model name" in said:
        what = f"Ollama's library has no model called {name}"
        step = "Look its name up at ollama.com/library."
    elif "no space left" in said:
        what, step = f"There is no room on the disk for {name}", "Free some, then try again."
    else:
        reason = f" ({said.splitlines()[0][:200]})" if said else ""
        what = f"The download of {name} broke off{reason}"
        step = "Check this machine's connection, then try again; it goes on where it was."
    return ModelError(f"{what}.", step)
