"""Answers made of quotes, for when no chat model can be reached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assistant.sentences import sentence_spans
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors
from ingest.index.keywords import question_keywords

MAX_QUOTES = 3
NEAR_BEST = 0.85
"""A further sentence is quoted when it scores this share of the best one's score."""

SILENT_BELOW = 0.3
"""Best score below which the passages say nothing about the question."""


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

    A sentence scores the mean of its cosine with the question and the share of the
    question's words that it holds.
    """
    places = [
        (passage, start, end)
        for passage in passages
        for start, end in sentence_spans(passage.text)
        if not passage.text[start:end].lstrip().startswith("#")
    ]
    if not places:
        return []
    texts = [passage.text[start:end] for passage, start, end in places]
    similarities = embed(texts) @ question_vector
    terms = set(question_keywords(question).indices)
    quotes = []
    for (passage, start, end), text, similarity in zip(places, texts, similarities, strict=True):
        held = set(question_keywords(text).indices)
        overlap = len(terms & held) / len(terms) if terms else 0.0
        quotes.append(Quote(passage, start, end, (float(similarity) + overlap) / 2))
    quotes.sort(key=lambda quote: -quote.score)
    if quotes[0].score < SILENT_BELOW and float(similarities.max()) < SILENT_BELOW:
        return []
    chosen: list[Quote] = []
    for quote in quotes:
        if quote.score < NEAR_BEST * quotes[0].score or len(chosen) == MAX_QUOTES:
            break
        if all(quote.text != other.text for other in chosen):
            chosen.append(quote)
    return chosen
