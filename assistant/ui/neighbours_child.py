"""Places passages by their neighbours: `python -m assistant.ui.neighbours_child IN OUT`.

UMAP (McInnes, Healy and Melville 2018, arXiv:1802.03426) takes minutes for the largest maps
and compiles itself at each start, so it has a process of its own that gives way to every other.

IN is a NumPy file of vectors, shape (points, dimension); OUT becomes one of int16 places in
the picture, shape (points, 2).
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

NEIGHBOURS = 15
"""UMAP's usual number: enough for groups, few enough for what is particular in them."""

_FULL = 32767
_NICE = 15


def main() -> None:
    """Read the vectors, place them, and write the places, all or nothing."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
    source, target = map(Path, sys.argv[1:])
    places = scaled(embedded(np.load(source).astype(np.float32)))
    unfinished = target.with_suffix(".part.npy")
    np.save(unfinished, places)
    unfinished.replace(target)


def embedded(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return UMAP's places of vectors, the same ones on every run."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    with warnings.catch_warnings():
        # It says that there is no TensorFlow, and that a seed means one thread: both are meant.
        warnings.simplefilter("ignore")
        import umap

        # Of unit vectors, Euclidean neighbours are those by cosine, and found sooner.
        # Starting from the principal components keeps the two maps recognisable.
        placer = umap.UMAP(
            n_neighbors=NEIGHBOURS, init="pca", metric="euclidean", random_state=0, n_jobs=1
        )
        found: npt.NDArray[np.float32] = placer.fit_transform(vectors / np.maximum(norms, 1e-9))
    return found


def scaled(places: npt.NDArray[np.float32]) -> npt.NDArray[np.int16]:
    """Return places that fill the picture, its middle in the middle of them."""
    low, high = places.min(0), places.max(0)
    reach = max(float((high - low).max()) / 2, 1e-9)
    filling: npt.NDArray[np.int16] = ((places - (low + high) / 2) * (_FULL / reach)).astype(
        np.int16
    )
    return filling


if __name__ == "__main__":
    main()
