"""Sentences of passages, scored by how well each answers a question. What each rule buys is in
bench/README.md and docs/retrieval.md."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import log

from assistant.sentences import sentence_spans
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors
from ingest.index.keywords import question_keywords, word_terms, words_of

TOPIC_SHARE = 0.1
"""Share of a passage's sentences, two at least, that hold a word that the passage is about."""

LONGEST_COMPARED = 350
"""Characters of a sentence that are compared by their vector. Where nothing marks the end of
one, a whole passage is a sentence, and embedding it takes a tenth of a second."""

_HEADING = re.compile(r"\s*(#{1,6}(?=\s)|=[ =]*+(?=[^=\n]+=[ =]*$))")
_QUESTION = re.compile(r"[?？؟][\"'”’»)\]*_」』]*$")
_LEADERS = re.compile(r"(?:\.{5}|(?: \.){4}|…{3})[\s.…]*\d{1,4}$")
_ENTRY = re.compile(r"\d[\d.]*[.)]?\s.{0,100}\s(\d{1,3})$")
"""A numbered line of a table of contents: a title and a page, and no mark that ends it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer a question, verbatim: `passage.text[start:end]`.

    Attributes:
        cosine: between the question and the sentence as it reads on its own.
        overlap: share of the question's words that it holds, weighted by their rarity.
        coverage: share of the question's words that its passage holds.
    """

    passage: Passage
    start: int
    end: int
    cosine: float
    overlap: float
    coverage: float

    @property
    def text(self) -> str:
        return self.passage.text[self.start : self.end]

    @property
    def score(self) -> float:
        """How well it answers, about 0 to 1."""
        return (self.cosine + self.overlap) / 2


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


@dataclass(frozen=True, slots=True)
class Likely:
    """A sentence that has many of a question's words; the rest as in `Candidate`.

    Attributes:
        text: the sentence as it reads on its own, LONGEST_COMPARED of it.
    """

    passage: Passage
    start: int
    end: int
    text: str
    overlap: float
    coverage: float


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
    return compared(likely(question, passages, most), question_vector, embed)


def likely(question: str, passages: Sequence[Passage], most: int) -> list[Likely]:
    """Return the `most` sentences with the most of the question's words.

    Words are there at once; vectors, by which `compared` orders these, take their time.
    """
    words = _words(question, {passage.language for passage in passages})
    sentences = _sentences(words, passages)
    overlaps = _overlaps(words, sentences)
    order = sorted(range(len(sentences)), key=lambda index: -overlaps[index])[:most]
    return [
        Likely(
            one.passage,
            one.start,
            one.end,
            _completed(words, one),
            overlaps[index],
            len(one.around) / len(words) if words else 0.0,
        )
        for index in order
        for one in (sentences[index],)
    ]


def compared(
    found: Sequence[Likely],
    question_vector: Vectors,
    embed: Callable[[Sequence[str]], Vectors],
) -> list[Candidate]:
    """Return these sentences compared with the question, best first; the rest as `candidates`."""
    if not found:
        return []
    cosines = embed([one.text for one in found]) @ question_vector
    by_cosine = [
        Candidate(one.passage, one.start, one.end, float(cosine), one.overlap, one.coverage)
        for one, cosine in zip(found, cosines, strict=True)
    ]
    return sorted(by_cosine, key=lambda one: (-one.score, one.passage.number, one.start))


def _words(question: str, languages: Collection[str]) -> list[str]:
    """Return the different words of a question that are no stop words of its language."""
    wanted = set(question_keywords(question, languages).indices)
    found: dict[frozenset[int], str] = {}
    for word in words_of(question):
        terms = frozenset[int]().union(*(word_terms(word, language) for language in languages))
        if not wanted.isdisjoint(terms):
            found.setdefault(terms, word)
    return list(found.values())


def _sentences(words: Sequence[str], passages: Iterable[Passage]) -> list[_Sentence]:
    """Return what may answer, each once.

    Headings and tables of contents tell nothing by themselves, and questions ask: they are
    taken only where there is nothing else, as in an exam. A text that stands in several places
    of a document, with the same understood there, is taken from the first one.
    """
    found: dict[tuple[str, frozenset[str]], _Sentence] = {}
    others: dict[tuple[str, frozenset[str]], _Sentence] = {}
    for passage in passages:
        for one, answers in _sentences_of(passage, words):
            place, key = found if answers else others, (one.text, one.understood)
            known = place.get(key)
            if known is None or one.is_before(known):
                place[key] = one
    return list((found or others).values())


def _sentences_of(passage: Passage, words: Sequence[str]) -> Iterator[tuple[_Sentence, bool]]:
    """Yield a passage's sentences, and whether each may answer by itself."""
    holds = _finder(words, passage.language)
    spans = sentence_spans(passage.text)
    texts = [passage.text[start:end] for start, end in spans]
    held = [holds(text) for text in texts]
    often = Counter(word for one in held for word in one)
    around = frozenset(often)
    topic = {word for word in often if often[word] >= max(2, TOPIC_SHARE * len(held))}
    headings = _headings(passage, texts, holds)
    contents = _contents(texts)
    asked = frozenset[str]()
    for index, ((start, end), text, own) in enumerate(zip(spans, texts, held, strict=True)):
        if not any(map(str.isalnum, text)):
            continue  # a rule, or the line under a table's header
        understood = (headings[index] | asked | topic) - own
        heading, question = _HEADING.match(text), _QUESTION.search(text)
        answers = not heading and not question and index not in contents
        yield _Sentence(passage, start, end, own, understood, around), answers
        asked = own if question else frozenset()


def _headings(
    passage: Passage, texts: Sequence[str], holds: Callable[[str], frozenset[str]]
) -> list[frozenset[str]]:
    """Return, for each of a passage's sentences, the words that the headings above it hold."""
    known = holds(" ".join(passage.heading))
    # They are the headings of the chunk that was found, which need not be the first one here.
    own = any(_HEADING.match(text) for text in texts)
    above: list[tuple[int, frozenset[str]]] = [] if own else [(0, known)]
    found = []
    for text in texts:
        if heading := _HEADING.match(text):
            level = heading[1].count(heading[1][0])
            above = [one for one in above if one[0] < level]
            same = passage.heading and text.strip("#= \t") == passage.heading[-1]
            above.append((level, known if same else holds(text)))
        found.append(frozenset[str]().union(*(held for _, held in above)))
    return found


def _contents(texts: Sequence[str]) -> set[int]:
    """Return which of a passage's sentences are lines of a table of contents.

    They have leaders to the page, or are three numbered titles and more with pages that do not
    fall.
    """
    found = {index for index, text in enumerate(texts) if _LEADERS.search(text)}
    run: list[int] = []
    last = 0
    for index, text in enumerate(texts):
        entry = _ENTRY.fullmatch(text)
        page = int(entry[1]) if entry else 0
        run = [*(run if page >= last else []), index] if entry else []
        last = page
        if len(run) >= 3:
            found.update(run)
    return found


def _finder(words: Iterable[str], language: str) -> Callable[[str], frozenset[str]]:
    """Return what tells which of these words a text holds, accented or not."""
    wanted: dict[int, list[str]] = {}
    for word in words:
        for term in word_terms(word, language):
            wanted.setdefault(term, []).append(word)

    def holds(text: str) -> frozenset[str]:
        there = {
            term
            for word in set(words_of(text, ideographs=True))
            for term in word_terms(word, language)
        }
        return frozenset(word for term in there & wanted.keys() for word in wanted[term])

    return holds


def _overlaps(words: Iterable[str], sentences: Sequence[_Sentence]) -> list[float]:
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
