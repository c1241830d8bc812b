"""A folder of files of many formats, each compared with what is expected of it.

    python bench/formats.py FOLDER [--without-programs] [--show FILE]

FOLDER holds the files and `expected.jsonl`, a line a file:

    {"file": NAME, "outcome": "ready" | "failed" | "ready_or_failed",
     "text_contains": [...], "text_lacks": [...], "why": WORDS}

A file is as expected if it ends with that outcome, and its text, if it has one, holds and
lacks those phrases; white space counts as one space, quotation marks do not count. `why` is
for the eye: it is printed beside the sentence that a person gets. --without-programs hides
Tesseract and LibreOffice.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# `ingest` is the package at the root, not in this folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ingest.index.embedding import Embedder
from ingest.index.errors import DocumentError
from ingest.index.settings import DEFAULT_MODEL
from ingest.loading import legacy, ocr
from ingest.reader import Limits, Reader

_QUOTES = dict.fromkeys(map(ord, "\"'“”„‘’‚«»"))


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one file."""

    outcome: str
    seconds: float
    text: str = ""
    error: str = ""
    attachments: tuple[str, ...] = ()


def main() -> None:
    """Read every file, print a line for each and a count; exit 1 if one is not as expected."""
    arguments = _arguments()
    if arguments.without_programs:
        os.environ["PATH"] = ""
    print(f"Tesseract: {ocr.program() or 'no'}; LibreOffice: {legacy.program() or 'no'}")
    lines = (arguments.folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()
    right = 0
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as scratch:
        # As a worker reads: in a process of its own, with limits, and split into passages.
        reader = Reader(Path(scratch), Embedder(DEFAULT_MODEL).tokenizer, 200, Limits())
        with closing(reader):
            for expected in map(json.loads, lines):
                if arguments.show in {None, expected["file"]}:
                    result = _read(reader, arguments.folder / expected["file"])
                    right += _compare(expected, result)
                    if arguments.show:
                        print(result.text)
    if arguments.show is None:
        print(f"{right} of {len(lines)} as expected")
        sys.exit(right < len(lines))


def _read(reader: Reader, path: Path) -> Result:
    started = time.perf_counter()
    try:
        reading = reader.read(path, path.name)
    except DocumentError as error:
        return Result("failed", time.perf_counter() - started, error=str(error))
    seconds = time.perf_counter() - started
    text = json.loads(reading.text.read_bytes())["text"]
    assert reading.chunks, path
    assert all(text[chunk.start : chunk.end] == chunk.text for chunk in reading.read_chunks("", ""))
    reading.discard()
    return Result(
        "ready", seconds, text, attachments=tuple(name for name, _ in reading.attachments or ())
    )


def _compare(expected: dict[str, Any], result: Result) -> bool:
    """Print what became of a file, and return whether that was expected."""
    text = _squeezed(result.text)
    missing = [phrase for phrase in expected["text_contains"] if _squeezed(phrase) not in text]
    unwanted = [phrase for phrase in expected["text_lacks"] if phrase in result.text]
    ready = result.outcome == "ready"
    right = result.outcome in expected["outcome"].split("_or_") and not (
        ready and (missing or unwanted or not text)
    )
    held = len(expected["text_contains"]) - len(missing)
    print(
        f"{'ok ' if right else 'NOT'} {result.seconds:6.2f} s  {result.outcome:6}  "
        f"{held}/{len(expected['text_contains'])} held "
        f"{len(expected['text_lacks']) - len(unwanted)}/{len(expected['text_lacks'])} lacking  "
        f"{expected['file']}"
    )
    details = {
        "missing": "; ".join(missing) if ready else "",
        "not lacking": "; ".join(unwanted),
        "attachments": ", ".join(result.attachments),
        "said": result.error,
        "expected": expected["why"] if not ready or not right else "",
    }
    for label, words in details.items():
        if words:
            print(f"      {label}: {words}")
    return right


def _squeezed(text: str) -> str:
    return " ".join(text.translate(_QUOTES).split())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--without-programs", action="store_true", help="hide them")
    parser.add_argument("--show", metavar="FILE", help="read this file alone, and print its text")
    return parser.parse_args()


if __name__ == "__main__":
    main()
