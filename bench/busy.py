"""Searches while documents are taken in, against searches while nothing else happens.

    python bench/busy.py FILE...  [--seconds 20] [--pause 0.1]

Without files it measures on the texts of examples/documents. As in `assistant serve`, one
process does both: a worker on a thread of its own, and searches, one every --pause seconds.
First nothing is taken in, then copies of the files are, for as long as the searches last;
then nothing again. Half of the files are taken in before, so that there is something to find.
Questions are the first words of sentences of the files.
"""

import argparse
import itertools
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path

# `ingest` is the package at the root, not in this folder.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assistant.retrieval import Retriever
from bench.common import ROOT, demand, forget_settings, percentile, print_machine, spread, stopwatch
from ingest.index.index import Index
from ingest.index.priority import step_back
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.worker import Worker

COLLECTION = "bench"
K = 5


def main() -> None:
    """Measure, print, compare."""
    arguments = _arguments()
    forget_settings()
    files = arguments.files or sorted((ROOT / "examples" / "documents").glob("*.md"))
    print_machine("torch", "sentence-transformers", "qdrant-edge-py")
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IngestSettings(data_dir=Path(folder))
        with closing(Index(settings)) as index:
            _measure(index, settings, files, arguments.seconds, arguments.pause)


def _measure(
    index: Index, settings: IngestSettings, files: Sequence[Path], seconds: float, pause: float
) -> None:
    index.own("bench")
    texts = [path.read_text(encoding="utf-8") for path in files]
    worker = Worker(index, Pipeline(index, settings))
    _add(index, texts, "first")
    worker.drain()
    questions = itertools.cycle(_questions(texts))
    retriever = Retriever(index)
    _search(retriever, questions, 2.0, 0.0)  # warm

    print(f"{'milliseconds a search':32}   median       p95")
    idle = _search(retriever, questions, seconds, pause)
    print(f"{'idle':32}{spread(idle)}")
    stop = threading.Event()
    adder = threading.Thread(target=_keep_adding, args=(index, texts, stop))
    work = threading.Thread(target=_work, args=(worker, stop))
    before = worker.written
    adder.start()
    work.start()
    while worker.written == before:
        time.sleep(0.1)
    before = worker.written
    with stopwatch() as watch:
        busy = _search(retriever, questions, seconds, pause)
    written = worker.written - before
    stop.set()
    adder.join()
    work.join()
    print(f"{'while documents are taken in':32}{spread(busy)}")
    again = _search(retriever, questions, seconds, pause)
    print(f"{'idle again':32}{spread(again)}")
    print(f"{len(busy)} searches; {written / watch.seconds:.0f} chunks a second were written")
    ratio = percentile(busy, 0.95) / percentile([*idle, *again], 0.95)
    demand(f"busy / idle = {ratio:.2f} at the 95th percentile, at most 3", ratio <= 3)


def _work(worker: Worker, stop: threading.Event) -> None:
    step_back()  # as in `assistant serve`
    worker.run(stop)


def _search(
    retriever: Retriever, questions: Iterator[str], seconds: float, pause: float
) -> list[float]:
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        found = retriever.search(next(questions), K)
        times.append(time.perf_counter() - started)
        assert found
        time.sleep(pause)
    return times


def _keep_adding(index: Index, texts: Sequence[str], stop: threading.Event) -> None:
    """Keep a few documents waiting, each with a text of its own."""
    for number in itertools.count():
        while index.catalogue.unfinished() > len(texts) and not stop.is_set():
            time.sleep(0.2)
        if stop.is_set():
            return
        _add(index, texts, f"copy {number}")


def _add(index: Index, texts: Sequence[str], mark: str) -> None:
    for number, text in enumerate(texts):
        marked = re.sub(r"(?m)^(?=\S)", f"{mark}: ", text)
        index.add_file(BytesIO(marked.encode()), f"{mark}-{number}.md", COLLECTION)


def _questions(texts: Sequence[str]) -> list[str]:
    sentences = [s for text in texts for s in re.split(r"(?<=[.!?])\s+", text)]
    return [" ".join(s.split()[:12]) for s in sentences if len(s.split()) >= 6] or ["What is it?"]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="Markdown or text")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each of the three")
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between searches")
    return parser.parse_args()


if __name__ == "__main__":
    main()
