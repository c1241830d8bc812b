"""Which place of a sentence a name, a number or a word fills. Pure.

A changed number and a swapped name leave the words around them as they were. So where a
claim's value stands between the same words as another value of the source, and its own is
not there, the claim has the wrong one, even when its own stands somewhere else.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise

from assistant.terms import Kind, Term, same

_REACH = 3
"""Terms on each side that make a place."""

_SURE = 1.5
"""Likeness of two places (a content word counts 1, a function word or an edge a half) from
which a value in one of them competes for the other."""

Phrase = tuple[int, int]
"""First and last (exclusive) index of the terms of one name or quantity."""


def phrases(found: Sequence[Term]) -> list[Phrase]:
    """Return names, as long as they are, and quantities of a sentence."""
    result: list[Phrase] = []
    index = 0
    while index < len(found):
        first = index
        if found[index].kind == Kind.NAME:
            while (
                index + 1 < len(found)
                and found[index + 1].kind == Kind.NAME
                and not found[index + 1].breaks
            ):
                index += 1
            result.append((first, index + 1))
        elif found[index].quantity is not None:
            result.append((first, index + 1))
        index += 1
    return result


def misplaced(claim: Sequence[Term], source: Sequence[Term]) -> bool:
    """Whether a name or number of the claim stands where the source has another one."""
    theirs = phrases(source)
    for mine in phrases(claim):
        own = [place for place in theirs if _equal(claim, mine, source, place)]
        # "73 metres (240 ft)" are one place.
        rivals = [
            place
            for place in theirs
            if place not in own
            and _comparable(claim, mine, source, place)
            and not any(_joined(source, place, other) for other in own)
        ]
        kept = max((_alike(claim, mine, source, place) for place in own), default=0.0)
        taken = max((_alike(claim, mine, source, place) for place in rivals), default=0.0)
        if taken >= _SURE and taken > kept + 0.5 and kept < _SURE:
            return True
    return False


def other_amount(claim: Sequence[Term], main: Sequence[Term]) -> bool:
    """Whether the claim gives an amount that a sentence lacks which gives another in its unit.

    Args:
        main: the terms of the sentence that says most of the claim.
    """
    theirs = [term for term in main if term.quantity is not None and _lacks(term, claim)]
    for index, term in enumerate(claim):
        if term.quantity is None or not _lacks(term, main):
            continue
        for other in theirs:
            if other.quantity is None:
                continue
            if term.quantity.unit is not None and term.quantity.unit == other.quantity.unit:
                return True
            if _same_noun(claim, index, main, main.index(other)):
                return True
    return False


def opposed_bounds(claim: Sequence[Term], source: Sequence[Term]) -> bool:
    """Whether the claim says "at least" of a number of which the source says "at most"."""
    for ours in claim:
        if ours.quantity is None or ours.quantity.bound is None:
            continue
        matching = [
            theirs.quantity
            for theirs in source
            if theirs.quantity is not None and same(ours, theirs)
        ]
        if matching and all(
            other.bound is not None and other.bound != ours.quantity.bound for other in matching
        ):
            return True
    return False


def substituted(claim: Sequence[Term], main: Sequence[Term]) -> set[int]:
    """Return indices of words of the claim in whose place the source has another word.

    Beside the same content word stands, on the same side, a word of the source that the claim
    lacks; and the claim's word is not in the sentence, or on the other side of that word.

    Args:
        main: the terms of one sentence.
    """
    found: set[int] = set()
    ours = [i for i, term in enumerate(claim) if term.counts and term.kind != Kind.FUNCTION]
    theirs = [i for i, term in enumerate(main) if term.counts and term.kind != Kind.FUNCTION]
    for step in (-1, 1):
        for at, index in enumerate(ours):
            beside = at + step
            if not 0 <= beside < len(ours) or _parted(claim, index, ours[beside]):
                continue
            mine = claim[ours[beside]]
            if mine.kind == Kind.QUANTITY:
                continue
            anchors = [place for place in theirs if same(claim[index], main[place])]
            mines = [place for place in theirs if same(mine, main[place])]
            if any((there - anchor) * step > 0 for there in mines for anchor in anchors):
                continue
            for anchor in anchors:
                next_to = theirs.index(anchor) + step
                if (
                    0 <= next_to < len(theirs)
                    and not _parted(main, anchor, theirs[next_to])
                    and _lacks(main[theirs[next_to]], claim)
                ):
                    found.add(ours[beside])
    return found


def exchanged(claim: Sequence[Term], source: Sequence[Term]) -> bool:
    """Whether two values of the claim have changed places: each stands beside the words that
    the other one stands beside in the source."""
    ours, theirs = phrases(claim), phrases(source)
    pairs = []
    for mine in ours:
        places = [place for place in theirs if _equal(claim, mine, source, place)]
        if len(places) == 1 and not any(
            other != mine and _equal(claim, other, source, places[0]) for other in ours
        ):
            pairs.append((mine, places[0]))
    for (mine, place), (other, its_place) in combinations(pairs, 2):
        joined = _joined(claim, mine, other) or _joined(source, place, its_place)
        if joined or not _comparable(claim, mine, source, its_place):
            continue
        straight = _near(claim, mine, source, place) + _near(claim, other, source, its_place)
        crossed = _near(claim, mine, source, its_place) + _near(claim, other, source, place)
        turned = (other[0] > mine[0]) != (its_place[0] > place[0])
        if crossed >= _SURE and crossed >= 2 * straight:
            return True
        if turned and crossed >= straight and _in_order(claim, source):
            return True
    return False


def _in_order(claim: Sequence[Term], source: Sequence[Term]) -> bool:
    """Whether the words that both sides have as often stand in the same order."""
    ours: dict[object, list[int]] = {}
    theirs: dict[object, list[int]] = {}
    for found, places in ((claim, ours), (source, theirs)):
        for index, term in enumerate(found):
            if term.kind == Kind.WORD:
                places.setdefault(term.stem, []).append(index)
    both = sorted(
        pair
        for root, places in ours.items()
        if len(places) == len(theirs.get(root, []))
        for pair in zip(places, theirs[root], strict=True)
    )
    return len(both) >= 3 and all(first[1] < second[1] for first, second in pairwise(both))


def _near(claim: Sequence[Term], mine: Phrase, source: Sequence[Term], place: Phrase) -> float:
    """Return how near the same words stand to two phrases, whatever their order."""
    ours, theirs = _company(claim, mine), _company(source, place)
    return sum(
        max((min(near, there) for other, there in theirs if same(term, other)), default=0.0)
        for term, near in ours
    )


def _company(found: Sequence[Term], phrase: Phrase) -> list[tuple[Term, float]]:
    """Return the content terms within three places of a phrase, by 1 / distance.

    Punctuation between counts as two places.
    """
    company = []
    for edge, step in ((phrase[0], -1), (phrase[1] - 1, 1)):
        distance = 0
        index = edge + step
        while 0 <= index < len(found) and distance < _REACH:
            distance += 3 if found[max(index, index - step)].breaks else 1
            if distance <= _REACH and found[index].counts and found[index].kind != Kind.FUNCTION:
                company.append((found[index], 1 / distance))
            index += step
    return company


def _joined(found: Sequence[Term], first: Phrase, second: Phrase) -> bool:
    """Whether two phrases stand side by side or are parts of one date."""
    earlier, later = sorted((first, second))
    between = found[earlier[1] : later[0]]
    return all(
        term.quantity is not None and any(kind == "month" for kind, _ in term.quantity.keys)
        for term in between
    )


def _parted(found: Sequence[Term], first: int, second: int) -> bool:
    """Whether punctuation stands between two terms."""
    low, high = sorted((first, second))
    return any(term.breaks for term in found[low + 1 : high + 1])


def _same_noun(claim: Sequence[Term], ours: int, main: Sequence[Term], theirs: int) -> bool:
    """Whether two quantities are followed by the same word."""
    if ours + 1 >= len(claim) or theirs + 1 >= len(main):
        return False
    noun, other = claim[ours + 1], main[theirs + 1]
    return noun.kind in (Kind.WORD, Kind.NAME) and not noun.breaks and same(noun, other)


def _lacks(term: Term, others: Sequence[Term]) -> bool:
    return term.counts and not any(same(term, other) for other in others)


def _equal(claim: Sequence[Term], ours: Phrase, source: Sequence[Term], theirs: Phrase) -> bool:
    """Whether one phrase holds the other ("Veit", "Clara Veit")."""
    first, second = claim[slice(*ours)], source[slice(*theirs)]
    shorter, longer = (first, second) if len(first) <= len(second) else (second, first)
    return all(any(same(term, other) for other in longer) for term in shorter)


def _comparable(
    claim: Sequence[Term], ours: Phrase, source: Sequence[Term], theirs: Phrase
) -> bool:
    first, second = claim[ours[0]], source[theirs[0]]
    if first.quantity is None or second.quantity is None:
        return first.kind == second.kind == Kind.NAME
    kinds = {kind for kind, _ in first.quantity.keys} & {kind for kind, _ in second.quantity.keys}
    return bool(kinds) and first.quantity.unit == second.quantity.unit


def _alike(claim: Sequence[Term], ours: Phrase, source: Sequence[Term], theirs: Phrase) -> float:
    """Return how much of what stands around two phrases is the same, outwards from them."""
    total = 0.0
    for our_edge, their_edge, step in ((ours[0], theirs[0], -1), (ours[1] - 1, theirs[1] - 1, 1)):
        for distance in range(1, _REACH + 1):
            i, j = our_edge + step * distance, their_edge + step * distance
            inside, there = 0 <= i < len(claim), 0 <= j < len(source)
            if not inside or not there:
                total += 0.5 if inside == there else 0.0
                break
            if not same(claim[i], source[j]):
                break
            total += 0.5 if claim[i].kind == Kind.FUNCTION else 1.0
    return total
