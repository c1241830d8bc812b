"""Questions that wait together are embedded together.

A model's weights are read from memory once for a batch, so each of eight short questions takes
half the time that it takes alone. Nobody waits for a batch to fill: whoever's turn it is embeds
its core's share of those that wait by then, and one who asks alone is embedded alone.
"""

import math
import os
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

from ingest.index.embedding import Embedder, Vectors

MOST = 8
"""Questions in a batch; sixteen took no less time each."""

SHORT = 200
"""Characters of a question that is embedded with others: each takes the time of the longest."""


_Awaited = tuple[str, Future[Vectors]]
"""A question of a batch, and where its vector is awaited."""


@dataclass(eq=False, slots=True)
class Asked:
    """A question and, once it is being embedded, its vector.

    Attributes:
        embedder: which embeds it.
        vector: of unit length and shape (dimension,).
    """

    text: str
    embedder: Embedder | None = None
    vector: Future[Vectors] | None = None


class Gathering:
    """The questions that wait; calls from several threads are safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting = dict[Asked, None]()

    def join(self, question: str) -> Asked:
        """Have a question wait for its turn."""
        asked = Asked(question)
        if len(question) <= SHORT:
            with self._lock:
                self._waiting[asked] = None
        return asked

    def leave(self, asked: Asked) -> None:
        """Have a question wait no more, whether it was embedded or not."""
        with self._lock:
            self._waiting.pop(asked, None)

    def vector(self, asked: Asked, embedder: Embedder) -> Vectors:
        """Return the unit vector of a question whose turn it is, of shape (dimension,).

        It may be there already, or be on its way in another thread. Where it is not, those that
        wait are embedded with it.
        """
        batch = list[_Awaited]()
        with self._lock:
            vector = asked.vector
            if vector is None or asked.embedder is not embedder:
                for one in self._batch(asked):
                    one.embedder, one.vector = embedder, Future()
                    batch.append((one.text, one.vector))
                # The batch begins with the one whose turn it is.
                vector = batch[0][1]
        if batch:
            _embed(batch, embedder)
        # What is on its way in another thread has had its turn and waits for nothing.
        return vector.result()

    def _batch(self, asked: Asked) -> list[Asked]:
        if asked not in self._waiting:
            return [asked]
        share = math.ceil(len(self._waiting) / (os.cpu_count() or 1))
        del self._waiting[asked]
        batch = [asked, *islice(self._waiting, min(share, MOST) - 1)]
        for one in batch[1:]:
            del self._waiting[one]
        return batch


def _embed(batch: list[_Awaited], embedder: Embedder) -> None:
    """Embed a batch; whoever looks for one of its vectors finds that, or why there is none."""
    try:
        vectors = embedder.embed_questions([text for text, _ in batch])
    except BaseException as error:  # noqa: BLE001  each of them raises it
        for _, future in batch:
            future.set_exception(error)
    else:
        for (_, future), vector in zip(batch, vectors, strict=True):
            future.set_result(vector)
