"""Made-up chunks for measuring searches; the same seed makes the same ones.

Vectors lie in clusters on the unit sphere, and the words of texts are as unevenly frequent as
Zipf's law has it. They lie in five collections of documents of 200 chunks.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, product

import numpy as np

from ingest.chunking import with_others
from ingest.index.documents import Chunk, document_id
from ingest.index.embedding import Vectors
from ingest.index.keywords import Keywords, passage_keywords, question_keywords
from ingest.index.store import Entry

DIMENSION = 384
CLUSTERS = 500
NOISE = 0.7
"""Length of what sets a vector apart from its cluster's centre, which has length 1."""

VOCABULARY = 30_000
WORDS = (50, 100)
"""Fewest and most words in a chunk."""

DOCUMENT = 200
"""Chunks in a document."""

COLLECTIONS = [f"collection-{number}" for number in range(5)]
KINDS = ["text", "pdf", "html", "docx"]
HOUR = 3_600
"""Seconds between the dates of one document and the next."""

SEED = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a text, its terms, and a vector near a cluster."""

    text: str
    keywords: Keywords
    vector: Vectors


class Corpus:
    """Made-up chunks; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        centres = self._random.standard_normal((CLUSTERS, DIMENSION))
        self._centres = centres / np.linalg.norm(centres, axis=1, keepdims=True)
        self._words = np.array(list(_made_up_words(VOCABULARY)), dtype=object)
        frequencies = 1.0 / np.arange(1, VOCABULARY + 1)
        self._cumulated = np.cumsum(frequencies / frequencies.sum())

    def vectors(self, count: int) -> Vectors:
        """Return unit vectors around random centres."""
        spread_out = self._random.standard_normal((count, DIMENSION)) * NOISE / DIMENSION**0.5
        vectors = self._centres[self._random.integers(CLUSTERS, size=count)] + spread_out
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype("f4")
        return unit

    def texts(self, count: int, words: tuple[int, int] = WORDS) -> list[str]:
        """Return texts of `words` words, at least and at most."""
        lengths = self._random.integers(words[0], words[1] + 1, size=count)
        drawn = np.searchsorted(self._cumulated, self._random.random(int(lengths.sum())))
        ends = np.cumsum(lengths)
        return [
            " ".join(self._words[drawn[end - length : end]])
            for end, length in zip(ends, lengths, strict=True)
        ]

    def questions(self, count: int) -> list[Question]:
        """Return questions of five to ten words, as frequent as they are in the chunks."""
        texts = self.texts(count, words=(5, 10))
        vectors = self.vectors(count)
        return [
            Question(text, question_keywords(text), vector)
            for text, vector in zip(texts, vectors, strict=True)
        ]

    def documents(self, count: int) -> Iterator["MadeUp"]:
        """Yield documents of `count` chunks in all; ask for questions after that."""
        for number, first in enumerate(range(0, count, DOCUMENT)):
            collection = COLLECTIONS[number % len(COLLECTIONS)]
            name = f"document-{number}.txt"
            sha256 = hashlib.sha256(name.encode()).hexdigest()
            texts = self.texts(min(DOCUMENT, count - first))
            key = document_id(collection, name)
            ends = list(accumulate(len(text) + 1 for text in texts))
            spans = [(end - 1 - len(text), end - 1) for end, text in zip(ends, texts, strict=True)]
            found = zip(with_others(spans), texts, self.vectors(len(texts)), strict=True)
            entries = []
            for ordinal, (((start, end), around), text, vector) in enumerate(found):
                lead = " " if start else ""
                chunk = Chunk(key, sha256, ordinal, start, end, text, lead=lead, around=around)
                terms = passage_keywords(text)
                kind, modified = KINDS[number % len(KINDS)], number * HOUR
                entries.append(Entry(chunk, collection, vector, terms, kind, modified))
            yield MadeUp(collection, name, sha256, ends[-1], entries)


@dataclass(frozen=True, slots=True)
class MadeUp:
    """A document: its name, its content's SHA-256, its size, and its chunks."""

    collection: str
    name: str
    sha256: str
    size: int
    entries: list[Entry]


def _made_up_words(count: int) -> Iterator[str]:
    """Yield different words of two or three syllables, in a fixed order."""
    syllables = [a + b for a, b in product("bdfgklmnprtvz", "aeiou")]
    words = ["".join(parts) for size in (2, 3) for parts in product(syllables, repeat=size)]
    order = np.random.default_rng(SEED).permutation(len(words))
    for index in order[:count]:
        yield words[index]
