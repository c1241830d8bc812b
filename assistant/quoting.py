"""Answers made of quotes, for when no chat model can be reached.

What each rule buys is in bench/README.md.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from math import log

from assistant.sentences import sentence_spans
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors
from ingest.index.keywords import question_keywords, words_of

MAX_QUOTES = 3
MOST_COMPARED = 24
"""Sentences, those with the most of the question's words, that are compared by their vectors."""

NEAR_BEST = 0.92
"""A further sentence is quoted when it scores this share of the best one's score."""

SILENT_BELOW = 0.3
"""Best score below which the passages say nothing about the question."""

TOPIC_SHARE = 0.1
"""Share of a passage's sentences, two at least, that hold a word that the passage is about."""

_HEADING = re.compile(r"\s*(#|=[ =]*[^=\n]+=[ =]*$)")
_QUESTION = re.compile(r"[?？؟][\"'”’»)\]*_」』]*$")


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


@dataclass(frozen=True, slots=True)
class _Sentence:
    """What may be quoted.

    Attributes:
        held: words of the question that it holds.
        understood: further ones that it need not hold, as what is around it tells them.
    """

    quote: Quote
    held: frozenset[str]
    understood: frozenset[str]


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

    A text says "it" or nothing at all for what it is about, while a question names it. So a
    sentence is compared together with those words of the question that it lacks and that are
    understood there: other sentences around it hold them, or its heading does, or a question
    right before it, as in lists of questions and answers. Else what merely names the topic is
    more like the question than what answers it.

    Args:
        question_vector: the question's unit vector.
        embed: texts to unit vectors, one for each row.
    """
    words = _words(question, {passage.language for passage in passages})
    sentences = _sentences(words, passages)
    if not sentences:
        return []
    overlap = _overlap(words, sentences)
    # Words are there at once, vectors take a millisecond each.
    order = sorted(range(len(sentences)), key=lambda index: -overlap[index])[:MOST_COMPARED]
    texts = [_completed(words, sentences[index]) for index in order]
    similarities = embed(texts) @ question_vector
    quotes = [
        replace(sentences[index].quote, score=(float(similarity) + overlap[index]) / 2)
        for index, similarity in zip(order, similarities, strict=True)
    ]
    quotes.sort(key=lambda quote: (-quote.score, quote.passage.number, quote.start))
    if quotes[0].score < SILENT_BELOW and float(similarities.max()) < SILENT_BELOW:
        return []
    return [quote for quote in quotes[:MAX_QUOTES] if quote.score >= NEAR_BEST * quotes[0].score]


def _words(question: str, languages: Collection[str]) -> list[str]:
    """Return the different words of a question that are no stop words of its language."""
    wanted = set(question_keywords(question, languages).indices)
    return [
        word
        for word in dict.fromkeys(words_of(question))
        if any(wanted.intersection(_stems(word, language)) for language in languages)
    ]


def _sentences(words: Sequence[str], passages: Iterable[Passage]) -> list[_Sentence]:
    """Return what may be quoted: headings tell nothing by themselves, and questions ask.

    A text that stands in several places is quoted from the first one of its document.
    """
    found: dict[str, _Sentence] = {}
    for passage in passages:
        holds = _finder(words, passage.language)
        spans = sentence_spans(passage.text)
        held = [holds(passage.text[start:end]) for start, end in spans]
        often = Counter(word for one in held for word in one)
        topic = {word for word in often if often[word] >= max(2, TOPIC_SHARE * len(held))}
        heading, asked = holds(" ".join(passage.heading)), frozenset[str]()
        for (start, end), own in zip(spans, held, strict=True):
            quote = Quote(passage, start, end, 0.0)
            if _HEADING.match(quote.text):
                heading = own
            elif _QUESTION.search(quote.text):
                asked = own
            else:
                known = found.get(quote.text)
                if known is None or _is_before(quote, known.quote):
                    found[quote.text] = _Sentence(quote, own, (heading | asked | topic) - own)
                asked = frozenset()
    return list(found.values())


def _finder(words: Iterable[str], language: str) -> Callable[[str], frozenset[str]]:
    """Return what tells which of these words a text holds."""
    wanted = {word: stems for word in words if (stems := _stems(word, language))}

    def holds(text: str) -> frozenset[str]:
        there = _stems(text, language)
        return frozenset(word for word, stems in wanted.items() if stems <= there)

    return holds


def _stems(text: str, language: str) -> set[int]:
    return set(question_keywords(text, [language]).indices)


def _overlap(words: Iterable[str], sentences: Sequence[_Sentence]) -> list[float]:
    """Return the share of these words that each sentence holds, weighted by their rarity."""
    having = Counter(word for one in sentences for word in one.held)
    count = len(sentences)
    weights = {word: log(1 + (count - having[word] + 0.5) / (having[word] + 0.5)) for word in words}
    whole = sum(weights.values()) or 1.0
    return [sum(weights[word] for word in one.held) / whole for one in sentences]


def _completed(words: Iterable[str], sentence: _Sentence) -> str:
    """Return a sentence as it would read on its own."""
    topic = " ".join(word for word in words if word in sentence.understood)
    return f"{topic}: {sentence.quote.text}" if topic else sentence.quote.text


def _is_before(one: Quote, other: Quote) -> bool:
    """Whether both stand in one document, and the one first."""
    return (
        one.passage.document_id == other.passage.document_id
        and one.passage.start + one.start < other.passage.start + other.start
    )
