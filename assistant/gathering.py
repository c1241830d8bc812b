"""Questions that wait together are embedded together.

A model's weights are read from memory once for a batch, so each of eight short questions takes
half the time that it takes alone. Nobody waits for a batch to fill: whoever's turn it is embeds
for those that wait by then, and one who asks alone is embedded alone.
"""

import threading
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice

from ingest.index.embedding import Embedder, Vectors

MOST = 8
"""Questions in a batch; sixteen took no less time each."""

SHORT = 200
"""Characters of a question that is embedded with others: each takes the time of the longest."""


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
        batch = list[Asked]()
        with self._lock:
            if asked.vector is None or asked.embedder is not embedder:
                batch = self._batch(asked)
                for one in batch:
                    one.embedder, one.vector = embedder, Future()
            vector = asked.vector
        assert vector is not None
        if batch:
            _embed(batch, embedder)
        return vector.result()

    def _batch(self, asked: Asked) -> list[Asked]:
        if asked not in self._waiting:
            return [asked]
        del self._waiting[asked]
        batch = [asked, *islice(self._waiting, MOST - 1)]
        for one in batch[1:]:
            del self._waiting[one]
        return batch


def _embed(batch: list[Asked], embedder: Embedder) -> None:
    """Embed a batch; whoever looks for one of its vectors finds that, or why there is none."""
    waited_for = [one.vector for one in batch if one.vector is not None]
    try:
        vectors = embedder.embed_questions([one.text for one in batch])
    except BaseException as error:  # noqa: BLE001  each of them raises it
        for future in waited_for:
            future.set_exception(error)
    else:
        for future, vector in zip(waited_for, vectors, strict=True):
            future.set_result(vector)
