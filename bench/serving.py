"""The page on the example documents, in a process of its own, for benchmarks."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench.common import ROOT


@contextmanager
def serving(ollama: str, **settings: str) -> Iterator[str]:
    """Run the page on the examples and yield its address once everything is indexed.

    Args:
        ollama: address of the server in Ollama's place.
        settings: more of the environment.
    """
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "FOOTNOTE_DATA_DIR": folder,
            "FOOTNOTE_PORT": str(port),
            "OLLAMA_HOST": ollama,
            **settings,
        }
        command = [sys.executable, "-m", "assistant", "serve", "--examples", "examples/documents"]
        with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
            try:
                wait_until_ready(url, environment)
                yield url
            finally:
                process.send_signal(signal.SIGINT)


def wait_until_ready(url: str, environment: dict[str, str]) -> None:
    """Return once the page answers and no example is queued or running."""
    listing = [sys.executable, "-m", "ingest", "status"]
    for _ in range(120):
        time.sleep(1)
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=2).close()
        except OSError:
            continue
        status = subprocess.run(
            listing, env=environment, capture_output=True, text=True, check=False
        )
        if status.stdout.startswith("0 queued, 0 running, 5 ready"):
            return
    raise SystemExit("The examples were not indexed within two minutes.")
