"""`assistant pull`: a model is got, and what hinders it is said."""

import os
import signal
import subprocess
import sys

import pytest
from commands import Cli, command_line
from fake_ollama import FakeOllama
from serving import until

from assistant.__main__ import main
from ingest.index.embedding import Embedder


@pytest.fixture
def cli(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Cli:
    """Return a function that runs `assistant` with arguments, in this process."""
    return command_line("assistant", main, embedder, monkeypatch, capfd)


def test_a_model_is_pulled(cli: Cli, ollama: FakeOllama) -> None:
    ran = cli("pull", "qwen3:4b")
    assert (ran.code, ran.out) == (0, "qwen3:4b is ready.\n")
    assert "qwen3:4b" in ollama.models


def test_a_model_that_no_library_has_is_named(cli: Cli, ollama: FakeOllama) -> None:
    ran = cli("pull", "qwen99")
    assert (ran.code, ran.out) == (1, "")
    assert "Ollama's library has no model called qwen99. Look its name up at" in ran.err


def test_without_ollama_the_command_says_how_to_start_it(cli: Cli, no_ollama: int) -> None:
    ran = cli("pull", "qwen3:4b")
    assert ran.code == 1
    assert "Ollama is not running. Start it with `ollama serve`, then try again." in ran.err


def test_ctrl_c_stops_the_download_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeOllama(delay=30) as ollama:
        command = [sys.executable, "-m", "assistant", "pull", "qwen3:4b"]
        process = subprocess.Popen(
            command,
            env={**os.environ, "OLLAMA_HOST": ollama.address},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: "POST /api/pull" in ollama.calls)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
        assert (process.returncode, out) == (130, "")
        assert "Stopped. The same command goes on where it was." in err
        assert "Traceback" not in err
        assert "qwen3:4b" not in ollama.models
