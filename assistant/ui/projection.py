"""Passages in two dimensions: the principal components of their vectors.

Principal component analysis by the eigenvectors of the covariance (Pearson 1901; Hotelling
1933). It is exact, needs no parameters, and takes a question to the same picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ingest.index.embedding import Embedder, Vectors
from ingest.index.errors import InputError
from ingest.index.generation import Generation
from ingest.index.index import Index
from ingest.index.tables import Record

MOST_POINTS = 100_000

_BLOCK = 4096
"""Vectors that are computed with together."""

_FULL = 32767
"""The picture's edge: places are 16-bit integers."""


@dataclass(frozen=True, slots=True)
class Part:
    """A document's points: `count` of them from `first` on."""

    id: str
    name: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Projection:
    """A picture of passages.

    Attributes:
        chunk_ids: of the points, in order.
        places: int16 array of shape (points, 2).
        mean: of the vectors, shape (dimension,).
        axes: the two first principal components, shape (dimension, 2), scaled to the picture.
        embedder: made the vectors, and makes a question's.
    """

    parts: tuple[Part, ...]
    chunk_ids: tuple[str, ...]
    places: npt.NDArray[np.int16]
    mean: npt.NDArray[np.float32]
    axes: npt.NDArray[np.float32]
    embedder: Embedder

    def place(self, vector: npt.NDArray[np.float32]) -> tuple[int, int]:
        """Return where another vector, a question's, stands in the picture."""
        x, y = np.clip((vector - self.mean) @ self.axes, -_FULL, _FULL).astype(int).tolist()
        return x, y


def project(index: Index, collection: str | None) -> Projection:
    """Draw the searchable passages of a collection, or of all.

    Raises:
        InputError: there are more than a picture holds.
    """
    records = [
        record for record in index.catalogue.documents(collection) if record.version is not None
    ]
    if sum(record.chunks for record in records) > MOST_POINTS:
        raise InputError(
            f"The map holds {MOST_POINTS:,} passages at most.", "Choose one collection on the left."
        )
    with index.in_use() as generation:
        return _drawn(generation, records)


def _drawn(generation: Generation, records: Sequence[Record]) -> Projection:
    parts: list[Part] = []
    chunk_ids: list[str] = []
    blocks: list[npt.NDArray[np.float16]] = []
    waiting: list[Vectors] = []
    for record in records:
        first = len(chunk_ids)
        for chunk_id, vector in generation.store.vectors_of(record.id, record.version or ""):
            chunk_ids.append(chunk_id)
            waiting.append(vector)
            if len(waiting) == _BLOCK:
                blocks.append(_block(waiting))
                waiting.clear()
        parts.append(Part(record.id, record.name, first, len(chunk_ids) - first))
    if waiting:
        blocks.append(_block(waiting))
    mean, axes = _principal(blocks)
    places = [(block.astype(np.float32) - mean) @ axes for block in blocks]
    joined = np.concatenate(places) if places else np.zeros((0, 2), np.float32)
    scale = _FULL / max(float(np.abs(joined).max(initial=0.0)), 1e-9)
    return Projection(
        tuple(parts),
        tuple(chunk_ids),
        (joined * scale).astype(np.int16),
        mean,
        (axes * scale).astype(np.float32),
        generation.embedder,
    )


def _block(vectors: Sequence[Vectors]) -> npt.NDArray[np.float16]:
    # Half precision halves the memory of the largest maps, and no eye sees it.
    return np.stack(vectors).astype(np.float16)


def _principal(
    blocks: Sequence[npt.NDArray[np.float16]],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the mean and the two components along which the vectors differ most."""
    count = sum(map(len, blocks))
    if not count:
        return np.zeros(1, np.float32), np.zeros((1, 2), np.float32)
    dimension = blocks[0].shape[1]
    mean = (sum(block.sum(0, dtype=np.float64) for block in blocks) / count).astype(np.float32)
    covariance = np.zeros((dimension, dimension), np.float64)
    for block in blocks:
        centred = block.astype(np.float32) - mean
        covariance += centred.T @ centred
    _, vectors = np.linalg.eigh(covariance)
    axes = vectors[:, [-1, -2]] if dimension > 1 else np.repeat(vectors, 2, axis=1)
    # An eigenvector's sign is arbitrary; with one rule the same documents look the same.
    axes = axes * np.sign(axes[np.abs(axes).argmax(0), [0, 1]])
    return mean, axes.astype(np.float32)
