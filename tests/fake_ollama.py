"""An Ollama server that writes what it is told to, over real HTTP, for tests and screenshots.

`python -m tests.fake_ollama --port 11434` answers every question by quoting its passages.
"""

import argparse
import asyncio
import re
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

# Run as a program, this is the only folder of the tests that is not on the path.
sys.path.insert(0, str(Path(__file__).parent))

from http_wire import DroppedError, RefusedError, send
from ollama_wire import Chat, Delta, Done, Installed, OllamaServer

CHAT = ("completion", "tools")
THINKING = ("completion", "tools", "thinking")
EMBEDDING = ("embedding",)

Failure = Literal[
    "crash", "memory", "busy", "too long", "error line", "drop", "no end", "length", "silence"
]
"""The first four come in place of an answer, with a status; the others after the last piece: a
line with an error, a connection that breaks, an orderly end without a last line, a context that
is full, no more words."""

_REFUSALS = {
    "crash": (
        500,
        "model runner has unexpectedly stopped, this may be due to resource limitations or an "
        "internal error, check ollama server logs for details",
    ),
    "memory": (500, "model requires more system memory (9.1 GiB) than is available (5.3 GiB)"),
    "busy": (503, "server busy, please try again.  maximum pending requests exceeded"),
    "too long": (
        400,
        "request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it",
    ),
}


@dataclass(frozen=True, slots=True)
class Scripted:
    """One answer.

    Attributes:
        pieces: what is written, after what is thought.
        delay: seconds before each.
        failure: how it ends, if not well.
        prompt_tokens: what it claims to have read; None counts.
    """

    pieces: tuple[str, ...]
    delay: float = 0.0
    failure: Failure | None = None
    thinking: tuple[str, ...] = ()
    prompt_tokens: int | None = None


class FakeOllama(OllamaServer):
    """A server on this machine that writes from a script, running inside `with`.

    Attributes:
        library: models that can be pulled, with their bytes.

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
        super().__init__({name: Installed(list(able)) for name, able in chosen.items()}, port)
        self.library = {"qwen3:4b": 1_000_000}
        self._delay = delay
        self._gibberish = gibberish
        self._scripts: deque[Scripted] = deque()
        self._rewrites: deque[Scripted] = deque()

    def install(self, name: str, capabilities: Iterable[str], context: int = 131_072) -> None:
        """Add a model."""
        self.models[name] = Installed(list(capabilities), context)

    def will_write(
        self,
        *pieces: str,
        delay: float = 0.0,
        failure: Failure | None = None,
        thinking: Iterable[str] = (),
        prompt_tokens: int | None = None,
    ) -> None:
        """Queue an answer; without one, the passages of the question are quoted."""
        self._scripts.append(Scripted(pieces, delay, failure, tuple(thinking), prompt_tokens))

    def will_rewrite(self, *pieces: str, failure: Failure | None = None) -> None:
        """Queue a rewritten question; without one, the follow-up question is repeated."""
        self._rewrites.append(Scripted(pieces, failure=failure))

    async def route(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        call: str,
        body: dict[str, Any],
    ) -> bool:
        """Answer one call, as some other program if that is asked for."""
        if self._gibberish:
            send(writer, 200, "text/html", b"<html>Some other program</html>")
            await writer.drain()
            return True
        return await super().route(reader, writer, call, body)

    async def answer(self, chat: Chat) -> AsyncGenerator[Delta | Done, None]:
        """Write the next scripted answer."""
        script = self._next(chat)
        began = time.monotonic_ns()
        if script.failure in _REFUSALS:
            await asyncio.sleep(script.delay)
            raise RefusedError(*_REFUSALS[script.failure])
        # A model that can think does so unless it is told not to.
        thoughts = () if chat.body.get("think") is False else script.thinking
        parts = [Delta(thinking=thought) for thought in thoughts]
        parts += [Delta(piece) for piece in script.pieces]
        for part in parts:
            await asyncio.sleep(script.delay)
            yield part
        await asyncio.sleep(script.delay)
        if script.failure == "error line":
            raise RefusedError(500, "an error was encountered while running the model: CUDA error")
        if script.failure == "silence":
            await asyncio.sleep(3600)
        if script.failure == "drop":
            raise DroppedError
        if script.failure == "no end":
            return
        counted = sum(len(message["content"]) for message in chat.messages) // 4 or 1
        yield Done(
            "length" if script.failure == "length" else "stop",
            counted if script.prompt_tokens is None else script.prompt_tokens,
            len(parts),
            load=1_000_000,
            reading=1_000_000,
            writing=time.monotonic_ns() - began,
        )

    async def pulling(self, name: str) -> AsyncGenerator[dict[str, Any], None]:
        """Download a model of the library in four steps; counts fall once, as Ollama's do."""
        yield {"status": "pulling manifest"}
        if name not in self.library:
            raise RefusedError(500, "pull model manifest: file does not exist")
        total = self.library[name]
        digest = "sha256:" + "ab" * 32
        for completed in (total // 4, total // 2, total // 3, total):
            await asyncio.sleep(self._delay)
            line = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
            yield {**line, "completed": completed}
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        self.install(name, CHAT)
        yield {"status": "success"}

    def _next(self, chat: Chat) -> Scripted:
        followed = re.search(r"\nLast question: (.+)", str(chat.messages[-1]["content"]))
        if followed:
            return self._rewrites.popleft() if self._rewrites else Scripted((followed[1],))
        return self._scripts.popleft() if self._scripts else self._quoting(chat)

    def _quoting(self, chat: Chat) -> Scripted:
        """Quote the first sentences of the first two passages, word by word."""
        prompt = str(chat.messages[-1]["content"])
        passages = re.findall(r'<passage number="(\d+)"[^>]*>\n(.*?)\n</passage>', prompt, re.S)
        said = []
        for number, text in passages[:2]:
            lines = [line for line in text.splitlines() if line.strip() and line[0] not in "#|"]
            sentence = re.match(r".+?[.!?](?=\s|$)|.+", " ".join(lines))
            if sentence is not None:
                said.append(f"{sentence[0].strip()} [{number}]")
        answer = " ".join(said) or "NOT_IN_DOCUMENTS"
        return Scripted(tuple(re.findall(r"\S+\s*", answer)), self._delay)


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
