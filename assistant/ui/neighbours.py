"""Maps by neighbours (UMAP, of the extra `umap`): drawn in the background, kept on disk."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.ui.neighbours_child import NEIGHBOURS
from assistant.ui.projection import Projection
from ingest.index.errors import FootnoteError, InputError
from ingest.index.index import Index

KEPT = 8
"""Maps kept on disk; the largest takes 400 kB."""

LONGEST_SECONDS = 3600.0
"""Time after which a map is given up."""

_BATCH = 256


@dataclass
class _Drawing:
    """A map on its way; `failure` is why it will not come."""

    began: float
    failure: str | None = None


class Neighbours:
    """Draws maps by neighbours, one at a time, in a thread and a process of its own.

    Args:
        folder: where maps are kept; made when there is one.
    """

    def __init__(self, index: Index, folder: Path) -> None:
        self._index = index
        self._folder = folder
        self._drawings: dict[str, _Drawing] = {}
        self._one_at_a_time = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = threading.Event()

    def offered(self, drawn: Projection) -> bool:
        """Whether the extra is installed, and there are points enough to have neighbours."""
        installed = importlib.util.find_spec("umap") is not None
        return installed and len(drawn.chunk_ids) > NEIGHBOURS

    def places(self, drawn: Projection) -> npt.NDArray[np.int16] | float:
        """Return int16 places, shape (points, 2), or for how many seconds they are being drawn.

        Args:
            drawn: the same points by principal components.

        Raises:
            InputError: the map cannot be drawn.
        """
        if not self.offered(drawn):
            raise InputError(
                "There is no map by neighbours here.",
                "Install it with `pip install 'footnote-assistant[umap]'`, and start again.",
            )
        key = _key(drawn)
        file = self._folder / f"{key}.npy"
        drawing = self._drawings.get(key)
        if drawing is None and file.exists():
            # So the oldest on disk is the one that was looked at longest ago.
            os.utime(file)
            kept: npt.NDArray[np.int16] = np.load(file)
            return kept
        if drawing is None:
            drawing = self._drawings[key] = _Drawing(time.monotonic())
            threading.Thread(
                target=self._draw, args=(key, drawn, drawing), name="map", daemon=True
            ).start()
        if drawing.failure is not None:
            del self._drawings[key]
            raise InputError(f"The map by neighbours failed: {drawing.failure}.", "Try again.")
        return time.monotonic() - drawing.began

    def close(self) -> None:
        """Give up the map that is being drawn."""
        self._closed.set()
        if (child := self._child) is not None:
            child.kill()

    def _draw(self, key: str, drawn: Projection, drawing: _Drawing) -> None:
        failure: str | None = "an error in the program, which its log tells"
        with self._one_at_a_time:
            try:
                failure = self._drawn(key, drawn)
            except OSError as error:
                failure = f"its file cannot be written ({error.strerror})"
            except FootnoteError as error:
                failure = error.what.rstrip(".")
            finally:
                if failure is None:
                    del self._drawings[key]
                drawing.failure = failure

    def _drawn(self, key: str, drawn: Projection) -> str | None:
        """Write one map to its file; return why it failed, None where it did not."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            source, target = Path(folder, "vectors.npy"), Path(folder, "places.npy")
            vectors = self._vectors(drawn)
            if vectors is None:
                return "the documents changed meanwhile"
            np.save(source, vectors)
            del vectors
            program = [sys.executable, "-m", "assistant.ui.neighbours_child"]
            if self._closed.is_set():
                return "the program ends"
            # One thread for the libraries below as well: searches have the others.
            environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            with subprocess.Popen(
                [*program, str(source), str(target)],
                env=environment,
                stdin=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            ) as child:
                self._child = child
                try:
                    _, said = child.communicate(timeout=LONGEST_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                    return "it took longer than an hour"
                finally:
                    self._child = None
            if child.returncode:
                lines = said.decode(errors="replace").split("\n")
                return next((line for line in reversed(lines) if line.strip()), "it was killed")
            target.replace(self._folder / f"{key}.npy")
        by_age = sorted(self._folder.glob("*.npy"), key=lambda file: file.stat().st_mtime)
        for old in by_age[:-KEPT]:
            old.unlink(missing_ok=True)
        return None

    def _vectors(self, drawn: Projection) -> npt.NDArray[np.float16] | None:
        """Return the points' vectors in small batches, so that searches come in between."""
        blocks = []
        with self._index.in_use() as generation:
            for first in range(0, len(drawn.chunk_ids), _BATCH):
                ids = drawn.chunk_ids[first : first + _BATCH]
                found = generation.store.vectors(ids)
                if len(found) < len(ids) or self._closed.is_set():
                    return None
                blocks.append(np.stack([found[one] for one in ids]).astype(np.float16))
        return np.concatenate(blocks)


def _key(drawn: Projection) -> str:
    """Return a name for the points and what made their vectors; no two maps share it."""
    digest = hashlib.sha256(repr(drawn.embedder.fingerprint).encode())
    for chunk_id in drawn.chunk_ids:
        digest.update(chunk_id.encode())
    return digest.hexdigest()[:32]
