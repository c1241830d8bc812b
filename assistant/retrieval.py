"""Questions to passages: hybrid search, fused on scaled scores."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from assistant.candidates import candidates
from assistant.evidence import CALIBRATED, COMPARED, NONE, PASSAGES, Evidence, weigh
from assistant.reranking import Reranker
from assistant.scope import EVERYTHING, Scope, readable
from assistant.settings import ABSTAIN_BELOW, AssistantSettings
from assistant.widening import neighbours, stretches
from ingest.index.documents import Chunk, Passage
from ingest.index.embedding import Vectors
from ingest.index.errors import InputError, StoreError
from ingest.index.generation import Generation
from ingest.index.index import Index
from ingest.index.keywords import question_keywords
from ingest.index.store import Hit, Hits, Store, Where

MAX_QUESTION = 4_000
"""Most characters in a question; the embedding model reads about 1,000 of them."""

MAX_PASSAGES = 100
"""Most passages that one search returns."""

CANDIDATES = 60
"""Length of each of the two lists that are fused."""

DENSE_WEIGHT = 0.4
"""Share of the dense score; the rest is BM25's (docs/retrieval.md)."""

NEIGHBOUR_SHARE = 0.2
"""Share of a neighbour's score that a chunk gains: what stands beside a good chunk is likelier
to be good itself."""

RERANKED = 30
"""Hits that a cross-encoder reads, where one is set."""

_ROUNDS = 3
"""Searches at most, when documents change between the search and the look at the catalogue."""


@dataclass(frozen=True, slots=True)
class Found:
    """The passages of a search, and whether they hold an answer, where that was asked."""

    passages: list[Passage]
    evidence: Evidence


class Retriever:
    """Searches one index; calls from several threads are safe.

    Args:
        index: what to search.
        settings: how; None takes the defaults.
    """

    def __init__(self, index: Index, settings: AssistantSettings | None = None) -> None:
        self._index = index
        self._abstain_below = ABSTAIN_BELOW if settings is None else settings.abstain_below
        named = None if settings is None else settings.reranker
        self._reranker = None if named is None else Reranker(named)
        # No more searches at once than cores, first come first served: together they would end
        # no sooner, and all of them late.
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "search")

    def search(self, question: str, k: int, scope: Scope = EVERYTHING) -> list[Passage]:
        """Return the passages that fit the question best, numbered from 1: `k`, or fewer.

        The best chunks are shown with what stands around them (assistant/widening.py), so
        several may be one passage.

        Args:
            question: 1 to MAX_QUESTION characters.
            k: 1 to MAX_PASSAGES.
            scope: what to search.

        Raises:
            InputError: question, `k` or what to search are out of bounds.
            FootnoteError: a model cannot be loaded or the store fails.
        """
        return self._threads.submit(self._find, question, k, scope, False).result().passages

    def find(self, question: str, k: int, scope: Scope = EVERYTHING) -> Found:
        """Return what `search` finds, and whether it holds an answer."""
        return self._threads.submit(self._find, question, k, scope, True).result()

    async def find_soon(self, question: str, k: int, scope: Scope = EVERYTHING) -> Found:
        """Return what `find` finds, without holding up the event loop meanwhile."""
        return await asyncio.wrap_future(self._threads.submit(self._find, question, k, scope, True))

    def _find(self, question: str, k: int, scope: Scope, weighed: bool) -> Found:
        question = checked_question(question)
        checked_k(k)
        where = scope.where(self._index.catalogue)
        if not self._index.opened and not self._index.catalogue.is_searchable():
            # A store that nothing was written to need not be opened, nor the model loaded.
            return Found([], NONE)

        def look(generation: Generation) -> Found:
            vector = generation.embedder.embed_question(question)
            passages, nearest = self._search(generation.store, question, vector, k, where)
            if not weighed or not passages:
                return Found(passages, NONE)
            embedder = generation.embedder
            best = passages[:PASSAGES]
            compared = candidates(question, best, vector, embedder.embed_passages, COMPARED)
            languages = {passage.language for passage in best}
            evidence = weigh(
                question,
                languages,
                compared,
                nearest,
                self._abstain_below,
                calibrated=embedder.name == CALIBRATED,
            )
            return Found(passages, evidence)

        found = self._index.steadily(look)
        if not found.passages and not scope.narrow:
            self._require_passages(scope.collection)
        return found

    def _require_passages(self, collection: str | None) -> None:
        """Refuse an index that lost what the catalogue knows of: it is not empty, but damaged."""
        if self._index.catalogue.passages(collection):
            raise StoreError(
                "The index has lost its passages.",
                "Start `assistant` or `ingest worker`: it is built anew from the stored documents.",
            )

    def _search(
        self, store: Store, question: str, vector: Vectors, k: int, where: Where
    ) -> tuple[list[Passage], float]:
        """Return the passages, and the cosine of the chunk nearest to the question."""
        languages = self._index.catalogue.languages(where.collection)
        keywords = question_keywords(question, languages)
        limit = max(CANDIDATES, _wanted(k))
        for _ in range(_ROUNDS):
            hits = store.search(vector, keywords, limit, where)
            found = self._reranked(store, question, lift(fuse(hits)))
            passages = self._first(store, found, k) or self._current(store, found, k)
            if passages is not None:
                break
            limit *= 4
        if passages is None:
            passages = self._current(store, found, k, complete=True) or []
        return passages, max((hit.score for hit in hits.dense), default=0.0)

    def _reranked(
        self, store: Store, question: str, ranked: list[tuple[Hit, float]]
    ) -> list[tuple[Hit, float]]:
        """Return the first RERANKED hits as the cross-encoder orders them, where there is one."""
        if self._reranker is None:
            return ranked
        chunks = store.fetch([hit.chunk_id for hit, _ in ranked[:RERANKED]])
        texts = {chunk.id: chunk.text for chunk in chunks}
        read = [hit for hit, _ in ranked if hit.chunk_id in texts]
        scores = self._reranker.scores(question, [texts[hit.chunk_id] for hit in read])
        pairs = zip(read, scores, strict=True)
        return sorted(pairs, key=lambda pair: (-pair[1], pair[0].chunk_id))

    def _first(
        self, store: Store, ranked: Sequence[tuple[Hit, float]], k: int
    ) -> list[Passage] | None:
        """Return passages of the first hits where all are current, as nearly always, else None.

        None, too, where copies among them leave room for others. Asking the catalogue for their
        documents takes half the time of asking for all.
        """
        first = ranked[: _wanted(k)]
        versions = self._index.catalogue.versions({hit.document_id for hit, _ in first})
        if any(versions.get(hit.document_id, ("",))[0] != hit.version for hit, _ in first):
            return None
        different = _different(store, first, _wanted(k))
        if different is None or len(different) < len(first) < len(ranked):
            return None
        return _passages(store, different, k, versions)

    def _current(
        self, store: Store, ranked: Sequence[tuple[Hit, float]], k: int, complete: bool = False
    ) -> list[Passage] | None:
        """Return passages of the first hits whose version is the catalogue's.

        None when a document was found in other versions only, or fewer than `k` hits are
        left: a longer or later search may find more. `complete` takes what there is.
        """
        versions = self._index.catalogue.versions({hit.document_id for hit, _ in ranked})
        live = [
            (hit, score)
            for hit, score in ranked
            if hit.document_id in versions and versions[hit.document_id][0] == hit.version
        ]
        seen = {hit.document_id for hit, _ in live}
        if (len(live) < min(k, len(ranked)) or versions.keys() - seen) and not complete:
            return None
        different = _different(store, live, _wanted(k), complete)
        return None if different is None else _passages(store, different, k, versions)


def _different(
    store: Store, ranked: Sequence[tuple[Hit, float]], wanted: int, complete: bool = False
) -> list[tuple[Chunk, float]] | None:
    """Return the chunks of the best hits, `wanted` of them where there are as many.

    A page that a document prints twice would take two places and say nothing more: of chunks
    with one heading and one text in one document there is the first, with the best score.
    None when some were just removed and `complete` does not take what there is.
    """
    found: dict[tuple[str, tuple[str, ...], str], tuple[Chunk, float]] = {}
    for start in range(0, len(ranked), wanted):
        scores = {hit.chunk_id: score for hit, score in ranked[start : start + wanted]}
        chunks = store.fetch(list(scores))
        if len(chunks) < len(scores) and not complete:
            return None
        for chunk in chunks:
            key = (chunk.document_id, chunk.heading, chunk.text)
            known, best = found.setdefault(key, (chunk, scores[chunk.id]))
            if chunk.start < known.start:
                found[key] = chunk, best
        if len(found) >= wanted:
            break
    return list(found.values())[:wanted]


def _passages(
    store: Store,
    ranked: Sequence[tuple[Chunk, float]],
    k: int,
    versions: Mapping[str, tuple[str, str]],
) -> list[Passage]:
    """Return at most `k` passages that hold these chunks, best first."""
    best = max((score for _, score in ranked), default=0.0) or 1.0
    shares = [(chunk, score / best) for chunk, score in ranked]
    scores = {chunk.id: score for chunk, score in ranked}
    others = store.fetch(neighbours(shares))
    return [
        Passage(
            number=number,
            document=versions[stretch.best.document_id][1],
            document_id=stretch.best.document_id,
            chunk_id=stretch.best.id,
            text=stretch.text,
            start=stretch.start,
            end=stretch.end,
            page=stretch.page,
            heading=stretch.best.heading,
            score=round(scores[stretch.best.id], 4),
            language=stretch.best.language,
        )
        for number, stretch in enumerate(stretches(shares, others, k), start=1)
    ]


def _wanted(k: int) -> int:
    """Return how many hits `k` passages are made from: some lie within others, widened."""
    return 2 * k + 2


def fuse(hits: Hits) -> list[tuple[Hit, float]]:
    """Merge the two lists by a weighted sum of their scores, best first.

    Each list is scaled to [0, 1] by its own lowest and highest score (min-max); a hit
    that a list lacks counts as 0 there.
    """
    total: dict[str, float] = {}
    known: dict[str, Hit] = {}
    for found, weight in ((hits.dense, DENSE_WEIGHT), (hits.keywords, 1 - DENSE_WEIGHT)):
        scores = [hit.score for hit in found]
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        for hit in found:
            scaled = (hit.score - low) / (high - low) if high > low else 1.0
            total[hit.chunk_id] = total.get(hit.chunk_id, 0.0) + weight * scaled
            known[hit.chunk_id] = hit
    ranked = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return [(known[chunk_id], score) for chunk_id, score in ranked]


def lift(ranked: Sequence[tuple[Hit, float]]) -> list[tuple[Hit, float]]:
    """Let each hit gain from the chunks before and after it, best first.

    A score becomes (score + NEIGHBOUR_SHARE · scores of the two) / (1 + 2 · NEIGHBOUR_SHARE),
    so it stays in [0, 1]; a neighbour that was not found counts as 0.
    """
    scores = {(hit.document_id, hit.version, hit.ordinal): score for hit, score in ranked}
    lifted = [
        (
            hit,
            (
                score
                + NEIGHBOUR_SHARE
                * sum(
                    scores.get((hit.document_id, hit.version, hit.ordinal + step), 0.0)
                    for step in (-1, 1)
                )
            )
            / (1 + 2 * NEIGHBOUR_SHARE),
        )
        for hit, score in ranked
    ]
    return sorted(lifted, key=lambda item: (-item[1], item[0].chunk_id))


def checked_question(question: object) -> str:
    """Return the question without outer white space and what cannot be written as UTF-8.

    Raises:
        InputError: it is empty or too long, or no text.
    """
    if not isinstance(question, str):
        raise InputError("The question is no text.", "Give it as a string.")
    question = readable(question).strip()
    if not question:
        raise InputError("The question is empty.", "Type what you want to know.")
    if len(question) > MAX_QUESTION:
        raise InputError(
            f"The question has {len(question):,} characters; {MAX_QUESTION:,} are the most.",
            "Shorten it, or add the long text as a document and ask about that.",
        )
    return question


def checked_k(k: object) -> int:
    """Return `k`.

    Raises:
        InputError: it is out of bounds, or no whole number.
    """
    if not isinstance(k, int) or isinstance(k, bool) or not 1 <= k <= MAX_PASSAGES:
        shown = f"{k:,}" if isinstance(k, int) else readable(repr(k))[:40]
        raise InputError(
            f"The number of passages cannot be {shown}.", f"Choose 1 to {MAX_PASSAGES}."
        )
    return k


def default_k(settings: AssistantSettings, k: int | None) -> int:
    """Return the number of passages asked for, else the setting's."""
    return settings.top_k if k is None else checked_k(k)
