"""Keyword vectors: BM25 term weights, one encoder for every store.

The token ids are those of Qdrant's own BM25, so an index can move between Edge and a
server. The store multiplies in the inverse document frequency (its IDF modifier).
"""

from dataclasses import dataclass
from functools import cache
from unicodedata import normalize

from qdrant_edge import Bm25, Bm25Config

AVERAGE_LENGTH = 75.0
"""BM25's `avgdl`, in terms without stop words. Chunks of 128 tokens have about 48; the larger
number takes less from long chunks, all of which are cut to one size (docs/retrieval.md)."""


@dataclass(frozen=True, slots=True)
class Keywords:
    """A sparse vector: parallel lists of token ids (unique) and weights."""

    indices: list[int]
    values: list[float]


@cache
def _encoder() -> Bm25:
    # ASCII folding lets "Zürich" and "Zurich" meet; b and k are BM25's usual 0.75 and 1.2.
    return Bm25(Bm25Config(avg_len=AVERAGE_LENGTH, language="english", ascii_folding=True))


def passage_keywords(text: str) -> Keywords:
    """Return the weights of a passage's terms (saturated term frequency, length-normalised)."""
    vector = _encoder().embed_document(normalize("NFC", text))
    return Keywords(vector.indices, vector.values)


def question_keywords(text: str) -> Keywords:
    """Return a question's terms, each with weight 1."""
    vector = _encoder().embed_query(normalize("NFC", text))
    return Keywords(vector.indices, vector.values)
