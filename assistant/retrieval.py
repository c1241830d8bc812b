"""Questions to passages: hybrid search, its lists fused, current versions alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

from assistant.candidates import Likely, compared, likely
from assistant.evidence import (
    CALIBRATED,
    COMPARED,
    NONE,
    PASSAGES,
    USUAL_AGREED,
    Evidence,
    suffices,
    weigh,
)
from assistant.fusion import Ranked, fuse, lift
from assistant.gathering import Asked, Gathering
from assistant.reranking import Reranker
from assistant.scope import EVERYTHING, Scope, readable
from assistant.settings import ABSTAIN_BELOW, AssistantSettings
from assistant.turns import Turn, Turns
from assistant.widening import neighbours, stretches
from ingest.index.documents import Chunk, Passage
from ingest.index.embedding import Embedder, Vectors
from ingest.index.errors import InputError, StoreError
from ingest.index.generation import Generation
from ingest.index.index import Index
from ingest.index.keywords import question_keywords
from ingest.index.store import Store, Where, chunk_id

T = TypeVar("T")

MAX_QUESTION = 4_000
"""Most characters in a question; the embedding model reads about 1,000 of them."""

MAX_PASSAGES = 100
"""Most passages that one search returns."""

CANDIDATES = 60
"""Length of each of the two lists that are fused."""

RERANKED = 30
"""Chunks that a cross-encoder reads, where one is set."""

_ROUNDS = 3
"""Searches at most, when documents change between the search and the look at the catalogue."""


@dataclass(frozen=True, slots=True)
class Found:
    """The passages of a search, and whether they hold an answer."""

    passages: list[Passage]
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Sighted:
    """The passages of a search whose evidence has not been weighed yet.

    Attributes:
        certain: whether they hold an answer whatever their sentences say. Nobody needs to wait
            for their evidence then, but for its score.
        evidence: weighs it, in a thread.
    """

    passages: list[Passage]
    certain: bool
    evidence: Callable[[], Awaitable[Evidence]]


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a search came upon.

    Attributes:
        nearest: cosine between the question and the chunk nearest to it.
        vector: the question's.
        embedder: of the index that was searched; None where nothing was.
        certain: as in `Sighted`.
        likely: sentences that may answer; None where nobody had to look for them yet.
    """

    question: str
    passages: list[Passage]
    nearest: float = 0.0
    vector: Vectors | None = None
    embedder: Embedder | None = None
    certain: bool = False
    likely: Sequence[Likely] | None = None

    @property
    def calibrated(self) -> bool:
        """Whether cosines are those of the model that the evidence's weights were fitted on."""
        return self.embedder is not None and self.embedder.name == CALIBRATED


class Retriever:
    """Searches one index; calls from several threads are safe.

    Args:
        index: what to search.
        settings: how; None takes the defaults.
        turns: when; None takes turns of its own.
    """

    def __init__(
        self,
        index: Index,
        settings: AssistantSettings | None = None,
        turns: Turns | None = None,
    ) -> None:
        self._index = index
        self._abstain_below = ABSTAIN_BELOW if settings is None else settings.abstain_below
        named = None if settings is None else settings.reranker
        self._reranker = None if named is None else Reranker(named)
        self._turns = Turns() if turns is None else turns
        self._gathering = Gathering()

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
        return self._submit(question, k, scope, lambda looked: looked.passages).result()

    def find(self, question: str, k: int, scope: Scope = EVERYTHING) -> Found:
        """Return what `search` finds, and whether it holds an answer."""
        return self._submit(question, k, scope, self._found).result()

    async def find_soon(self, question: str, k: int, scope: Scope = EVERYTHING) -> Found:
        """Return what `find` finds, without holding up the event loop meanwhile."""
        return await asyncio.wrap_future(self._submit(question, k, scope, self._found))

    async def sight(self, question: str, k: int, scope: Scope = EVERYTHING) -> Sighted:
        """Return what `search` finds, without holding up the event loop meanwhile."""
        looked = await asyncio.wrap_future(self._submit(question, k, scope, self._judged))

        async def evidence() -> Evidence:
            # What is certain is weighed for its score, while its answer is read.
            turn = Turn.CHECK if looked.certain else Turn.SEARCH
            return await asyncio.wrap_future(self._turns.submit(turn, self._weigh, looked))

        return Sighted(looked.passages, looked.certain, evidence)

    def _submit(
        self, question: str, k: int, scope: Scope, then: Callable[[_Looked], T]
    ) -> Future[T]:
        """Have a question looked up when its turn comes; return what `then` makes of that."""
        checked_k(k)
        asked = self._gathering.join(checked_question(question))
        future = self._turns.submit(Turn.SEARCH, lambda: then(self._look(asked, k, scope)))
        future.add_done_callback(lambda _: self._gathering.leave(asked))
        return future

    def _found(self, looked: _Looked) -> Found:
        return Found(looked.passages, self._weigh(looked))

    def _look(self, asked: Asked, k: int, scope: Scope) -> _Looked:
        question = asked.text
        where = scope.where(self._index.catalogue)
        if not self._index.opened and not self._index.catalogue.is_searchable():
            # A store that nothing was written to need not be opened, nor the model loaded.
            return _Looked(question, [])

        def look(generation: Generation) -> _Looked:
            embedder = generation.embedder
            vector = self._gathering.vector(asked, embedder)
            passages, nearest = self._search(generation.store, question, vector, k, where)
            return _Looked(question, passages, nearest, vector, embedder)

        looked = self._index.steadily(look)
        if not looked.passages and not scope.narrow:
            self._require_passages(scope.collection)
        return looked

    def _judged(self, looked: _Looked) -> _Looked:
        """Return what was looked up with the word whether it is certain to hold an answer."""
        if not looked.passages:
            return looked
        near, least = looked.nearest, self._abstain_below
        agreed, calibrated = self._agreed(looked), looked.calibrated
        if suffices(near, (), least, agreed=agreed, calibrated=calibrated):
            return replace(looked, certain=True)
        found = _likely(looked)
        certain = suffices(near, found, least, agreed=agreed, calibrated=calibrated)
        return replace(looked, certain=certain, likely=found)

    def _weigh(self, looked: _Looked) -> Evidence:
        embedder, vector = looked.embedder, looked.vector
        if not looked.passages or embedder is None or vector is None:
            return NONE
        found = _likely(looked) if looked.likely is None else looked.likely
        return weigh(
            looked.question,
            {passage.language for passage in looked.passages[:PASSAGES]},
            compared(found, vector, embedder.embed_passages),
            looked.nearest,
            self._abstain_below,
            agreed=self._agreed(looked),
            calibrated=looked.calibrated,
        )

    def _agreed(self, looked: _Looked) -> float:
        """Return the fused score of the best passage; a cross-encoder's is none."""
        return looked.passages[0].score if self._reranker is None else USUAL_AGREED

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
        languages = self._index.catalogue.summary(where.collection).languages
        keywords = question_keywords(question, languages)
        limit = max(CANDIDATES, _wanted(k))
        for last in (False,) * (_ROUNDS - 1) + (True,):
            hits = store.search(vector, keywords, limit, where)
            ranked = self._reranked(store, question, lift(fuse(hits)))
            passages = self._current(store, ranked, k, complete=last)
            if passages is not None:
                break
            limit *= 4
        return passages or [], max((hit.score for hit in hits.dense), default=0.0)

    def _reranked(self, store: Store, question: str, ranked: Ranked) -> Ranked:
        """Return the first RERANKED chunks as the cross-encoder orders them, where there is one."""
        if self._reranker is None:
            return ranked
        chunks = store.fetch([chunk_id(number) for number, _ in ranked[:RERANKED]])
        scores = self._reranker.scores(question, [chunk.text for chunk in chunks])
        found = [(UUID(chunk.id).int, score) for chunk, score in zip(chunks, scores, strict=True)]
        return sorted(found, key=lambda pair: (-pair[1], pair[0]))

    def _current(
        self, store: Store, ranked: Ranked, k: int, complete: bool
    ) -> list[Passage] | None:
        """Return passages of the first chunks whose version is the catalogue's.

        A page that a document prints twice would take two places and say nothing more: of chunks
        with one heading and one text in one document there is the first, with the best score.

        None where a longer or later search may find more: when chunks were just removed, when a
        document was found in other versions only, or when fewer than `k` chunks are left.
        `complete` takes what there is.
        """
        wanted = _wanted(k)
        versions: dict[str, tuple[str, str]] = {}
        found: dict[tuple[str, tuple[str, ...], str], tuple[Chunk, float]] = {}
        live, stale, count = set[str](), set[str](), 0
        for first in range(0, len(ranked), wanted):
            scores = {chunk_id(number): score for number, score in ranked[first : first + wanted]}
            chunks = store.fetch(list(scores))
            if len(chunks) < len(scores) and not complete:
                return None
            documents = {chunk.document_id for chunk in chunks}
            versions |= self._index.catalogue.versions(documents - versions.keys())
            for chunk in chunks:
                version, _ = versions.get(chunk.document_id, (None, None))
                if version != chunk.version:
                    # A document that is removed has no version, and nothing to wait for.
                    stale |= {chunk.document_id} if version else set()
                    continue
                live.add(chunk.document_id)
                count += 1
                key = (chunk.document_id, chunk.heading, chunk.text)
                known, best = found.setdefault(key, (chunk, scores[chunk.id]))
                if chunk.start < known.start:
                    found[key] = chunk, best
            if len(found) >= wanted and (complete or stale <= live):
                break
        if not complete and (count < min(k, len(ranked)) or not stale <= live):
            return None
        return _passages(store, list(found.values())[:wanted], k, versions)


def _likely(looked: _Looked) -> list[Likely]:
    return likely(looked.question, looked.passages[:PASSAGES], COMPARED)


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
