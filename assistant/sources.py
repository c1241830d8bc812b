"""Passages made ready for comparing: their sentences as terms. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

from assistant.sentences import sentence_spans
from assistant.terms import Kind, Stem, Term, same, terms
from ingest.index.documents import Passage

_WINDOW = 3
"""Neighbouring sentences that may carry one sentence of an answer together."""

_FURTHER = 0.05
"""Share of a claim that each further sentence of a window must add to be worth its length."""


@dataclass(frozen=True, eq=False)
class SourceSentence:
    """One sentence of a passage; `start` and `end` are characters of the passage's text."""

    start: int
    end: int
    terms: Sequence[Term]
    stems: frozenset[Stem]
    quantities: Sequence[Term]

    def holds(self, term: Term) -> bool:
        """Whether a term stands in this sentence."""
        if term.quantity is not None and any(same(term, other) for other in self.quantities):
            return True
        return term.stem is not None and term.stem in self.stems


class Items(Sequence[Term]):
    """The terms of a claim that its source must hold; a set of them is a number, a bit each."""

    def __init__(self, found: Iterable[Term]) -> None:
        self._terms = list(found)
        self._counted = [
            (1 << bit, term) for bit, term in enumerate(self._terms) if term.quantity is not None
        ]
        self._bits: dict[Stem, int] = {}
        for bit, term in enumerate(self._terms):
            if term.stem is not None:
                self._bits[term.stem] = self._bits.get(term.stem, 0) | 1 << bit
        self._stems = frozenset(self._bits)
        self._held: dict[SourceSentence, int] = {}

    @overload
    def __getitem__(self, index: int) -> Term: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Term]: ...

    def __getitem__(self, index: int | slice) -> Term | Sequence[Term]:
        return self._terms[index]

    def __len__(self) -> int:
        return len(self._terms)

    def held_by(self, sentence: SourceSentence) -> int:
        """Return which of them a sentence holds: `sentence.holds(term)` for all at once."""
        if (known := self._held.get(sentence)) is not None:
            return known
        held = 0
        for stem in self._stems & sentence.stems:
            held |= self._bits[stem]
        for bit, term in self._counted:
            if sentence.holds(term):
                held |= bit
        self._held[sentence] = held
        return held


@dataclass(frozen=True, slots=True)
class Window:
    """A run of sentences of one passage, and which terms of a claim it holds (a bit each)."""

    source: "Source"
    first: int
    last: int
    held: int
    worth: float

    @property
    def sentences(self) -> Sequence[SourceSentence]:
        return self.source.sentences[self.first : self.last + 1]

    @property
    def text(self) -> str:
        """The text from its first sentence to its last."""
        return self.source.passage.text[self.sentences[0].start : self.sentences[-1].end]

    def overlaps(self, other: "Window") -> bool:
        """Whether two windows share a sentence."""
        if self.source is not other.source:
            return False
        return self.first <= other.last and other.first <= self.last

    @property
    def terms(self) -> list[Term]:
        """The terms of all its sentences, in order."""
        return [term for sentence in self.sentences for term in sentence.terms]


@dataclass(frozen=True, eq=False)
class Source:
    """A passage, read as sentences when it is first needed."""

    passage: Passage

    @cached_property
    def sentences(self) -> list[SourceSentence]:
        text = self.passage.text
        found = []
        for start, end in sentence_spans(text):
            read = terms(text[start:end])
            if read:
                # In a window, a sentence's first word does not continue the one before.
                read[0] = replace(read[0], breaks=True)
            stems = frozenset(term.stem for term in read if term.stem is not None)
            counted = [term for term in read if term.quantity is not None]
            found.append(SourceSentence(start, end, read, stems, counted))
        return found

    @cached_property
    def around(self) -> frozenset[Stem]:
        """Stems of the headings above the passage and of its document's name."""
        above = terms(" . ".join((*self.passage.heading, self.passage.document)))
        return frozenset(term.stem for term in above if term.stem is not None)

    @cached_property
    def _stems(self) -> frozenset[Stem]:
        return frozenset().union(*(sentence.stems for sentence in self.sentences))

    def holds(self, term: Term) -> bool:
        """Whether a term stands in one of the sentences."""
        if term.quantity is None:
            return term.stem is not None and term.stem in self._stems
        return any(sentence.holds(term) for sentence in self.sentences)

    def windows(self, items: Items) -> Iterator[Window]:
        """Yield every run of up to three sentences with what it holds of `items`."""
        held = [items.held_by(sentence) for sentence in self.sentences]
        count = max(1, len(items))
        for first in range(len(held)):
            together = 0
            for last in range(first, min(first + _WINDOW, len(held))):
                together |= held[last]
                share = together.bit_count() / count
                yield Window(self, first, last, together, share - _FURTHER * (last - first))


def content(found: Sequence[Term]) -> Items:
    """Return the terms of a sentence that its source must hold."""
    return Items(term for term in found if term.counts and term.kind != Kind.FUNCTION)
