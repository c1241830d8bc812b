"""An Ollama server that writes what it is told to, over real HTTP, for tests and screenshots.

`python -m tests.fake_ollama --port 11434` answers every question by quoting its passages.
"""

import argparse
import asyncio
import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal, Self

CHAT = ("completion", "tools")
EMBEDDING = ("embedding",)
CREATED = "2026-01-01T00:00:00Z"
DETAILS = {"format": "gguf", "family": "llama", "families": ["llama"], "parameter_size": "3.2B"}

Failure = Literal["crash", "error line", "drop", "no end"]
"""`crash`: 500 in place of an answer; the others come after the last piece: a line with an
error, a connection that breaks, an orderly end without a last line."""


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer: what is thought before it, its pieces, seconds before each, and its end."""

    pieces: tuple[str, ...]
    delay: float = 0.0
    failure: Failure | None = None
    thinking: tuple[str, ...] = ()


@dataclass(slots=True)
class Chat:
    """A chat request as it came in.

    Attributes:
        closed_after: seconds from its arrival until the client hung up on it, None if it
            stayed to the end.
    """

    body: dict[str, Any]
    received: float
    closed_after: float | None = None
    over: threading.Event = field(default_factory=threading.Event)


class FakeOllama:
    """A server on this machine, running inside `with`.

    Attributes:
        address: what OLLAMA_HOST is to be.
        chats: the requests for answers, oldest first.
        calls: all requests, as `GET /api/tags`.

    Args:
        models: installed models by full name, with their capabilities.
        port: 0 takes a free one.
        delay: seconds before each word of an answer that is not scripted.
        gibberish: be some other program that answers every call with a web page.
    """

    def __init__(
        self,
        models: Mapping[str, Iterable[str]] | None = None,
        port: int = 0,
        delay: float = 0.0,
        gibberish: bool = False,
    ) -> None:
        chosen = {"llama3.2:latest": CHAT} if models is None else models
        self.models = {name: list(abilities) for name, abilities in chosen.items()}
        self.chats: list[Chat] = []
        self.calls: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", port))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._delay = delay
        self._gibberish = gibberish
        self._scripts: deque[Scripted] = deque()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def will_write(
        self,
        *pieces: str,
        delay: float = 0.0,
        failure: Failure | None = None,
        thinking: Iterable[str] = (),
    ) -> None:
        """Queue an answer; without one, the passages of the question are quoted."""
        self._scripts.append(Scripted(pieces, delay, failure, tuple(thinking)))

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
        body: dict[str, Any] = json.loads(raw) if raw else {}
        self.calls.append(f"{method} {path}")
        if self._gibberish:
            _send(writer, 200, "text/html", b"<html>Some other program</html>")
        elif path == "/":
            words = b"" if method == "HEAD" else b"Ollama is running"
            _send(writer, 200, "text/plain; charset=utf-8", words)
        elif (method, path) == ("GET", "/api/version"):
            _json(writer, 200, {"version": "0.32.15"})
        elif (method, path) == ("GET", "/api/tags"):
            _json(writer, 200, {"models": [_listed(*item) for item in self.models.items()]})
        elif (method, path) == ("POST", "/api/show"):
            self._show(writer, str(body.get("model", "")))
        elif (method, path) == ("POST", "/api/chat"):
            return await self._chat(reader, writer, body)
        else:
            _json(writer, 404, {"error": f"{path} is not faked"})
        await writer.drain()
        return True

    def _show(self, writer: asyncio.StreamWriter, model: str) -> None:
        abilities = self._abilities(model)
        if abilities is None:
            _json(writer, 404, {"error": f"model '{model}' not found"})
            return
        info = {"general.architecture": "llama", "llama.context_length": 131072}
        fields = {"modelfile": "", "template": "{{ .Prompt }}", "modified_at": CREATED}
        shown = {**fields, "details": DETAILS, "model_info": info, "capabilities": abilities}
        _json(writer, 200, shown)

    async def _chat(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: dict[str, Any]
    ) -> bool:
        chat = Chat(body, time.monotonic())
        self.chats.append(chat)
        model = str(body.get("model", ""))
        abilities = self._abilities(model)
        if abilities is None:
            _json(writer, 404, {"error": f"model '{model}' not found"})
            return True
        if "completion" not in abilities:
            _json(writer, 400, {"error": f'"{model}" does not support chat'})
            return True
        script = self._scripts.popleft() if self._scripts else self._quoting(body)
        writing = asyncio.create_task(_write(writer, script, body, chat.received))
        hanging_up = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({writing, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
            if not writing.done():
                chat.closed_after = time.monotonic() - chat.received
            return False
        finally:
            for task in (writing, hanging_up):
                task.cancel()
            await asyncio.gather(writing, hanging_up, return_exceptions=True)
            chat.over.set()

    def _abilities(self, model: str) -> list[str] | None:
        return self.models.get(model, self.models.get(f"{model}:latest"))

    def _quoting(self, body: Mapping[str, Any]) -> Scripted:
        """Quote the first sentences of the first two passages, word by word."""
        prompt = str(body["messages"][-1]["content"]) if body.get("messages") else ""
        passages = re.findall(r'<passage number="(\d+)"[^>]*>\n(.*?)\n</passage>', prompt, re.S)
        said = []
        for number, text in passages[:2]:
            lines = [line for line in text.splitlines() if line.strip() and line[0] not in "#|"]
            sentence = re.match(r".+?[.!?](?=\s|$)|.+", " ".join(lines))
            if sentence is not None:
                said.append(f"{sentence[0].strip()} [{number}]")
        answer = " ".join(said) or "NOT_IN_DOCUMENTS"
        return Scripted(tuple(re.findall(r"\S+\s*", answer)), self._delay)


async def _write(
    writer: asyncio.StreamWriter, script: Scripted, body: Mapping[str, Any], started: float
) -> None:
    """Write an answer. Nothing at all, not even its status, is sent before its first word."""
    if script.failure == "crash":
        await asyncio.sleep(script.delay)
        unexpected = (
            "model runner has unexpectedly stopped, this may be due to resource limitations"
        )
        _json(writer, 500, {"error": unexpected})
        await writer.drain()
        return
    # A model that can think does so unless it is told not to.
    thoughts = () if body.get("think") is False else script.thinking
    lines: list[dict[str, Any]] = [_line(body, "", thinking=thought) for thought in thoughts]
    lines += [_line(body, piece) for piece in script.pieces]
    if script.failure == "error line":
        lines.append({"error": "an error was encountered while running the model: CUDA error"})
    elif script.failure is None:
        taken = time.monotonic_ns() - int(started * 1e9)
        counters = {
            "done_reason": "stop",
            "total_duration": taken,
            "load_duration": 1_000_000,
            "prompt_eval_count": sum(len(m["content"]) for m in body["messages"]) // 4 or 1,
            "prompt_eval_duration": 1_000_000,
            "eval_count": len(lines),
            "eval_duration": taken,
        }
        lines.append({**_line(body, ""), "done": True, **counters})
    await asyncio.sleep(script.delay)
    writer.write(_head(200, "application/x-ndjson", "Transfer-Encoding: chunked"))
    for order, line in enumerate(lines):
        if order:
            await asyncio.sleep(script.delay)
        data = _dumped(line) + b"\n"
        writer.write(b"%x\r\n%s\r\n" % (len(data), data))
        await writer.drain()
    if script.failure != "drop":
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def _line(body: Mapping[str, Any], content: str, **more: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more}
    return {"model": body["model"], "created_at": CREATED, "message": message, "done": False}


def _listed(name: str, abilities: list[str]) -> dict[str, Any]:
    fields = {"modified_at": CREATED, "size": 2_019_393_189, "digest": "a80c4f17acd5" + "0" * 52}
    return {"name": name, "model": name, **fields, "details": DETAILS, "capabilities": abilities}


def _dumped(value: object) -> bytes:
    """JSON as Go writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def _json(writer: asyncio.StreamWriter, status: int, value: object) -> None:
    _send(writer, status, "application/json; charset=utf-8", _dumped(value))


def _send(writer: asyncio.StreamWriter, status: int, kind: str, data: bytes) -> None:
    writer.write(_head(status, kind, f"Content-Length: {len(data)}") + data)


def _head(status: int, kind: str, length: str) -> bytes:
    ending = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {ending}\r\nContent-Type: {kind}\r\n{length}\r\n\r\n".encode()


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--delay", type=float, default=0.03, help="seconds before each word")
    options = parser.parse_args()
    with FakeOllama(port=options.port, delay=options.delay) as ollama, suppress(KeyboardInterrupt):
        print(f"A fake Ollama writes at {ollama.address}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
