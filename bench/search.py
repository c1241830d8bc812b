"""Searches: Footnote's embedded store and its whole search, beside qdrant-client's local mode.

    python bench/search.py [--chunks 2000 20000 100000] [--queries 200] [--peer-chunks 20000]

Chunks are made up, the same at every run: vectors in clusters on the unit sphere, and texts
whose words are as unevenly frequent as Zipf's law has it. They lie in five collections of
documents of 200 chunks, in a catalogue and a store of a temporary data folder. For every
size and question it times, in milliseconds:

- the store's hybrid query: 60 nearest vectors, rescored, and 60 best by BM25; the same
  confined to one of the five collections;
- embedding the question with the real model, and the whole `Retriever.search`;
- what that search adds to embedding and store: fusing, the catalogue, fetching the texts.

Up to --peer-chunks chunks (0: none), qdrant-client's local mode answers the same hybrid
queries of the same chunks in the same run, through the same code as a Qdrant server would.
"""

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import accumulate, product
from pathlib import Path
from statistics import median

import numpy as np

# `ingest` is the package at the root, not the file beside this one.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from assistant.retrieval import CANDIDATES, Retriever
from bench.common import demand, forget_settings, print_machine, spread, stopwatch
from ingest.chunking import with_others
from ingest.index.documents import Chunk
from ingest.index.embedding import Vectors
from ingest.index.index import Index
from ingest.index.keywords import Keywords, passage_keywords, question_keywords
from ingest.index.settings import IndexSettings
from ingest.index.store import Entry, Store, Where
from ingest.queue import Done, Queue

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
K = 5
WRITTEN_AT_ONCE = 1_000
PEER_QUERIES = 20
PEER_WRITTEN_AT_ONCE = 5_000
SEED = 1


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a text, its terms, and a vector near a cluster."""

    text: str
    keywords: Keywords
    vector: Vectors


@dataclass
class Figures:
    """Seconds of every query."""

    store: list[float] = field(default_factory=list)
    filtered: list[float] = field(default_factory=list)
    embedding: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)
    peer: list[float] = field(default_factory=list)


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


def main() -> None:
    """Measure every size, print, compare."""
    arguments = _arguments()
    forget_settings()
    print_machine("qdrant-edge-py", "qdrant-client", "torch", "sentence-transformers", "sqlalchemy")
    for count in arguments.chunks:
        _measure(count, arguments.queries, peer=count <= arguments.peer_chunks)


def _measure(count: int, queries: int, peer: bool) -> None:
    corpus = Corpus(SEED)
    with tempfile.TemporaryDirectory(prefix="footnote-bench-") as folder:
        settings = IndexSettings(data_dir=Path(folder))
        with closing(Index(settings)) as index:
            index.own("bench")
            index.embedder.load()
            entries = _documents(index, corpus, count)
            with stopwatch() as writing:
                for batch in _batched(entries, WRITTEN_AT_ONCE):
                    index.store.upsert(batch)
                    index.store.flush()
            print(f"\n{count:,} chunks, written in {writing.seconds:.1f} s")
            questions = corpus.questions(queries)
            figures = Figures()
            with stopwatch() as asking:
                _ask(index, questions, figures)
            if peer:
                _ask_peer(entries, questions[:PEER_QUERIES], figures)
    _show(count, figures, asking.others)


def _ask(index: Index, questions: Sequence[Question], figures: Figures) -> None:
    retriever = Retriever(index)
    everywhere = Where()
    for question in questions[:20]:
        _query(index.store, question, everywhere)
        retriever.search(question.text, K)
    for number, question in enumerate(questions):
        within = Where(collection=COLLECTIONS[number % len(COLLECTIONS)])
        figures.store.append(_timed(_query, index.store, question, everywhere))
        figures.filtered.append(_timed(_query, index.store, question, within))
        vector = index.embedder.embed_question(question.text)
        asked = Question(question.text, question.keywords, vector)
        embedding = _timed(index.embedder.embed_question, question.text)
        store = _timed(_query, index.store, asked, everywhere)
        whole = _timed(retriever.search, question.text, K)
        figures.embedding.append(embedding)
        figures.whole.append(whole)
        figures.added.append(whole - embedding - store)


def _ask_peer(entries: Sequence[Entry], questions: Sequence[Question], figures: Figures) -> None:
    """Let qdrant-client's local mode answer; it is slow, so a few questions do."""
    from qdrant_client import QdrantClient

    from ingest.index.server_store import ServerStore

    with closing(ServerStore(QdrantClient(":memory:"), "bench", DIMENSION)) as store:
        with stopwatch() as writing:
            for batch in _batched(entries, PEER_WRITTEN_AT_ONCE):
                store.upsert(batch)
        print(f"  qdrant-client's local mode: written in {writing.seconds:.1f} s")
        for question in questions:
            figures.peer.append(_timed(_query, store, question, Where()))


def _query(store: Store, question: Question, where: Where) -> None:
    found = store.search(question.vector, question.keywords, CANDIDATES, where)
    assert len(found.dense) == CANDIDATES, len(found.dense)


def _batched(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    for first in range(0, len(entries), size):
        yield entries[first : first + size]


def _timed(action: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - started


def _show(count: int, figures: Figures, others: float) -> None:
    print(f"  milliseconds{'':35}median       p95   (others took {others:.0%})")
    rows = (
        ("store, hybrid query", figures.store),
        ("store, hybrid query in one of five collections", figures.filtered),
        ("embedding the question", figures.embedding),
        ("the whole search", figures.whole),
        ("  what it adds to embedding and store", figures.added),
        (f"qdrant-client's local mode ({PEER_QUERIES} queries)", figures.peer),
    )
    for words, seconds in rows:
        if seconds:
            print(f"  {words:46}{spread(seconds)}")
    if figures.peer:
        print(f"  local mode / store: {median(figures.peer) / median(figures.store):.0f}")
    if count == 100_000:
        milliseconds = median(figures.store) * 1000
        demand(
            f"hybrid query at 100,000 chunks {milliseconds:.1f} ms, at most 8", milliseconds <= 8
        )


def _documents(index: Index, corpus: Corpus, count: int) -> list[Entry]:
    """Enter documents into the catalogue as `ready`; return their chunks, to be written."""
    entries: list[Entry] = []
    queue = Queue(index.database, "bench")
    for number, first in enumerate(range(0, count, DOCUMENT)):
        collection = COLLECTIONS[number % len(COLLECTIONS)]
        name = f"document-{number}.txt"
        sha256 = hashlib.sha256(name.encode()).hexdigest()
        texts = corpus.texts(min(DOCUMENT, count - first))
        size = sum(len(text) + 1 for text in texts)
        index.catalogue.add(collection, name, sha256, size)
        [record] = queue.claim(1, lease=60.0)
        queue.finish([Done(record, len(texts), len(texts), pages=None, characters=size)])
        queue.release([record.id])
        ends = list(accumulate(len(text) + 1 for text in texts))
        spans = [(end - 1 - len(text), end - 1) for end, text in zip(ends, texts, strict=True)]
        found = zip(with_others(spans), texts, corpus.vectors(len(texts)), strict=True)
        for ordinal, (((start, end), around), text, vector) in enumerate(found):
            lead = " " if start else ""
            chunk = Chunk(record.id, sha256, ordinal, start, end, text, lead=lead, around=around)
            entries.append(Entry(chunk, collection, vector, passage_keywords(text)))
    return entries


def _made_up_words(count: int) -> Iterator[str]:
    """Yield different words of two or three syllables, in a fixed order."""
    syllables = [a + b for a, b in product("bdfgklmnprtvz", "aeiou")]
    words = ["".join(parts) for size in (2, 3) for parts in product(syllables, repeat=size)]
    order = np.random.default_rng(SEED).permutation(len(words))
    for index in order[:count]:
        yield words[index]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--chunks", type=int, nargs="+", default=[2_000, 20_000, 100_000])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--peer-chunks", type=int, default=20_000)
    return parser.parse_args()


if __name__ == "__main__":
    main()
