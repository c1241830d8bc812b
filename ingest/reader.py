"""Reads files in a process of their own, which may hang, grow or crash without harm.

The process lives from the first file until `close`. Loading and splitting there also keep
the interpreter's lock free for searches here, and run beside embedding.
"""

import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tokenizers import Tokenizer

from ingest.index.documents import Chunk
from ingest.index.errors import DataFolderError, DocumentError

_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take.

    Attributes:
        seconds: until it is read, or a further page of it.
    """

    seconds: float = 300.0
    memory_mb: int = 3072
    output_mb: int = 1024


@dataclass(frozen=True, slots=True)
class Reading:
    """A file as it was read, in a folder of its own on disk; `discard` it after use.

    Attributes:
        kind: what it was read as (see `Document`).
        language: ISO 639-1 code of its text's; empty where it does not tell.
        chunks: how many there are.
        cut: digest of them all, as in `Chunk`.
        pages: None for kinds without pages.
        notice: what of the file was not read, and why; empty where all was.
        attachments: name and place of each document that came in it; None where its text
            alone was read again.
    """

    folder: Path
    kind: str
    language: str
    chunks: int
    cut: str
    pages: int | None
    characters: int
    attachments: tuple[tuple[str, Path], ...] | None
    notice: str

    @property
    def text(self) -> Path:
        """The document, as `Files.put_text` takes it."""
        return self.folder / "document.json"

    def read_chunks(self, document_id: str, version: str) -> Iterator[Chunk]:
        """Yield the chunks one by one, so that a document of any length fits in memory."""
        with (self.folder / "chunks.ndjson").open(encoding="utf-8") as lines:
            for ordinal, line in enumerate(lines):
                start, text, page, heading, lead, around = json.loads(line)
                yield Chunk(
                    document_id=document_id,
                    version=version,
                    ordinal=ordinal,
                    start=start,
                    end=start + len(text),
                    text=text,
                    page=page,
                    heading=tuple(heading),
                    lead=lead,
                    around=tuple((first, last) for first, last in around),
                    language=self.language,
                    cut=self.cut,
                )

    def discard(self) -> None:
        """Remove it from the disk."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Reader:
    """Reads one file at a time; not for use by several threads at once.

    Args:
        scratch: folder for what is read, until it is discarded.
        tokenizer: the embedding model's, without truncation.
        chunk_tokens: most tokens in a chunk, the model's special tokens included.
        limits: for each file.
    """

    def __init__(
        self, scratch: Path, tokenizer: Tokenizer, chunk_tokens: int, limits: Limits
    ) -> None:
        self._scratch = scratch
        self._tokenizer = tokenizer
        self._chunk_tokens = chunk_tokens
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None

    def read(
        self, path: Path, name: str, on_progress: Callable[[float], None] = lambda _: None
    ) -> Reading:
        """Read and split the file at `path`, which a person calls `name`.

        Args:
            on_progress: called with the fraction that is read, where reading takes long. What
                it raises ends the reading.

        Raises:
            DocumentError: it cannot be read, or not within the limits.
            DataFolderError: the disk is full or cannot be written.
        """
        return self._read("file", path, name, on_progress)

    def split(self, text: Path, name: str) -> Reading:
        """Split what was read of a file before, as `Reading.text` has it; raises as `read`."""
        return self._read("text", text, name, lambda _: None)

    def _read(
        self, what: str, path: Path, name: str, on_progress: Callable[[float], None]
    ) -> Reading:
        folder = self._new_folder()
        try:
            request = {"path": str(path), "name": name, "scratch": str(folder), "what": what}
            answer = self._ask(request, name, on_progress)
            if "what" in answer:
                raise DocumentError(answer["what"], answer["next_step"])
            if "limit" in answer:
                raise self._beyond(name, answer)
            inside = answer["attachments"]
            return Reading(
                folder=folder,
                kind=answer["kind"],
                language=answer["language"],
                chunks=answer["chunks"],
                cut=answer["cut"],
                pages=answer["pages"],
                characters=answer["characters"],
                attachments=None if inside is None else tuple((n, Path(at)) for n, at in inside),
                notice=answer["notice"],
            )
        except BaseException:  # raised again: nobody will discard the folder
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def interrupt(self) -> None:
        """Make a `read` on another thread fail soon."""
        process = self._process
        if process is not None and process.poll() is None:
            _kill(process)

    def close(self) -> None:
        """End the process; the next file starts another."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _new_folder(self) -> Path:
        folder = self._scratch / uuid4().hex
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise DataFolderError(
                f"The data folder cannot be written ({error.strerror or error}).",
                "Free some space or correct its permissions; work goes on by itself then.",
            ) from error
        return folder

    def _ask(
        self, request: dict[str, str], name: str, on_progress: Callable[[float], None]
    ) -> dict[str, Any]:
        if self._process is not None and self._process.poll() is not None:
            self.close()  # it was interrupted when it had answered already
        process = self._process
        if process is None:
            process = self._process = self._start()
        try:
            answer = _exchange(process, request, self._limits.seconds, on_progress)
        except BaseException:  # raised again: the process is in the middle of an answer
            self.close()
            raise
        if answer is not None:
            return answer
        self._process = None
        if process.poll() is None:
            _end(process)
            raise DocumentError(
                f"{name}, or a page of it, was not read within {self._limits.seconds:g} seconds.",
                "Split it into smaller files, or raise FOOTNOTE_READ_SECONDS and retry.",
            )
        _end(process)
        raise DocumentError(
            f"Reading {name} ended its process ({_signal(process.returncode)}).",
            "The file is damaged or needs more than FOOTNOTE_READ_MEMORY_MB; save it again in the "
            "program it came from, and add the new copy.",
        )

    def _beyond(self, name: str, answer: dict[str, Any]) -> DocumentError | DataFolderError:
        if answer["limit"] == "memory":
            # What is left of the process's memory may be in pieces.
            self.close()
            return DocumentError(
                f"Reading {name} takes more than {self._limits.memory_mb} MB of memory.",
                "Split it into smaller files, or raise FOOTNOTE_READ_MEMORY_MB and retry.",
            )
        if shutil.disk_usage(self._scratch).free < self._limits.output_mb << 20:
            return DataFolderError(
                f"What {name} holds cannot be written ({answer['reason']}).",
                "Free some space in the data folder; work goes on by itself then.",
            )
        return DocumentError(
            f"{name} holds more than {self._limits.output_mb} MB of text or attachments.",
            "Split it into smaller files, or raise FOOTNOTE_READ_OUTPUT_MB and retry.",
        )

    def _start(self) -> subprocess.Popen[bytes]:
        self._scratch.mkdir(parents=True, exist_ok=True)
        # Readers for two models may start at once while the index is built anew.
        tokenizer = self._scratch / f"tokenizer-{uuid4().hex}.json"
        self._tokenizer.save(str(tokenizer))
        process = subprocess.Popen(
            [sys.executable, "-m", "ingest.reader_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # With a group of its own, programs that a loader starts end with it.
            start_new_session=True,
        )
        setup = {
            "tokenizer": str(tokenizer),
            "chunk_tokens": self._chunk_tokens,
            "memory_mb": self._limits.memory_mb,
            "output_mb": self._limits.output_mb,
        }
        answer = _exchange(process, setup, _START_SECONDS)
        tokenizer.unlink(missing_ok=True)
        if answer is None:
            _end(process)
            raise DataFolderError(
                "The process that reads files did not start.",
                "Check the machine's free memory; work goes on by itself then.",
            )
        return process


def _exchange(
    process: subprocess.Popen[bytes],
    request: dict[str, Any],
    seconds: float,
    on_progress: Callable[[float], None] = lambda _: None,
) -> dict[str, Any] | None:
    """Send a line and return the answer; None where none comes in time, or the process ends.

    Args:
        seconds: until the answer, or the next word of progress.
    """
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
    except OSError:
        process.wait()
        return None
    lines = b""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            if not (block := process.stdout.read(1 << 16)):
                process.wait()
                return None
            *complete, lines = (lines + block).split(b"\n")
            for line in complete:
                answer: dict[str, Any] = json.loads(line)
                if answer.keys() != {"fraction"}:
                    return answer
                deadline = time.monotonic() + seconds
                on_progress(answer["fraction"])


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    process.wait()
    for stream in (process.stdin, process.stdout):
        assert stream is not None
        with suppress(OSError):
            stream.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it started."""
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _signal(code: int) -> str:
    if code < 0:
        with suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit status {code}"
