"""Answers made of quotes, for when no chat model can be reached."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import log

from assistant.sentences import sentence_spans
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors
from ingest.index.keywords import question_keywords

MAX_QUOTES = 3
MOST_COMPARED = 48
"""Sentences, those with the most of the question's words, that are compared by their vectors."""

NEAR_BEST = 0.92
"""A further sentence is quoted when it scores this share of the best one's score."""

SILENT_BELOW = 0.3
"""Best score below which the passages say nothing about the question."""

_HEADING = re.compile(r"\s*(#|=[ =]*[^=\n]+=[ =]*$)")


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim sentence: `passage.text[start:end]`."""

    passage: Passage
    start: int
    end: int
    score: float

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]


def best_quotes(
    question: str,
    passages: Sequence[Passage],
    question_vector: Vectors,
    embed: Callable[[Sequence[str]], Vectors],
) -> list[Quote]:
    """Return up to three sentences that answer best, best first; none where nothing fits.

    A sentence scores the mean of two things: its cosine with the question, and the share of
    the question's words that it holds, each word counted by how rare it is among these
    sentences (the weight that BM25 gives it): what all of them hold tells none apart.

    Args:
        question_vector: the question's unit vector.
        embed: texts to unit vectors, one for each row.
    """
    places = _sentences(passages)
    if not places:
        return []
    held = [set(question_keywords(place.text).indices) for place in places]
    weights = _rarity(set(question_keywords(question).indices), held)
    whole = sum(weights.values())
    overlap = [
        sum(weights[term] for term in weights if term in terms) / whole if whole else 0.0
        for terms in held
    ]
    # Words are there at once, vectors take a millisecond each.
    order = sorted(range(len(places)), key=lambda index: -overlap[index])[:MOST_COMPARED]
    similarities = embed([places[index].text for index in order]) @ question_vector
    quotes = [
        replace(places[index], score=(float(similarity) + overlap[index]) / 2)
        for index, similarity in zip(order, similarities, strict=True)
    ]
    quotes.sort(key=lambda quote: (-quote.score, quote.passage.number, quote.start))
    if quotes[0].score < SILENT_BELOW and float(similarities.max()) < SILENT_BELOW:
        return []
    return [quote for quote in quotes[:MAX_QUOTES] if quote.score >= NEAR_BEST * quotes[0].score]


def _sentences(passages: Sequence[Passage]) -> list[Quote]:
    """Return what may be quoted, each text once; headings tell nothing by themselves."""
    found: dict[str, Quote] = {}
    for passage in passages:
        for start, end in sentence_spans(passage.text):
            quote = Quote(passage, start, end, 0.0)
            if not _HEADING.match(quote.text):
                found.setdefault(quote.text, quote)
    return list(found.values())


def _rarity(terms: set[int], held: Sequence[set[int]]) -> dict[int, float]:
    """Return the weight of each of a question's words: BM25's inverse document frequency."""
    having = {term: sum(term in one for one in held) for term in terms}
    count = len(held)
    return {term: log(1 + (count - n + 0.5) / (n + 0.5)) for term, n in having.items()}
