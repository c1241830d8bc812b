"""Much text and many files: memory, time a megabyte, and what the catalogue takes a file.

    python bench/many.py [--megabytes 100] [--files 20000] [--layers 6]

Texts are the ones of examples/documents again and again, each sentence with a number of its
own. First --megabytes of them in files of one megabyte, then --files files of one sentence,
each part in a fresh data folder and process. It reports

- the most memory that the process and its reader had (resident set; both added up),
- the seconds a megabyte of the last tenth against the first tenth,
- the time that adding, claiming, reporting and finishing spent in the catalogue, a file.

With fewer --layers the embedding model is cut to its first ones. What is measured is all the
rest, at its full size and with vectors as long, in a fraction of the hours that embedding takes.
"""

import argparse
import itertools
import multiprocessing
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

# `ingest` is the package at the root, not in this folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.common import (
    ROOT,
    demand,
    forget_settings,
    model_folder,
    print_machine,
    stopwatch,
)
from ingest.index.database import Database
from ingest.index.index import Index
from ingest.index.tables import State
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

COLLECTION = "bench"
MEGABYTE = 1_000_000
LAYERS = 6
SAMPLE_SECONDS = 0.2

_Begin = Callable[..., AbstractContextManager[sa.Connection]]
"""A method of a database that begins a transaction."""


def main() -> None:
    """Measure both, each in a process of its own."""
    arguments = _arguments()
    forget_settings()
    print_machine("torch", "sentence-transformers", "qdrant-edge-py", "sqlalchemy")
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        if arguments.layers < LAYERS:
            print(f"the model is cut to {arguments.layers} of its {LAYERS} layers")
            # The processes below read it from their environment.
            os.environ["FOOTNOTE_EMBEDDING_MODEL"] = _cut(arguments.layers, folder)
        for part, count in ((_much, arguments.megabytes), (_many, arguments.files)):
            if count:
                process = context.Process(target=part, args=(count,))
                process.start()
                process.join()


def _cut(layers: int, folder: str) -> str:
    """Save the default model with its first layers only, and return where."""
    from sentence_transformers import SentenceTransformer

    model: Any = SentenceTransformer(model_folder())
    encoder = model[0].auto_model.encoder
    encoder.layer = encoder.layer[:layers]
    model[0].auto_model.config.num_hidden_layers = layers
    model.save(folder)
    return folder


def _much(megabytes: int) -> None:
    sentences = _sentences()
    with _opened() as (index, settings), _memory() as peak:
        for number in range(megabytes):
            text = "\n\n".join(_taken(sentences, MEGABYTE))
            index.add_file(BytesIO(text.encode()), f"{number:05}.txt", COLLECTION)
        ended: list[float] = []
        worker = Worker(index, Pipeline(index, settings))
        done = threading.Thread(target=_note_ends, args=(index, megabytes, ended))
        with stopwatch() as watch:
            started = time.perf_counter()
            done.start()
            worker.drain()
            done.join()
    speed = worker.written / watch.seconds
    print(f"\n{megabytes} MB in files of 1 MB: {watch}, {speed:.0f} chunks a second")
    tenth = max(1, megabytes // 10)
    first = (ended[tenth - 1] - started) / tenth
    last = (ended[-1] - ended[-tenth - 1]) / tenth
    print(f"seconds a megabyte: first tenth {first:.2f}, last tenth {last:.2f}")
    demand(f"last / first = {last / first:.2f}, at most 1.2", last / first <= 1.2)
    demand(f"most memory {peak[0]:.0f} MB, under 1,200", peak[0] < 1200)


def _many(files: int) -> None:
    sentences = _sentences()
    with _opened() as (index, settings), _memory() as peak:
        spent = _timed_database(index.database)
        with stopwatch() as adding:
            for number in range(files):
                text = next(sentences)
                index.add_file(BytesIO(text.encode()), f"{number:06}.txt", COLLECTION)
        added = spent[0]
        worker = Worker(index, Pipeline(index, settings))
        with stopwatch() as working:
            worker.drain()
        ready = index.catalogue.totals()[State.READY]
    assert ready == files, ready
    print(f"\n{files} files: added in {adding}, indexed in {working}")
    milliseconds = spent[0] / files * 1000
    print(
        f"a file in the catalogue: added {added / files * 1000:.2f} ms, in all {milliseconds:.2f}"
    )
    print(f"most memory {peak[0]:.0f} MB")
    demand(f"the catalogue takes {milliseconds:.2f} ms a file, under 2", milliseconds < 2)


@contextmanager
def _opened() -> Iterator[tuple[Index, IngestSettings]]:
    """Yield an index of its own, its model loaded and its store open."""
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IngestSettings(data_dir=Path(folder))
        with closing(Index(settings)) as index:
            index.own("bench")
            index.embedder.load()
            _ = index.store
            yield index, settings


@contextmanager
def _memory() -> Iterator[list[float]]:
    """Yield a list whose one number is the most megabytes of this process and its children."""
    peak = [0.0]
    stop = threading.Event()
    this = psutil.Process()

    def sample() -> None:
        while not stop.wait(SAMPLE_SECONDS):
            total = 0
            for process in (this, *this.children(recursive=True)):
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            peak[0] = max(peak[0], total / (1 << 20))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _note_ends(index: Index, count: int, ended: list[float]) -> None:
    """Note the time at which each document is ready, to a tenth of a second."""
    while len(ended) < count:
        ready = index.catalogue.totals().get(State.READY, 0)
        ended += [time.perf_counter()] * (ready - len(ended))
        time.sleep(0.1)


def _timed_database(database: Database) -> list[float]:
    """Have the seconds in transactions of this database added to the number that is returned."""
    spent = [0.0]
    lock = threading.Lock()

    def timed(begin: _Begin) -> _Begin:
        @contextmanager
        def wrapped(*arguments: bool, **named: bool) -> Iterator[sa.Connection]:
            started = time.perf_counter()
            try:
                with begin(*arguments, **named) as connection:
                    yield connection
            finally:
                with lock:
                    spent[0] += time.perf_counter() - started

        return wrapped

    # Every part of the program has this very object, so its methods are what can be timed.
    database.read = timed(database.read)  # type: ignore[method-assign, assignment]  # same signature
    database.write = timed(database.write)  # type: ignore[method-assign, assignment]  # same signature
    return spent


def _sentences() -> Iterator[str]:
    """Yield the sentences of the examples without end, none of them twice."""
    paths = sorted((ROOT / "examples" / "documents").glob("*.md"))
    text = "\n".join(path.read_text(encoding="utf-8") for path in paths)
    found = [line.strip() for line in re.split(r"(?<=[.!?])\s+|\n", text) if len(line) > 40]
    for number, sentence in enumerate(itertools.cycle(found)):
        yield f"{number}. {sentence}"


def _taken(sentences: Iterator[str], size: int) -> Iterator[str]:
    """Yield paragraphs of five sentences, together of about `size` bytes."""
    left = size
    while left > 0:
        paragraph = " ".join(itertools.islice(sentences, 5))
        left -= len(paragraph.encode()) + 2
        yield paragraph


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=100, help="0: leave it out")
    parser.add_argument("--layers", type=int, default=LAYERS, choices=range(1, LAYERS + 1))
    parser.add_argument("--files", type=int, default=20_000, help="0: leave it out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
