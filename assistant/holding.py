"""What a source holds of a sentence, and what it lacks. Pure."""

from collections.abc import Sequence
from math import ceil

from assistant.sources import Items, Source, SourceSentence
from assistant.terms import Kind, Term

_ROOT = 5
"""Letters, at least, that two words of one root begin with."""

_EXTENSIONS = 2
"""Further sentences of the same sources that may complete the best window."""


def extended(items: Items, held: int, pool: list[Source]) -> list[SourceSentence]:
    """Return the sentences that hold most of what `held` (a bit for each item) lacks.

    A number is taken from another sentence only together with a word that stands beside it
    in the claim.
    """
    chosen: list[SourceSentence] = []
    candidates = [sentence for source in pool for sentence in source.sentences]
    for _ in range(_EXTENSIONS):
        best, gained = None, 0
        for sentence in candidates:
            new = items.held_by(sentence) & ~held
            for bit, term in enumerate(items):
                if new >> bit & 1 and term.quantity is not None:
                    beside = [
                        items[i]
                        for i in (bit - 2, bit - 1, bit + 1, bit + 2)
                        if 0 <= i < len(items)
                    ]
                    if not any(sentence.holds(other) for other in beside):
                        new &= ~(1 << bit)
            if new.bit_count() > gained:
                best, gained = sentence, new.bit_count()
        if best is None:
            break
        chosen.append(best)
        held |= items.held_by(best)
    return chosen


def is_strict(term: Term) -> bool:
    """Whether a term is one that nothing else can stand for."""
    return term.kind in (Kind.NAME, Kind.QUANTITY)


def is_derived(term: Term, source: Sequence[Term]) -> bool:
    """Whether the source has another word of the same root ("Japan", "Japanese")."""
    if term.kind == Kind.QUANTITY or len(term.text) < _ROOT:
        return False
    return any(
        other.stem is not None
        and term.text.startswith(other.text[: max(_ROOT, ceil(0.6 * len(other.text)))])
        and other.text.startswith(term.text[: max(_ROOT, ceil(0.6 * len(term.text)))])
        and len(other.text) >= _ROOT
        for other in source
    )


def longest_run(bits: Sequence[int]) -> int:
    """Return the length of the longest run of numbers in a row."""
    longest = run = 0
    previous = -2
    for bit in bits:
        run = run + 1 if bit == previous + 1 else 1
        longest, previous = max(longest, run), bit
    return longest
