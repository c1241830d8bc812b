"""Which words may stand for which, by their vectors."""

from collections.abc import Callable, Sequence

from assistant.terms import Kind, Term
from ingest.index.embedding import Vectors

_RELATED = 0.5
"""Cosine of two words' vectors from which one may stand for the other."""

_COMPARED = 24
"""Words of a source, at most, that are compared by their vectors."""

Embed = Callable[[Sequence[str]], Vectors]


class Relatedness:
    """Tells words that mean something near ("guests", "visitors") from foreign ones.

    Args:
        embed: texts to unit vectors; without it, no word is related to another.
    """

    def __init__(self, embed: Embed | None) -> None:
        self._embed = embed
        self._vectors: dict[str, Vectors] = {}

    def unrelated(self, words: Sequence[Term], source: Sequence[Term]) -> set[str]:
        """Return which of these words no word of a source comes near to."""
        ours = list(dict.fromkeys(term.text for term in words))
        theirs = list(dict.fromkeys(term.text for term in source if term.kind == Kind.WORD))[
            :_COMPARED
        ]
        if self._embed is None or not theirs:
            return set(ours)
        unknown = [word for word in (*ours, *theirs) if word not in self._vectors]
        if unknown:
            self._vectors |= zip(unknown, self._embed(unknown), strict=True)
        near = {
            word: max(float(self._vectors[word] @ self._vectors[other]) for other in theirs)
            for word in ours
        }
        return {word for word in ours if near[word] < _RELATED}
