"""Commands run in the process of a test."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import ingest.index.index
from ingest.index.embedding import Embedder


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        printed: dict[str, Any] = json.loads(self.out)
        return printed

    @property
    def documents(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = self.json["documents"]
        return listed

    @property
    def states(self) -> dict[str, str]:
        return {document["name"]: document["state"] for document in self.documents}


Cli = Callable[..., Ran]


def command_line(
    program: str,
    main: Callable[[], None],
    embedder: Embedder,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Cli:
    """Return a function that runs a program with arguments, on a model that is loaded already."""
    monkeypatch.setattr(ingest.index.index, "Embedder", lambda *_: embedder)

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", [program, *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err
        return Ran(int(ended.value.code or 0), out, err)

    return run
