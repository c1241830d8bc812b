"""What a sentence denies, and whether two sentences deny the same. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from assistant.lexicon import DENIALS, NEGATIONS, OPPOSITES
from assistant.terms import Kind, Stem, Term, same, stem

_SCOPE = 4
"""Content words that a negation reaches at most."""

_STOPS = frozenset("but because although though which who whom whose when while if and or".split())
"""Words at which a negation's reach ends."""

_UNDOING = frozenset("until till unless except without before but".split())
"""After these, what was denied is said after all ("not automatic until 1986")."""

COMPARATIVES = frozenset(
    "more less fewer later earlier longer greater higher lower larger smaller".split()
)

_VERBS = frozenset(("lasts", "lasted", "lasting"))
"""Words that only look like an opposite ("last")."""

_SMALL_OPPOSITES = {
    first: second
    for pair in ("before after", "above below", "over under", "with without", "inside outside")
    for first, second in (pair.split(), reversed(pair.split()))
}

_PREFIX = re.compile(r"^(?:un|in|im|il|ir|dis|non|mis)(?=\w{4})")


@dataclass(frozen=True, slots=True)
class Denial:
    """One negation.

    Attributes:
        reach: indices of the content terms it may deny, the most direct one first.
        firm: whether it surely denies them. "Not … until", "no more than" and words such as
            "forbidden", which may stand behind what they deny, are not firm: what they reach
            is neither said nor denied.
        nominal: whether a noun is denied ("no lift") and not a verb.
        nominal: whether it denies a noun ("no lift") and not a verb.
    """

    reach: tuple[int, ...]
    firm: bool
    nominal: bool = False


def denials(found: Sequence[Term]) -> list[Denial]:
    """Return the negations of a sentence."""
    result = []
    for index, term in enumerate(found):
        if _denies(term.text) and not _is_comparison(found, index):
            reach = _reach(found, index)
            if reach:
                firm = not _is_taken_back(found, index) and not _is_limit(found, reach)
                result.append(Denial(reach, firm, nominal=term.text == "no"))
        elif term.text in DENIALS:
            after = _reach(found, index)
            result.append(Denial((*after, *_clause_before(found, index)), firm=False))
    return result


def contradicts(claim: Sequence[Term], source: Sequence[Term]) -> bool:
    """Whether one side denies what the other side says."""
    ours, theirs = denials(claim), denials(source)
    if not ours and not theirs:
        return False
    return _clash(claim, ours, source, theirs, governed=False) or _clash(
        source, theirs, claim, ours, governed=True
    )


def opposites(claim: Sequence[Term], source: Sequence[Term]) -> bool:
    """Whether the claim puts a word where the source has its opposite, both denied or neither."""
    our_stems = {term.stem for term in claim if term.stem is not None}
    their_stems = {term.stem for term in source if term.stem is not None}
    our_denied = _denied_stems(claim)
    their_denied = _denied_stems(source)
    for term in claim:
        if term.stem is None or term.stem in their_stems or term.text in _VERBS:
            continue
        against = _opposed_to().get(term.stem, frozenset())
        # The source that says "start … end" also has a word of the claim's "begin".
        beside = frozenset(
            root for other in against for root in _opposed_to().get(other, frozenset())
        )
        if beside & their_stems:
            continue
        for opposite in ((against | _prefixed(term, source)) & their_stems) - our_stems:
            if (term.stem in our_denied) == (opposite in their_denied):
                return True
    return _small_opposites(claim, source)


def _small_opposites(claim: Sequence[Term], source: Sequence[Term]) -> bool:
    """Whether a preposition stands where the source has its opposite, before the same word."""
    for ours, word in enumerate(claim):
        opposite = _SMALL_OPPOSITES.get(word.text)
        following = _following(claim, ours)
        if opposite is None or following is None:
            continue
        theirs = [
            other.text
            for place, other in enumerate(source)
            if other.text in (word.text, opposite)
            and (after := _following(source, place)) is not None
            and same(following, after)
        ]
        if theirs and word.text not in theirs:
            return True
    return False


def _following(found: Sequence[Term], index: int) -> Term | None:
    """Return the next term that is no function word."""
    for term in found[index + 1 : index + 4]:
        if term.kind != Kind.FUNCTION:
            return term
    return None


def _denied_stems(found: Sequence[Term]) -> set[Stem | None]:
    return {found[index].stem for denial in denials(found) for index in denial.reach}


def _denies(word: str) -> bool:
    return word in NEGATIONS or word.endswith(("n't", "n’t"))


def _reach(found: Sequence[Term], index: int) -> tuple[int, ...]:
    reached: list[int] = []
    for after in range(index + 1, len(found)):
        other = found[after]
        ends = other.breaks or other.text in _STOPS
        if (ends and reached) or other.text in _UNDOING or len(reached) == _SCOPE:
            break
        if other.kind != Kind.FUNCTION:
            reached.append(after)
    return tuple(reached)


def _clause_before(found: Sequence[Term], index: int) -> tuple[int, ...]:
    reached: list[int] = []
    for before in range(index - 1, -1, -1):
        if found[before].kind != Kind.FUNCTION:
            reached.append(before)
        if found[before].text in _STOPS - {"and", "or"}:
            break
    return tuple(reached)


def _is_comparison(found: Sequence[Term], index: int) -> bool:
    """Whether a negation belongs to "not only", "no later than" or a number's "No."."""
    term = found[index]
    if term.text not in ("not", "no"):
        return False
    following = found[index + 1] if index + 1 < len(found) else None
    if following is None:
        return True
    if following.text in COMPARATIVES:
        return any(other.text == "than" for other in found[index + 2 : index + 4])
    numbered = term.text == "no" and following.quantity is not None
    return numbered or following.text in ("only", "least", "just", "merely")


def _is_limit(found: Sequence[Term], reach: tuple[int, ...]) -> bool:
    """Whether "more than" a number is denied ("shall not rise by more than 12 %")."""
    for index in range(reach[0], min(reach[-1] + 4, len(found) - 1)):
        if index > reach[0] and (found[index].breaks or found[index].text in _STOPS):
            return False
        if found[index].text in COMPARATIVES and found[index + 1].text == "than":
            return True
    return False


def _is_taken_back(found: Sequence[Term], index: int) -> bool:
    for after in range(index + 1, min(index + 14, len(found))):
        if found[after].breaks and after > index + 1:
            return False
        if found[after].text in _UNDOING and found[after].text != "but":
            return True
    return False


def _clash(
    ours: Sequence[Term],
    our_denials: Sequence[Denial],
    theirs: Sequence[Term],
    their_denials: Sequence[Denial],
    governed: bool,
) -> bool:
    """Whether something that we deny is said by them without denial.

    Args:
        governed: whether it is enough that they say what the denied word governs: "not
            allowed to leave the tower" against "may leave the tower".
    """
    their_denied = {index for denial in their_denials for index in denial.reach}
    for denial in our_denials:
        if not denial.firm:
            continue
        there = [(i, places) for i in denial.reach if (places := _places(ours[i], theirs))]
        if not there or 2 * len(there) < len(denial.reach):
            continue
        first, places = there[0]
        direct = first == denial.reach[0] and (
            2 * len(there) > len(denial.reach) or not denial.nominal
        )
        follows = governed and not their_denials and len(there) >= 2 and first == denial.reach[1]
        if not (direct or follows):
            continue
        # Of several places that have the word, those count that are most alike.
        alike = {place: _neighbours(ours, first, theirs, place) for place in places}
        most = max(alike.values())
        if not any(place in their_denied for place in places if alike[place] == most):
            return True
    return False


def _places(term: Term, others: Sequence[Term]) -> list[int]:
    return [i for i, other in enumerate(others) if term.stem is not None and same(term, other)]


def _neighbours(ours: Sequence[Term], mine: int, theirs: Sequence[Term], place: int) -> int:
    """Return how many of the content words beside one term stand beside the other."""
    return sum(
        any(same(first, second) for second in _beside(theirs, place, step))
        for step in (-1, 1)
        for first in _beside(ours, mine, step)
    )


def _beside(found: Sequence[Term], index: int, step: int) -> list[Term]:
    """Return the two next terms on one side that are no function words."""
    side = found[index + 1 :] if step > 0 else found[:index][::-1]
    return [term for term in side if term.kind != Kind.FUNCTION][:2]


def _prefixed(term: Term, source: Sequence[Term]) -> frozenset[Stem]:
    """Return stems of the source that are this word without, or with, a negating prefix."""
    found: set[Stem] = set()
    bare = _PREFIX.sub("", term.text)
    if bare != term.text and (root := stem(bare)) is not None:
        found.add(root)
    for other in source:
        stripped = _PREFIX.sub("", other.text)
        if stripped != other.text and other.stem is not None and stem(stripped) == term.stem:
            found.add(other.stem)
    return frozenset(found)


@cache
def _opposed_to() -> dict[Stem, frozenset[Stem]]:
    table: dict[Stem, set[Stem]] = {}
    for first, second in OPPOSITES:
        ours, theirs = stem(first), stem(second)
        if ours is not None and theirs is not None:
            table.setdefault(ours, set()).add(theirs)
            table.setdefault(theirs, set()).add(ours)
    return {root: frozenset(against) for root, against in table.items()}
