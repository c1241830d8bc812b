"""Ollama's wire protocol over real HTTP, for servers that stand in for it in tests.

What is written is decided by a subclass; status codes, fields, streaming and what happens
when a client hangs up are here, as Ollama 0.32 has them.
"""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self

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


class RefusedError(Exception):
    """An error as Ollama has it: a status before the first line, an error line afterwards."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class DroppedError(Exception):
    """The connection breaks off."""


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


class OllamaServer:
    """A server on this machine, running inside `with`.

    Attributes:
        address: what OLLAMA_HOST is to be.
        models: installed models by full name.
        chats: the requests for answers, oldest first.
        calls: all requests, as `GET /api/tags`.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, models: Mapping[str, Installed], port: int = 0) -> None:
        self.models = dict(models)
        self.chats: list[Chat] = []
        self.calls: list[str] = []
        self.loaded: dict[str, int] = {}
        self._listening = socket.create_server(("127.0.0.1", port), backlog=256)
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def answer(self, chat: Chat) -> AsyncGenerator[Delta | Done, None]:
        """Yield an answer, its `Done` last; closed when the client hangs up."""
        raise NotImplementedError

    def pulling(self, name: str) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the progress lines of a download."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._thread.start()
        self._up.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        self._clients: set[asyncio.Task[None]] = set()
        server = await asyncio.start_server(self._client, sock=self._listening)
        self._up.set()
        await self._stop.wait()
        server.close()
        for client in list(self._clients):
            client.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._clients.add(task)
        try:
            while await self._call(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._clients.discard(task)
            writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one call; False when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        length = re.search(r"(?i)^content-length:\s*(\d+)", head, re.MULTILINE)
        raw = await reader.readexactly(int(length[1]) if length else 0)
        self.calls.append(f"{method} {path}")
        try:
            body: dict[str, Any] = json.loads(raw) if raw else {}
            return await self.route(reader, writer, f"{method} {path}", body)
        except ValueError as error:
            send_json(writer, 400, {"error": str(error)})
        except RefusedError as error:
            send_json(writer, error.status, {"error": error.words})
        await writer.drain()
        return True

    async def route(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        call: str,
        body: dict[str, Any],
    ) -> bool:
        """Answer one call; False when the connection is to be closed."""
        if call in ("POST /api/chat", "POST /api/generate"):
            await self._write(reader, writer, body, chat=call.endswith("chat"))
            return False
        if call == "POST /api/pull":
            await self._pull(reader, writer, body)
            return False
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
            shown = {"modelfile": "", "template": "{{ .Prompt }}", "modified_at": CREATED}
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
    ) -> None:
        asked = Chat(body, time.monotonic())
        self.chats.append(asked)
        try:
            self._checked(body, chat=chat)
            lines = self._lines(asked, chat=chat)
            if body.get("stream", True):
                stayed = await _until_closed(reader, _stream(writer, lines))
            else:
                stayed = await _until_closed(reader, _whole(writer, lines, chat=chat))
            if not stayed:
                asked.closed_after = time.monotonic() - asked.received
        finally:
            asked.over.set()

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

    async def _pull(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: dict[str, Any]
    ) -> None:
        lines = self.pulling(str(body.get("model", "")))
        await _until_closed(reader, _stream(writer, lines))


async def _until_closed(
    reader: asyncio.StreamReader, writing: "asyncio.Future[None] | Any"
) -> bool:
    """Write until done or until the client hangs up; return whether it stayed."""
    task = asyncio.ensure_future(writing)
    hanging_up = asyncio.create_task(reader.read(1))
    try:
        await asyncio.wait({task, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        stayed = task.done()
        if stayed:
            task.result()
        return stayed
    finally:
        for one in (task, hanging_up):
            one.cancel()
        await asyncio.gather(task, hanging_up, return_exceptions=True)


async def _stream(
    writer: asyncio.StreamWriter, lines: AsyncGenerator[dict[str, Any], None]
) -> None:
    """Write lines as they come. Nothing, not even the status, is sent before the first one."""
    begun = False
    async with aclosing(lines):
        try:
            async for line in lines:
                if not begun:
                    writer.write(_head(200, NDJSON, "Transfer-Encoding: chunked"))
                    begun = True
                await _write_line(writer, line)
        except DroppedError:
            if begun:
                return
            writer.transport.abort()
            return
        except RefusedError as error:
            if not begun:
                raise
            await _write_line(writer, {"error": error.words})
    if not begun:
        writer.write(_head(200, NDJSON, "Transfer-Encoding: chunked"))
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _whole(
    writer: asyncio.StreamWriter, lines: AsyncGenerator[dict[str, Any], None], *, chat: bool
) -> None:
    said, thought, last = "", "", dict[str, Any]()
    async with aclosing(lines):
        try:
            async for last in lines:
                message = last["message"] if chat else last
                said += message["content" if chat else "response"]
                thought += message.get("thinking", "")
        except DroppedError:
            writer.transport.abort()
            return
    send_json(writer, 200, {**last, **_said(Delta(said, thought), chat)})
    await writer.drain()


async def _write_line(writer: asyncio.StreamWriter, line: Mapping[str, Any]) -> None:
    data = _dumped(line) + b"\n"
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
    await writer.drain()


def _said(delta: Delta, chat: bool) -> dict[str, Any]:
    thinking = {"thinking": delta.thinking} if delta.thinking else {}
    if chat:
        return {"message": {"role": "assistant", "content": delta.content, **thinking}}
    return {"response": delta.content, **thinking}


def _listed(name: str, model: Installed) -> dict[str, Any]:
    fields = {"modified_at": CREATED, "size": model.size, "digest": model.digest}
    return {"name": name, "model": name, **fields, "details": model.details}


def _dumped(value: object) -> bytes:
    """JSON as Go writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def send_json(writer: asyncio.StreamWriter, status: int, value: object) -> None:
    """Send a JSON answer."""
    send(writer, status, "application/json; charset=utf-8", _dumped(value))


def send(writer: asyncio.StreamWriter, status: int, kind: str, data: bytes) -> None:
    """Send a whole answer."""
    with suppress(ConnectionError):
        writer.write(_head(status, kind, f"Content-Length: {len(data)}") + data)


def _head(status: int, kind: str, length: str) -> bytes:
    ending = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {ending}\r\nContent-Type: {kind}\r\n{length}\r\n\r\n".encode()
