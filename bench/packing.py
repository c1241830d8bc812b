"""Our way of embedding against sentence-transformers' own, in one run.

    python bench/packing.py [--runs 60]

Loads the embedding model twice, once as it is and once packed (ingest/index/packing.py), and
lets them take turns on the same texts, in each precision: a question of 16 tokens on one thread,
such questions from two threads at once, and eight passages of 170 tokens on all. One is asked by
`SentenceTransformer.encode`, the other by ingest/index/encoding.py. Prints medians in
milliseconds, how many times faster ours is, and how far their vectors are apart.

Then our way embeds sixteen such batches with each shared by all cores, as torch does it, and with
a core for each (ingest/index/cores.py): on an idle machine, and beside a process that computes.
"""

import argparse
import copy
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from sentence_transformers import SentenceTransformer

from bench.common import forget_settings, model_folder, print_machine
from ingest.index.cores import Cores
from ingest.index.encoding import encode
from ingest.index.packing import pack

Encode = Callable[[list[str]], Any]

QUESTION = "What did the committee decide about the funding of the harbour in 1934?"
PASSAGES = [QUESTION * 12] * 8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    runs = parser.parse_args().runs
    forget_settings()
    print_machine("torch", "sentence-transformers")
    for precision in (torch.bfloat16, torch.float32):
        plain = SentenceTransformer(
            model_folder(), local_files_only=True, model_kwargs={"dtype": precision}
        )
        packed = copy.deepcopy(plain)
        pack(packed)
        packed.eval()
        theirs = partial(plain.encode, normalize_embeddings=True, show_progress_bar=False)
        ours = partial(encode, packed, task="query")
        torch.set_num_threads(1)
        _compare(f"{precision}, a question", theirs, ours, [QUESTION], runs=runs)
        _compare(f"{precision}, two at once, each", theirs, ours, [QUESTION], runs=runs, threads=2)
        torch.set_num_threads(os.cpu_count() or 1)
        _compare(f"{precision}, 8 passages", theirs, ours, PASSAGES, runs=runs)
        _compare_sharing(f"{precision}, 16 times 8 passages", ours, runs=max(1, runs // 10))
        with _busy_process():
            name = f"{precision}, the same beside a busy process"
            _compare_sharing(name, ours, runs=max(1, runs // 10))


def _compare_sharing(name: str, ours: Encode, *, runs: int) -> None:
    count = os.cpu_count() or 1
    cores, batches = Cores(count), [PASSAGES] * 16

    def with_all(texts: list[str]) -> None:
        torch.set_num_threads(count)
        ours(texts)

    def with_one(texts: list[str]) -> None:
        torch.set_num_threads(1)
        ours(texts)

    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        started = time.perf_counter()
        for batch in batches:
            with_all(batch)
        taken[0].append(time.perf_counter() - started)
        started = time.perf_counter()
        cores.each(with_one, batches)
        taken[1].append(time.perf_counter() - started)
    one, other = (median(seconds) * 1000 for seconds in taken)
    print(
        f"{name}: all cores on each {one:.0f} ms, a core for each {other:.0f} ms, "
        f"{one / other:.2f} times faster"
    )


@contextmanager
def _busy_process() -> Iterator[None]:
    process = multiprocessing.get_context("spawn").Process(target=_compute, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def _compute() -> None:
    while True:
        pass


def _compare(
    name: str, theirs: Encode, ours: Encode, texts: list[str], *, runs: int, threads: int = 1
) -> None:
    apart = abs(theirs(texts) - ours(texts)).max()
    taken: tuple[list[float], list[float]] = ([], [])
    # Each thread has its own number of torch's threads.
    here = torch.get_num_threads()
    with ThreadPoolExecutor(threads, initializer=lambda: torch.set_num_threads(here)) as pool:
        for _ in range(runs):
            for call, seconds in zip((theirs, ours), taken, strict=True):
                started = time.perf_counter()
                list(pool.map(call, [texts] * threads))
                seconds.append((time.perf_counter() - started) / threads)
    one, other = (median(seconds) * 1000 for seconds in taken)
    print(
        f"{name}: theirs {one:.2f} ms, ours {other:.2f} ms, {one / other:.2f} times faster; "
        f"vectors at most {apart:.1e} apart"
    )


if __name__ == "__main__":
    main()
