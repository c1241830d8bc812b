"""HTTP over a real connection, for servers that stand in for a model's in tests.

What is answered is decided by a subclass; connections, status lines, streams and what happens
when a client hangs up are here.
"""

import asyncio
import json
import re
import socket
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from http import HTTPStatus
from typing import Any, Self

Encode = Callable[[Mapping[str, Any]], bytes]
"""One line of a stream as it goes over the wire."""


class RefusedError(Exception):
    """An error of a server: a status before the first line, an error line afterwards."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


class DroppedError(Exception):
    """The connection breaks off."""


class HttpServer:
    """A server on this machine, running inside `with`.

    Attributes:
        address: where it is, without a slash at its end.
        calls: all requests, as `GET /api/tags`.

    Args:
        port: 0 takes a free one.
    """

    def __init__(self, port: int = 0) -> None:
        self.calls: list[str] = []
        self._listening = socket.create_server(("127.0.0.1", port), backlog=256)
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    async def route(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        call: str,
        body: dict[str, Any],
    ) -> bool:
        """Answer one call; False when the connection is to be closed."""
        raise NotImplementedError

    def admit(self, headers: Mapping[str, str]) -> None:
        """Refuse a caller, where this server asks who it is; `headers` by names in lower case."""

    def refusal(self, status: int, words: str) -> dict[str, Any]:
        """Return the body of an error."""
        return {"error": words}

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
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError, DroppedError):
            pass
        finally:
            self._clients.discard(task)
            writer.close()

    async def _call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one call; False when the connection is to be closed."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, path, _ = head.split(" ", 2)
        fields = re.findall(r"^([\w-]+):\s*(.*?)\r$", head, re.MULTILINE)
        headers = {name.lower(): value for name, value in fields}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        self.calls.append(f"{method} {path}")
        try:
            body: dict[str, Any] = json.loads(raw) if raw else {}
            self.admit(headers)
            return await self.route(reader, writer, f"{method} {path}", body)
        except ValueError as error:
            send_json(writer, 400, self.refusal(400, str(error)))
        except RefusedError as error:
            send_json(writer, error.status, self.refusal(error.status, error.words))
        await writer.drain()
        return True


async def until_closed(reader: asyncio.StreamReader, writing: Awaitable[None]) -> bool:
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


async def stream(
    writer: asyncio.StreamWriter,
    lines: AsyncGenerator[dict[str, Any], None],
    *,
    kind: str,
    encode: Encode,
    refusal: Callable[[int, str], dict[str, Any]],
    last: bytes = b"",
) -> None:
    """Write lines as they come. Nothing, not even the status, is sent before the first one.

    Args:
        kind: the stream's content type.
        refusal: the body of an error, which is a line here.
        last: what ends a stream that ends well.

    Raises:
        DroppedError: the connection is to break off here.
    """
    begun = False
    async with aclosing(lines):
        try:
            async for line in lines:
                if not begun:
                    writer.write(_head(200, kind, "Transfer-Encoding: chunked"))
                    begun = True
                await _write_chunk(writer, encode(line))
        except RefusedError as error:
            if not begun:
                raise
            last = encode(refusal(error.status, error.words))
    if not begun:
        writer.write(_head(200, kind, "Transfer-Encoding: chunked"))
    if last:
        await _write_chunk(writer, last)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


async def _write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))
    await writer.drain()


def dumped(value: object) -> bytes:
    """JSON as Go writes it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()


def send_json(writer: asyncio.StreamWriter, status: int, value: object) -> None:
    """Send a JSON answer."""
    send(writer, status, "application/json; charset=utf-8", dumped(value))


def send(writer: asyncio.StreamWriter, status: int, kind: str, data: bytes) -> None:
    """Send a whole answer."""
    with suppress(ConnectionError):
        writer.write(_head(status, kind, f"Content-Length: {len(data)}") + data)


def _head(status: int, kind: str, length: str) -> bytes:
    ending = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {ending}\r\nContent-Type: {kind}\r\n{length}\r\n\r\n".encode()
