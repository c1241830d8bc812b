"""Another `umap` in the place of the real one, for what happens around it."""

import os
import sys
from pathlib import Path

import pytest

_UMAP = """
import time

class UMAP:
    def __init__(self, **options):
        assert options["n_neighbors"] == 15

    def fit_transform(self, vectors):
        {body}
        return vectors[:, :2]
"""


def install_umap(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str = "pass") -> None:
    """Install one for this process and those it starts; it does `body` before it answers."""
    folder.mkdir(exist_ok=True)
    (folder / "umap.py").write_text(_UMAP.format(body=body))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *sys.path]))
