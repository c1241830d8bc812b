"""A server with OpenAI's interface, as vLLM, llama.cpp and LM Studio have it, for tests."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from fake_ollama import Failure, Scripted
from http_wire import (
    DroppedError,
    HttpServer,
    RefusedError,
    dumped,
    send_json,
    stream,
    until_closed,
)
from ollama_wire import Chat

MODEL = "Qwen/Qwen3-4B"

_REFUSALS = {
    "crash": (500, "EngineCore encountered an issue. See stack trace (above) for the root cause."),
    "memory": (500, "CUDA out of memory. Tried to allocate 2.00 GiB"),
    "busy": (503, "Loading model"),
    "too long": (
        400,
        "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens. "
        "Please reduce the length of the messages or completion.",
    ),
}
"""vLLM's words and llama.cpp's."""


class FakeOpenAI(HttpServer):
    """A server with one model that writes from a script, running inside `with`.

    Attributes:
        url: what FOOTNOTE_LLM_BASE_URL is to be.
        chats: the requests for answers, oldest first.

    Args:
        key: that callers must have; None asks for none.
    """

    def __init__(self, key: str | None = None) -> None:
        super().__init__()
        self.url = f"{self.address}/v1"
        self.chats: list[Chat] = []
        self._key = key
        self._scripts: deque[Scripted] = deque()

    def will_write(
        self,
        *pieces: str,
        delay: float = 0.0,
        failure: Failure | None = None,
        thinking: Iterable[str] = (),
    ) -> None:
        """Queue an answer."""
        self._scripts.append(Scripted(pieces, delay, failure, tuple(thinking)))

    def admit(self, headers: Mapping[str, str]) -> None:
        """Refuse a caller without the key."""
        if self._key is not None and headers.get("authorization") != f"Bearer {self._key}":
            raise RefusedError(401, "Unauthorized")

    def refusal(self, status: int, words: str) -> dict[str, Any]:
        """Return the body of an error."""
        return {"error": {"message": words, "type": "error", "param": None, "code": status}}

    async def route(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        call: str,
        body: dict[str, Any],
    ) -> bool:
        """Answer one call; False when the connection is to be closed."""
        if call != "POST /v1/chat/completions":
            raise RefusedError(404, "Not Found")
        if body["model"] != MODEL:
            raise RefusedError(404, f"The model `{body['model']}` does not exist.")
        chat = Chat(body, time.monotonic())
        self.chats.append(chat)
        try:
            if body.get("stream"):
                written = stream(
                    writer,
                    self._chunks(body),
                    kind="text/event-stream",
                    encode=lambda chunk: b"data: " + dumped(chunk) + b"\n\n",
                    refusal=self.refusal,
                    last=b"data: [DONE]\n\n",
                )
            else:
                written = self._whole(writer, body)
            stayed = await until_closed(reader, written)
            if not stayed:
                chat.closed_after = time.monotonic() - chat.received
            return stayed
        finally:
            chat.over.set()

    async def _whole(self, writer: asyncio.StreamWriter, body: dict[str, Any]) -> None:
        said, end, usage = "", "stop", {}
        async for chunk in self._chunks(body):
            usage = chunk.get("usage", usage)
            for choice in chunk["choices"]:
                said += choice["delta"].get("content") or ""
                end = choice["finish_reason"] or end
        message = {"role": "assistant", "content": said}
        choices = [{"index": 0, "message": message, "finish_reason": end}]
        common = {"id": "chatcmpl-1", "object": "chat.completion", "model": MODEL}
        send_json(writer, 200, {**common, "created": 1, "choices": choices, "usage": usage})
        await writer.drain()

    async def _chunks(self, body: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        script = self._scripts.popleft()
        common = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": MODEL}
        common["created"] = 1
        if script.failure in _REFUSALS:
            raise RefusedError(*_REFUSALS[script.failure])
        parts = [{"reasoning_content": thought} for thought in script.thinking]
        parts += [{"content": piece} for piece in script.pieces]
        for delta in parts:
            await asyncio.sleep(script.delay)
            yield {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        await asyncio.sleep(script.delay)
        if script.failure == "error line":
            raise RefusedError(500, "EngineCore encountered an issue")
        if script.failure == "silence":
            await asyncio.sleep(3600)
        if script.failure == "drop":
            raise DroppedError
        if script.failure == "no end":
            return
        end = "length" if script.failure == "length" else "stop"
        yield {**common, "choices": [{"index": 0, "delta": {}, "finish_reason": end}]}
        if (body.get("stream_options") or {}).get("include_usage") or not body.get("stream"):
            counted = {"prompt_tokens": 21, "completion_tokens": len(parts)}
            yield {**common, "choices": [], "usage": {**counted, "total_tokens": 21 + len(parts)}}
