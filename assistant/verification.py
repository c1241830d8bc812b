"""A sentence and the passages that it cites: do they say it?

Words are compared by their stems; numbers, dates, names, units and negations as such. What a
verdict means, and how often it is right, is in docs/checking.md.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from assistant.holding import extended, is_derived, is_strict, longest_run
from assistant.negation import contradicts, opposites
from assistant.relatedness import Embed, Relatedness
from assistant.slots import exchanged, misplaced, opposed_bounds, other_amount, phrases, substituted
from assistant.sources import Items, Source, Window, content
from assistant.terms import Kind, Term, terms
from ingest.index.documents import Passage

_LACKING = 0.15
"""Share of a supported sentence's content words that its source may lack."""

_LITTLE = 0.5
"""Share of a sentence's content words below which a source says nothing of it."""

_ADDITION = 2
"""Content words in a row, unrelated to the source, that make an invented detail."""

_AS_GOOD = 0.15
"""Windows this close to the best one are judged too."""

_JUDGED = 3
_LIST_MARK = re.compile(r"^\s*(?:[-*+•]|(?P<number>\d{1,3})[.)])\s+")


class Support(StrEnum):
    """What a check found."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    UNSUPPORTED = "unsupported"
    UNCITED = "uncited"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The span of a passage's text that comes nearest to a sentence.

    Attributes:
        number: the passage's.
        share: of the sentence's content words, how many the span holds.
    """

    number: int
    start: int
    end: int
    share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the passages say of one sentence.

    Attributes:
        evidence: for each passage that the sentence cites, in order. For a sentence that
            cites none: the passage that says it, if one does.
    """

    support: Support
    evidence: tuple[Evidence, ...]


class Checker:
    """Checks the sentences of one answer.

    Args:
        passages: those that the model was shown.
        embed: texts to unit vectors. With it, words are told apart that mean something
            near ("guests", "visitors") from words that have nothing to do with the source.
    """

    def __init__(self, passages: Sequence[Passage], embed: Embed | None = None) -> None:
        self._sources = {passage.number: Source(passage) for passage in passages}
        self._relatedness = Relatedness(embed)

    def check(self, sentence: str, numbers: Sequence[int] = ()) -> Verdict:
        """Compare a sentence, without its citation marks, with the passages it cites.

        Args:
            numbers: cited passages; others than those shown are ignored. Where none is
                left, all that were shown are looked at: the verdict then is `uncited`,
                unless one of them says it at least in part.
        """
        cited = [number for number in numbers if number in self._sources]
        pool = [self._sources[number] for number in cited or self._sources]
        claim = terms(self._without_list_mark(sentence, pool))
        items = content(claim)
        if not items:
            support = Support.UNSUPPORTED if cited else Support.UNCITED
            return Verdict(support, tuple(_whole(self._sources[number]) for number in cited))
        nearest = [best for source in pool if (best := _best(source, items)) is not None]
        support = self._judge(claim, items, pool)
        evidence = {window.source.passage.number: _evidence(window, items) for window in nearest}
        if cited:
            found = [evidence.get(n) or _whole(self._sources[n]) for n in dict.fromkeys(cited)]
            return Verdict(support, tuple(found))
        # One word or number alone stands somewhere by chance.
        if support == Support.UNSUPPORTED or not nearest or len(items) == 1:
            return Verdict(Support.UNCITED, ())
        best = max(nearest, key=lambda window: window.worth)
        return Verdict(support, (evidence[best.source.passage.number],))

    def _without_list_mark(self, sentence: str, pool: list[Source]) -> str:
        """Return the sentence without a list's mark, unless the source numbers its own."""
        mark = _LIST_MARK.match(sentence)
        if mark is None:
            return sentence
        rest = sentence[mark.end() :]
        if mark["number"]:
            items = content(terms(rest))
            best = max((_best(source, items) for source in pool), key=_worth, default=None)
            if best is not None and _LIST_MARK.match(best.text):
                return sentence
        return rest

    def _judge(self, claim: Sequence[Term], items: Items, pool: list[Source]) -> Support:
        windows = sorted(
            (window for source in pool for window in source.windows(items)),
            key=lambda window: (-window.worth, window.last - window.first),
        )
        verdict: Support | None = None
        contrary: list[Window] = []
        for window in windows[:_JUDGED]:
            if window.worth < windows[0].worth - _AS_GOOD:
                break
            # What one sentence contradicts is not made good by the sentence beside it.
            if any(window.overlaps(other) for other in contrary):
                continue
            if _is_contrary(claim, items, window):
                contrary.append(window)
                found = Support.UNSUPPORTED
            else:
                found = self._judge_window(claim, items, window, pool)
            if found == Support.SUPPORTED:
                return found
            verdict = verdict or found
        return verdict or Support.UNSUPPORTED

    def _judge_window(
        self, claim: Sequence[Term], items: Items, window: Window, pool: list[Source]
    ) -> Support:
        source = window.terms
        main = max(window.sentences, key=lambda sentence: items.held_by(sentence).bit_count()).terms
        if other_amount(claim, main):
            return Support.UNSUPPORTED
        held = window.held
        for sentence in extended(items, held, pool):
            held |= items.held_by(sentence)
        lacking = [bit for bit in range(len(items)) if not held >> bit & 1]
        lacking = [bit for bit in lacking if not is_derived(items[bit], source)]
        elsewhere = {bit for bit in lacking if self._stands_around(claim, items[bit], pool)}
        lacking = [bit for bit in lacking if bit not in elsewhere]
        if any(is_strict(items[bit]) for bit in lacking):
            return Support.UNSUPPORTED
        count = len(items)
        few = len(lacking) <= _LACKING * count and longest_run(lacking) <= 1
        if few and len(elsewhere) <= count / 2 and not substituted(claim, main):
            return Support.SUPPORTED
        return self._judge_rest(items, lacking, len(elsewhere), main)

    def _judge_rest(
        self, items: Items, lacking: Sequence[int], elsewhere: int, main: Sequence[Term]
    ) -> Support:
        """Tell a sentence that is said in part from one that is not said.

        Args:
            lacking: indices of the items that the sources do not have.
            elsewhere: number of items that stand outside the sentences that say the rest.
            main: terms of the sentence that says most.
        """
        # What stands elsewhere in the passage, or is only related, counts half.
        count = len(items)
        said = count - elsewhere / 2 - len(lacking)
        if said + len(lacking) / 2 < _LITTLE * count:
            return Support.UNSUPPORTED
        if said >= _LITTLE * count and longest_run(lacking) < _ADDITION:
            return Support.PARTLY
        unrelated = self._relatedness.unrelated([items[bit] for bit in lacking], main)
        missing = [bit for bit in lacking if items[bit].text in unrelated]
        if said + (len(lacking) - len(missing)) / 2 < _LITTLE * count:
            return Support.UNSUPPORTED
        return Support.UNSUPPORTED if longest_run(missing) >= _ADDITION else Support.PARTLY

    def _stands_around(self, claim: Sequence[Term], term: Term, pool: list[Source]) -> bool:
        """Whether a word stands elsewhere in these passages or in the headings above them.

        The rest of a name ("Carrow Head" of "the Carrow Head Trust") may come from another
        passage that was shown.
        """
        if term.kind == Kind.QUANTITY:
            return False
        if any(term.stem in source.around or source.holds(term) for source in pool):
            return True
        if term.kind != Kind.NAME:
            return False
        whole = next((p for p in phrases(claim) if term in claim[slice(*p)]), None)
        if whole is None:
            return False
        known = any(source.holds(other) for source in pool for other in claim[slice(*whole)])
        return known and any(source.holds(term) for source in self._sources.values())


def _is_contrary(claim: Sequence[Term], items: Items, window: Window) -> bool:
    """Whether a window says something else where it speaks of the same."""
    held = [items.held_by(sentence).bit_count() for sentence in window.sentences]
    for sentence, count in zip(window.sentences, held, strict=True):
        # What another sentence denies is not denied of this.
        if 2 * count >= max(held) and (
            contradicts(claim, sentence.terms)
            or opposites(claim, sentence.terms)
            or misplaced(claim, sentence.terms)
            or opposed_bounds(claim, sentence.terms)
        ):
            return True
    return exchanged(claim, window.terms)


def _best(source: Source, items: Items) -> Window | None:
    windows = source.windows(items)
    return max(windows, key=lambda w: (w.worth, w.first - w.last), default=None)


def _worth(window: Window | None) -> float:
    return window.worth if window else -1.0


def _evidence(window: Window, items: Items) -> Evidence:
    sentences = window.sentences
    share = window.held.bit_count() / len(items)
    return Evidence(window.source.passage.number, sentences[0].start, sentences[-1].end, share)


def _whole(source: Source) -> Evidence:
    """Return the first sentence of a passage of which nothing fits."""
    sentences = source.sentences
    start, end = (sentences[0].start, sentences[0].end) if sentences else (0, 0)
    return Evidence(source.passage.number, start, end, 0.0)


def check(sentence: str, passage: str, embed: Embed | None = None) -> Verdict:
    """Compare a sentence with one text, as if it were passage 1 and cited."""
    given = Passage(1, "", "", "", passage, 0, len(passage), None)
    return Checker([given], embed).check(sentence, [1])
