"""Ollama's wire protocol over real HTTP, for servers that stand in for it in tests.

What is written is decided by a subclass; calls, status codes, fields and counts are here, as
Ollama 0.32 has them.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from http_wire import (
    HttpServer,
    RefusedError,
    dumped,
    send,
    send_json,
    stream,
    until_closed,
)

VERSION = "0.32.15"
CREATED = "2026-01-01T00:00:00Z"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of an answer, or of the reasoning before it."""

    content: str = ""
    thinking: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """The end of an answer, with what Ollama counts; durations are nanoseconds."""

    reason: str = "stop"
    prompt_tokens: int = 0
    answer_tokens: int = 0
    load: int = 0
    reading: int = 0
    writing: int = 0


@dataclass(slots=True)
class Chat:
    """A request for an answer as it came in.

    Attributes:
        closed_after: seconds from its arrival until the client hung up on it, None if it
            stayed to the end.
    """

    body: dict[str, Any]
    received: float
    closed_after: float | None = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages; a prompt of `/api/generate` is one."""
        if "messages" in self.body:
            return list(self.body["messages"] or ())
        system = self.body.get("system")
        told = [{"role": "system", "content": system}] if system else []
        prompt = self.body.get("prompt")
        return [*told, {"role": "user", "content": prompt}] if prompt else []

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.body.get("options") or {})


@dataclass(slots=True)
class Installed:
    """A model that the server has."""

    capabilities: list[str]
    context: int = 131_072
    size: int = 2_019_393_189
    digest: str = "a80c4f17acd5" + "0" * 52
    architecture: str = "llama"
    details: dict[str, Any] = field(
        default_factory=lambda: {
            "parent_model": "",
            "format": "gguf",
            "family": "llama",
            "families": ["llama"],
            "parameter_size": "3.2B",
            "quantization_level": "Q4_K_M",
        }
    )


class OllamaServer(HttpServer):
    """A server on this machine, running inside `with`.

    Attributes:
        models: installed models by full name.
        chats: the requests for answers, oldest first.
        loaded: context of each model in memory.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, models: Mapping[str, Installed], port: int = 0) -> None:
        super().__init__(port)
        self.models = dict(models)
        self.chats: list[Chat] = []
        self.loaded: dict[str, int] = {}

    def answer(self, chat: Chat) -> AsyncGenerator[Delta | Done, None]:
        """Yield an answer, its `Done` last; closed when the client hangs up."""
        raise NotImplementedError

    def pulling(self, name: str) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the progress lines of a download."""
        raise NotImplementedError

    async def route(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        call: str,
        body: dict[str, Any],
    ) -> bool:
        """Answer one call; False when the connection is to be closed."""
        if call in ("POST /api/chat", "POST /api/generate"):
            return await self._write(reader, writer, body, chat=call.endswith("chat"))
        if call == "POST /api/pull":
            lines = self.pulling(str(body.get("model", "")))
            return await until_closed(reader, self._stream(writer, lines))
        if call in ("GET /", "HEAD /"):
            words = b"" if call.startswith("HEAD") else b"Ollama is running"
            send(writer, 200, "text/plain; charset=utf-8", words)
        elif call == "GET /api/version":
            send_json(writer, 200, {"version": VERSION})
        elif call == "GET /api/tags":
            listed = [_listed(*item) for item in self.models.items()]
            send_json(writer, 200, {"models": listed})
        elif call == "GET /api/ps":
            running = [
                {**_listed(name, self._model(name)), "size_vram": 0, "expires_at": CREATED}
                | {"context_length": context}
                for name, context in self.loaded.items()
            ]
            send_json(writer, 200, {"models": running})
        elif call == "POST /api/show":
            model = self._model(str(body.get("model", "")))
            info = {
                "general.architecture": model.architecture,
                f"{model.architecture}.context_length": model.context,
            }
            shown: dict[str, Any] = {
                "modelfile": "",
                "template": "{{ .Prompt }}",
                "modified_at": CREATED,
            }
            shown |= {"details": model.details, "capabilities": model.capabilities}
            send_json(writer, 200, {**shown, "model_info": info})
        else:
            send_json(writer, 404, {"error": f"{call} is not there"})
        await writer.drain()
        return True

    def _model(self, name: str) -> Installed:
        if not name:
            raise RefusedError(400, "model is required")
        model = self.models.get(name, self.models.get(f"{name}:latest"))
        if model is None:
            raise RefusedError(404, f"model '{name}' not found")
        return model

    def _checked(self, body: Mapping[str, Any], *, chat: bool) -> None:
        model = self._model(str(body.get("model", "")))
        if "completion" not in model.capabilities:
            verb = "chat" if chat else "generate"
            raise RefusedError(400, f'"{body["model"]}" does not support {verb}')
        if body.get("think") and "thinking" not in model.capabilities:
            raise RefusedError(400, f'"{body["model"]}" does not support thinking')
        context = (body.get("options") or {}).get("num_ctx", 4096)
        if not isinstance(context, int):
            raise RefusedError(500, 'option "num_ctx" must be of type integer')
        name = str(body["model"])
        full = name if name in self.models else f"{name}:latest"
        self.loaded[full] = min(context, model.context)

    async def _write(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        body: dict[str, Any],
        *,
        chat: bool,
    ) -> bool:
        asked = Chat(body, time.monotonic())
        self.chats.append(asked)
        try:
            self._checked(body, chat=chat)
            lines = self._lines(asked, chat=chat)
            if body.get("stream", True):
                stayed = await until_closed(reader, self._stream(writer, lines))
            else:
                stayed = await until_closed(reader, _whole(writer, lines, chat=chat))
            if not stayed:
                asked.closed_after = time.monotonic() - asked.received
            return stayed
        finally:
            asked.over.set()

    async def _stream(
        self, writer: asyncio.StreamWriter, lines: AsyncGenerator[dict[str, Any], None]
    ) -> None:
        await stream(writer, lines, kind=NDJSON, encode=_line, refusal=self.refusal)

    async def _lines(self, asked: Chat, *, chat: bool) -> AsyncGenerator[dict[str, Any], None]:
        common = {"model": asked.body["model"], "created_at": CREATED}
        if not asked.messages:
            unload = asked.body.get("keep_alive") == 0
            end = {"done": True, "done_reason": "unload" if unload else "load"}
            yield {**common, **_said(Delta(), chat), **end}
            return
        async with aclosing(self.answer(asked)) as parts:
            async for part in parts:
                if isinstance(part, Delta):
                    yield {**common, **_said(part, chat), "done": False}
                    continue
                counted = {
                    "total_duration": time.monotonic_ns() - int(asked.received * 1e9),
                    "load_duration": part.load,
                    "prompt_eval_count": part.prompt_tokens,
                    "prompt_eval_duration": part.reading,
                    "eval_count": part.answer_tokens,
                    "eval_duration": part.writing,
                }
                end = {"done": True, "done_reason": part.reason}
                # Go leaves out what is zero.
                yield {**common, **_said(Delta(), chat), **end} | {
                    name: count for name, count in counted.items() if count
                }


async def _whole(
    writer: asyncio.StreamWriter, lines: AsyncGenerator[dict[str, Any], None], *, chat: bool
) -> None:
    said, thought, last = "", "", dict[str, Any]()
    async with aclosing(lines):
        async for last in lines:
            message = last["message"] if chat else last
            said += message["content" if chat else "response"]
            thought += message.get("thinking", "")
    send_json(writer, 200, {**last, **_said(Delta(said, thought), chat)})
    await writer.drain()


def _line(value: Mapping[str, Any]) -> bytes:
    return dumped(value) + b"\n"


def _said(delta: Delta, chat: bool) -> dict[str, Any]:
    thinking = {"thinking": delta.thinking} if delta.thinking else {}
    if chat:
        return {"message": {"role": "assistant", "content": delta.content, **thinking}}
    return {"response": delta.content, **thinking}


def _listed(name: str, model: Installed) -> dict[str, Any]:
    fields = {"modified_at": CREATED, "size": model.size, "digest": model.digest}
    return {"name": name, "model": name, **fields, "details": model.details}
