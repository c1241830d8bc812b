"""Packed linear layers against torch's own, in one run.

    python bench/packing.py [--runs 60]

Loads the embedding model twice, once as it is and once packed (ingest/index/packing.py), and
lets them take turns on the same texts, in each precision: a question of 16 tokens on one thread,
and eight passages of 170 tokens on all. Prints medians in milliseconds, how many times faster the
packed model is, and how far their vectors are apart.
"""

import argparse
import copy
import os
import sys
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch
from sentence_transformers import SentenceTransformer

from bench.common import forget_settings, model_folder, print_machine
from ingest.index.packing import pack

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
        models = (plain, packed)
        torch.set_num_threads(1)
        _compare(f"{precision}, a question", models, [QUESTION], runs)
        torch.set_num_threads(os.cpu_count() or 1)
        _compare(f"{precision}, 8 passages", models, PASSAGES, runs)


def _compare(
    name: str, models: tuple[SentenceTransformer, SentenceTransformer], texts: list[str], runs: int
) -> None:
    plain, packed = models
    apart = abs(plain.encode(texts) - packed.encode(texts)).max()
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(runs):
        for model, seconds in zip(models, taken, strict=True):
            started = time.perf_counter()
            model.encode(texts, show_progress_bar=False)
            seconds.append(time.perf_counter() - started)
    one, other = (median(seconds) * 1000 for seconds in taken)
    print(
        f"{name}: torch {one:.2f} ms, packed {other:.2f} ms, {one / other:.2f} times faster; "
        f"vectors at most {apart:.1e} apart"
    )


if __name__ == "__main__":
    main()
