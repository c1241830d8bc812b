"""Sentences of passages, scored by how well each answers a question. What each rule buys is in
bench/README.md and docs/retrieval.md."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from math import log

from assistant.sentences import sentence_spans
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors
from ingest.index.keywords import question_keywords, words_of

TOPIC_SHARE = 0.1
"""Share of a passage's sentences, two at least, that hold a word that the passage is about."""

LONGEST_COMPARED = 350
"""Characters of a sentence that are compared by their vector. Where nothing marks the end of
one, a whole passage is a sentence, and embedding it takes a tenth of a second."""

_HEADING = re.compile(r"\s*(#|=[ =]*[^=\n]+=[ =]*$)")
_PAGE = re.compile(r"[^\W\d].*\s(\d{1,4})$", re.DOTALL)
"""What a line of a table of contents ends in: after a title a page, and no mark."""

_LONGEST_ENTRY = 100
_LEADERS = re.compile(r"\.{5}|(?: \.){4}|…{3}|·{5}|_{5}")
_QUESTION = re.compile(r"[?？؟][\"'”’»)\]*_」』]*$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer a question, verbatim: `passage.text[start:end]`.

    Attributes:
        cosine: between the question and the sentence as it reads on its own.
        held: share of the question's words that it holds, weighted by their rarity.
        around: share of the question's words that its passage holds.
    """

    passage: Passage
    start: int
    end: int
    cosine: float
    held: float
    around: float

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def score(self) -> float:
        """How well it answers, about 0 to 1."""
        return (self.cosine + self.held) / 2


@dataclass(frozen=True, slots=True)
class _Sentence:
    """A sentence before it is compared.

    Attributes:
        held: words of the question that it holds.
        understood: further ones that it need not hold, as what is around it tells them.
        around: all that its passage holds.
    """

    passage: Passage
    start: int
    end: int
    held: frozenset[str]
    understood: frozenset[str]
    around: frozenset[str]

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    def is_before(self, other: "_Sentence") -> bool:
        """Whether both stand in one document, and this one first."""
        mine, yours = self.passage, other.passage
        return (
            mine.document_id == yours.document_id
            and mine.start + self.start < yours.start + other.start
        )


def candidates(
    question: str,
    passages: Sequence[Passage],
    question_vector: Vectors,
    embed: Callable[[Sequence[str]], Vectors],
    most: int,
) -> list[Candidate]:
    """Return the `most` sentences with the most of the question's words, best first.

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
    shares = _shares(words, sentences)
    # Words are there at once, vectors take a millisecond or more each.
    order = sorted(range(len(sentences)), key=lambda index: -shares[index])[:most]
    cosines = embed([_completed(words, sentences[index]) for index in order]) @ question_vector
    found = [
        _candidate(sentences[index], float(cosine), shares[index], len(words))
        for index, cosine in zip(order, cosines, strict=True)
    ]
    return sorted(found, key=lambda one: (-one.score, one.passage.number, one.start))


def _candidate(one: _Sentence, cosine: float, held: float, words: int) -> Candidate:
    around = len(one.around) / words if words else 0.0
    return Candidate(one.passage, one.start, one.end, cosine, held, around)


def _words(question: str, languages: Collection[str]) -> list[str]:
    """Return the different words of a question that are no stop words of its language."""
    wanted = set(question_keywords(question, languages).indices)
    return [
        word
        for word in dict.fromkeys(words_of(question))
        if any(wanted.intersection(_stems(word, language)) for language in languages)
    ]


def _sentences(words: Sequence[str], passages: Iterable[Passage]) -> list[_Sentence]:
    """Return what may answer: headings tell nothing by themselves, and questions ask.

    A text that stands in several places is taken from the first one of its document.
    """
    found: dict[str, _Sentence] = {}
    for passage in passages:
        holds = _finder(words, passage.language)
        spans = sentence_spans(passage.text)
        held = [holds(passage.text[start:end]) for start, end in spans]
        often = Counter(word for one in held for word in one)
        around = frozenset(often)
        topic = {word for word in often if often[word] >= max(2, TOPIC_SHARE * len(held))}
        heading, asked = holds(" ".join(passage.heading)), frozenset[str]()
        contents = _contents([passage.text[start:end] for start, end in spans])
        for index, ((start, end), own) in enumerate(zip(spans, held, strict=True)):
            text = passage.text[start:end]
            if index in contents or not any(map(str.isalnum, text)):
                continue  # the latter is a rule, or the line under a table's header
            if _HEADING.match(text):
                heading = own
            elif _QUESTION.search(text):
                asked = own
            else:
                understood = (heading | asked | topic) - own
                one = _Sentence(passage, start, end, own, understood, around)
                known = found.get(text)
                if known is None or one.is_before(known):
                    found[text] = one
                asked = frozenset()
    return list(found.values())


def _contents(texts: Sequence[str]) -> set[int]:
    """Return which of a passage's sentences are lines of a table of contents.

    They have leaders to the page, or are three titles and more with pages that do not fall.
    """
    found = {index for index, text in enumerate(texts) if _LEADERS.search(text)}
    run: list[int] = []
    last = 0
    for index, text in enumerate(texts):
        entry = None if "|" in text else _PAGE.search(text[-_LONGEST_ENTRY:])
        page = int(entry[1]) if entry else 0
        if entry is None or page < last:
            run = []
        if entry:
            run.append(index)
        last = page
        if len(run) >= 3:
            found.update(run)
    return found


def _finder(words: Iterable[str], language: str) -> Callable[[str], frozenset[str]]:
    """Return what tells which of these words a text holds."""
    wanted = {word: stems for word in words if (stems := _stems(word, language))}

    def holds(text: str) -> frozenset[str]:
        there = _stems(text, language)
        return frozenset(word for word, stems in wanted.items() if stems <= there)

    return holds


def _stems(text: str, language: str) -> set[int]:
    return set(question_keywords(text, [language]).indices)


def _shares(words: Iterable[str], sentences: Sequence[_Sentence]) -> list[float]:
    """Return the share of these words that each sentence holds, weighted by their rarity."""
    having = Counter(word for one in sentences for word in one.held)
    count = len(sentences)
    weights = {word: log(1 + (count - having[word] + 0.5) / (having[word] + 0.5)) for word in words}
    whole = sum(weights.values()) or 1.0
    return [sum(weights[word] for word in one.held) / whole for one in sentences]


def _completed(words: Iterable[str], sentence: _Sentence) -> str:
    """Return a sentence as it would read on its own, LONGEST_COMPARED of it."""
    topic = " ".join(word for word in words if word in sentence.understood)
    text = sentence.text[:LONGEST_COMPARED]
    return f"{topic}: {text}" if topic else text
