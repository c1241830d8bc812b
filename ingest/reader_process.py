"""The process that reads files for a worker: loaders and splitter, with nothing to lose.

Files come from anywhere and loaders are large; so they run here, in a process that has no
network, little memory and a clock against it, and that can be killed at any moment. It
reads one request a line from standard input and answers with one line each, before which
lines with a `fraction` may come (see `Reader`).
"""

import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

_FORBIDDEN = frozenset(
    {"socket.bind", "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
)
_PROGRESS_SECONDS = 0.3
_MODEL_FILE = 64 << 20
"""Bytes that may be written where the limit for documents is lower: to tell a language, a model
of 50 MB is unpacked into a temporary file."""

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def main() -> None:
    """Answer requests until standard input ends. The first line holds the set-up."""
    setup = json.loads(sys.stdin.readline())
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _leave_the_network()
    _limit(setup["memory_mb"] << 20, setup["output_mb"] << 20)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, args=(os.getppid(),), daemon=True).start()

    def answer(values: dict[str, Any]) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    read = _reading(setup["tokenizer"], setup["chunk_tokens"], _Progress(answer))
    answer({})
    for line in sys.stdin:
        answer(read(json.loads(line)))


class _Progress:
    """Tells how far a file is, a few times a second at most."""

    def __init__(self, answer: Callable[[dict[str, Any]], None]) -> None:
        self._answer = answer
        self._told = 0.0

    def __call__(self, fraction: float) -> None:
        if (now := time.monotonic()) - self._told >= _PROGRESS_SECONDS:
            self._told = now
            self._answer({"fraction": fraction})


def _reading(
    tokenizer: str, chunk_tokens: int, on_progress: Callable[[float], None]
) -> Callable[[dict[str, str]], dict[str, Any]]:
    from tokenizers import Tokenizer

    from ingest.chunking import Chunker
    from ingest.index.errors import DocumentError
    from ingest.index.files import document_of, text_of
    from ingest.language import language_of
    from ingest.loading import load
    from ingest.loading.loaded import Loaded
    from ingest.loading.progress import telling

    chunker = Chunker(Tokenizer.from_file(tokenizer), chunk_tokens)

    def read(request: dict[str, str]) -> dict[str, Any]:
        scratch = Path(request["scratch"])
        try:
            path, attachments = Path(request["path"]), scratch / "attachments"
            if request["what"] == "text":
                loaded = Loaded(document_of(path.read_bytes()))
            else:
                attachments.mkdir()
                with telling(on_progress):
                    loaded = load(path, request["name"], attachments)
            document = loaded.document
            language = language_of(document.text, _room_for_the_model)
            with (scratch / "document.json").open("wb") as text:
                text.write(text_of(document))
            count, cut = 0, blake2b(digest_size=8)
            with (scratch / "chunks.ndjson").open("w", encoding="utf-8") as chunks:
                for chunk in chunker.split(document, "", ""):
                    place = [chunk.page, chunk.heading, chunk.lead, chunk.around]
                    line = json.dumps([chunk.start, chunk.text, *place], ensure_ascii=False)
                    chunks.write(line + "\n")
                    cut.update(line.encode())
                    count += 1
        except DocumentError as error:
            if isinstance(error.__cause__, MemoryError):
                return {"limit": "memory"}
            return {"what": error.what, "next_step": error.next_step}
        except MemoryError:
            return {"limit": "memory"}
        except OSError as error:
            return {"limit": "output", "reason": error.strerror or str(error)}
        return {
            "kind": document.kind,
            "language": language,
            "chunks": count,
            "cut": cut.hexdigest(),
            "pages": len(document.pages) or None,
            "characters": len(document.text),
            "notice": loaded.notice,
            "attachments": [[a.name, str(a.path)] for a in loaded.attachments]
            if attachments.exists()
            else None,
        }

    return read


def _end_with_the_parent(parent: int) -> None:
    """End this process and what it started once the worker is gone, even in mid-file."""
    while os.getppid() == parent:
        time.sleep(1)
    if sys.platform == "win32":
        os._exit(1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _leave_the_network() -> None:
    """Refuse Python's sockets, and where the kernel lets us, have no network at all."""

    def refuse(event: str, _: tuple[object, ...]) -> None:
        if event in _FORBIDDEN:
            raise PermissionError("files are read without a network")

    sys.addaudithook(refuse)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        # Only root may leave alone; others take a user namespace of their own along.
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _limit(memory: int, output: int) -> None:
    if sys.platform == "win32":
        return
    import resource

    # macOS refuses a limit on the address space.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (output, max(output, _MODEL_FILE)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def _room_for_the_model() -> Iterator[None]:
    """Let _MODEL_FILE bytes be written at least: no document has a say in what they are."""
    if sys.platform == "win32":
        yield
        return
    import resource

    output, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (output, most))


if __name__ == "__main__":
    main()
