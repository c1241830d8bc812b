"""Starts: seconds until the page answers and the index is ready, and memory when idle.

    python bench/start.py [--runs 3]

Starts `assistant serve` in processes of its own, on free ports and temporary data folders:
once to warm the machine up, then --runs times on an empty folder, and once with the example
documents in a new folder, followed by a second start of that folder. Memory is the resident
set of the process and its children, 10 seconds after everything is ready and indexed.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from statistics import median

import psutil

# `ingest` is the package at the root, not the file beside this one.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.common import ROOT, demand, forget_settings, print_machine
from ingest.index.catalogue import Catalogue
from ingest.index.database import Database, sqlite_url
from ingest.index.tables import State, metadata

EXAMPLES = ROOT / "examples" / "documents"
IDLE = 10.0
PATIENCE = 120.0
"""Seconds until a start that gets nowhere is given up."""

MOST_SECONDS = 5.0
MOST_BYTES = 700e6


@dataclass
class Start:
    """One start of the program.

    Attributes:
        page: seconds until `/` answered.
        computed: processor seconds that the program took until then; on a machine that
            others use too, the rest of `page` is theirs.
        ready: seconds until `/healthz` said so.
        indexed: seconds until nothing was queued or running.
        resident, anonymous: bytes when idle; anonymous leaves out what files back.
        peak: the most bytes that were ever resident.
    """

    page: float = 0.0
    computed: float = 0.0
    ready: float = 0.0
    indexed: float = 0.0
    resident: int = 0
    anonymous: int = 0
    peak: int = 0


def main() -> None:
    """Start, measure, print."""
    arguments = _arguments()
    forget_settings()
    print_machine("gradio", "fastapi", "torch", "sentence-transformers", "qdrant-edge-py")
    print(f"imports torch: {_torch_imports()}\n")
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        root = Path(folder)
        _show("warm-up, empty folder", _start(root / "warm-up", idle=0.0))
        starts = []
        for number in range(1, arguments.runs + 1):
            starts.append(_start(root / f"empty-{number}", idle=0.0))
            _show(f"empty folder, run {number}", starts[-1])
        fresh = _start(root / "examples", idle=IDLE, examples=EXAMPLES)
        _show("new folder with the examples", fresh)
        again = _start(root / "examples", idle=IDLE)
        _show("second start of that folder", again)
    pages = [start.page for start in (*starts, fresh, again)]
    print()
    demand(
        f"page after {median(pages):.1f} s (median of {len(pages)}, best {min(pages):.1f}), "
        f"at most {MOST_SECONDS:.0f}",
        median(pages) <= MOST_SECONDS,
    )
    for words, start in (("after indexing", fresh), ("after a second start", again)):
        resident = start.resident
        demand(f"idle memory {words} {_size(resident)}, under 700 MB", resident < MOST_BYTES)


def _start(data_dir: Path, idle: float, examples: Path | None = None) -> Start:
    """Start the program, wait until it is at rest, measure, stop it."""
    measured = Start()
    with _running(data_dir, examples) as (process, url, started):
        _until(lambda: _get(url + "/") is not None, process)
        measured.page = time.perf_counter() - started
        times = process.cpu_times()
        measured.computed = times.user + times.system
        _until(lambda: _is_ready(url), process)
        measured.ready = time.perf_counter() - started
        with closing(Database(sqlite_url(data_dir), metadata)) as database:
            catalogue = Catalogue(database)
            _until(lambda: _at_rest(catalogue), process)
            measured.indexed = time.perf_counter() - started
            failed = catalogue.totals().get(State.FAILED, 0)
        if failed:
            raise SystemExit(f"{failed} documents failed")
        time.sleep(idle)
        for one in (process, *process.children(recursive=True)):
            memory = _memory(one.pid)
            measured.resident += memory["VmRSS"]
            measured.anonymous += memory["RssAnon"]
            measured.peak += memory["VmHWM"]
    return measured


@contextmanager
def _running(data_dir: Path, examples: Path | None) -> Iterator[tuple[psutil.Process, str, float]]:
    """Yield the process, its address, and when the command was given; then stop it."""
    port = _free_port()
    environment = os.environ | {"FOOTNOTE_DATA_DIR": str(data_dir), "FOOTNOTE_PORT": str(port)}
    command = [sys.executable, "-m", "assistant", "serve"]
    if examples is not None:
        command += ["--examples", str(examples)]
    data_dir.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    # In a folder without a `.env`.
    with subprocess.Popen(
        command, env=environment, cwd=data_dir, stdout=subprocess.DEVNULL
    ) as child:
        try:
            yield psutil.Process(child.pid), f"http://127.0.0.1:{port}", started
        finally:
            child.send_signal(signal.SIGINT)
            try:
                child.wait(timeout=30)
            except subprocess.TimeoutExpired:
                child.kill()


def _until(happened: Callable[[], bool], process: psutil.Process) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            raise SystemExit("the program ended; its words are above")
        if time.monotonic() > deadline:
            raise SystemExit(f"nothing happened for {PATIENCE:.0f} s")
        time.sleep(0.02)


def _get(url: str) -> bytes | None:
    """Return the body of a page that is there, else None."""
    with (
        suppress(OSError, HTTPException),
        urllib.request.urlopen(url, timeout=PATIENCE) as response,
    ):
        return bytes(response.read()) if response.status == 200 else None
    return None


def _is_ready(url: str) -> bool:
    body = _get(url + "/healthz")
    return body is not None and bool(json.loads(body)["ready"])


def _at_rest(catalogue: Catalogue) -> bool:
    totals = catalogue.totals()
    return not totals.get(State.QUEUED, 0) and not totals.get(State.RUNNING, 0)


def _memory(pid: int) -> dict[str, int]:
    """Return the bytes that /proc/PID/status tells: VmRSS, VmHWM, RssAnon and others."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    return {
        name: int(value.split()[0]) * 1024
        for name, value in fields.items()
        if value.endswith(" kB")
    }


def _torch_imports() -> str:
    """Return, for both modules that every command imports, whether they import torch."""
    found = []
    for module in ("assistant", "assistant.__main__"):
        code = f"import sys, {module}; print('torch' in sys.modules)"
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
        )
        answer = "yes" if done.stdout.strip() == "True" else "no"
        found.append(f"{module} {answer} ({time.perf_counter() - started:.2f} s)")
    return ", ".join(found)


def _show(words: str, start: Start) -> None:
    times = (
        f"page {start.page:5.2f} s (processor {start.computed:.2f} s), "
        f"ready {start.ready:5.2f} s, at rest {start.indexed:5.2f} s"
    )
    sizes = (
        f"resident {_size(start.resident)}, of it anonymous {_size(start.anonymous)}, "
        f"peak {_size(start.peak)}"
    )
    print(f"{words:30} {times}; {sizes}", flush=True)


def _size(count: int) -> str:
    return f"{count / 1e6:.0f} MB ({count / 2**20:.0f} MiB)"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=3, help="starts of an empty folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
