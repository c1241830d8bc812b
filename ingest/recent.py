"""Vectors of the texts embedded last: what documents say again is embedded once.

Reports print a page twice, tables repeat their rows, letters end alike. Of 0.74 MB of financial
reports two fifths are such copies, all of them within 1,024 passages, a third of them within 512.
"""

from collections.abc import Callable, Mapping

from ingest.index.embedding import Embedder, Vectors

KEPT = 4096
"""Vectors remembered: 6 MB of them, with 384 dimensions."""


class RecentVectors:
    """Remembers the vectors of one embedder at a time; not for several threads."""

    def __init__(self) -> None:
        self._embedder: Embedder | None = None
        # The one used longest ago comes first.
        self._kept: dict[bytes, Vectors] = {}

    def of(
        self,
        texts: Mapping[bytes, str],
        embedder: Embedder,
        on_progress: Callable[[int], None],
    ) -> Mapping[bytes, Vectors]:
        """Return the vectors of texts, by the digests they are given with.

        Args:
            texts: each at most `embedder.max_tokens` long.
            on_progress: called now and then with the number of texts done, and at the end.
        """
        if embedder is not self._embedder:
            self._embedder = embedder
            self._kept.clear()
        found = {digest: self._kept.pop(digest) for digest in texts.keys() & self._kept.keys()}
        wanted = [digest for digest in texts if digest not in found]
        if not wanted:
            on_progress(len(found))
        else:
            vectors = embedder.embed_passages(
                [texts[digest] for digest in wanted],
                on_progress=lambda done: on_progress(len(found) + done),
            )
            # A row by itself, so that it does not keep the whole array in memory.
            found |= {digest: vector.copy() for digest, vector in zip(wanted, vectors, strict=True)}
        self._kept |= found
        for digest in list(self._kept)[:-KEPT]:
            del self._kept[digest]
        return found
