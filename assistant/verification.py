"""A sentence and the passage that it cites: does the passage say it? Pure.

Words are compared by their stems, as the keyword index has them. Numbers must be there as
they are, and a negation on one side only is never support.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from assistant.sentences import sentence_spans
from ingest.index.keywords import question_keywords

SUPPORTED_AT = 0.7
PARTLY_AT = 0.4
"""Shares of a sentence's content words that its source must hold. Chosen by hand on the
example documents; `bench/` has no calibration of them yet."""

_WINDOW = 3
"""Neighbouring sentences of the passage that may carry one sentence together."""

_NUMBER = re.compile(r"\d+(?:[.,:/]\d+)*")
_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|\w+n['’]t)\b", re.I
)


class Support(StrEnum):
    """What a check found."""

    SUPPORTED = "supported"
    PARTLY = "partly"
    UNSUPPORTED = "unsupported"
    UNCITED = "uncited"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one passage says of one sentence; `start` and `end` are the span of the passage's
    text that comes nearest to it."""

    support: Support
    share: float
    start: int
    end: int


def check(sentence: str, passage: str) -> Verdict:
    """Compare a sentence with a passage.

    Returns:
        The verdict, with the shortest run of up to three sentences of the passage that holds
        the most of the sentence's words.
    """
    verbatim = passage.find(sentence)
    if verbatim >= 0 and sentence:
        return Verdict(Support.SUPPORTED, 1.0, verbatim, verbatim + len(sentence))
    terms = set(question_keywords(sentence).indices)
    spans = sentence_spans(passage) or [(0, len(passage))]
    best: tuple[float, int, int, int] = (-1.0, 0, 0, 0)
    for first in range(len(spans)):
        for last in range(first, min(first + _WINDOW, len(spans))):
            start, end = spans[first][0], spans[last][1]
            share = _share(terms, passage[start:end])
            # A longer run must earn its length: each further sentence costs a little.
            worth = share - 0.05 * (last - first)
            if worth > best[0]:
                best = (worth, last - first, start, end)
    _, _, start, end = best
    share = _share(terms, passage[start:end])
    return Verdict(_judge(sentence, passage[start:end], share), share, start, end)


def _share(terms: set[int], source: str) -> float:
    if not terms:
        return 0.0
    return len(terms & set(question_keywords(source).indices)) / len(terms)


def _judge(sentence: str, source: str, share: float) -> Support:
    if not _numbers(sentence) <= _numbers(source):
        return Support.UNSUPPORTED
    if bool(_NEGATION.search(sentence)) != bool(_NEGATION.search(source)):
        return Support.PARTLY if share >= SUPPORTED_AT else Support.UNSUPPORTED
    if share >= SUPPORTED_AT:
        return Support.SUPPORTED
    return Support.PARTLY if share >= PARTLY_AT else Support.UNSUPPORTED


def _numbers(text: str) -> set[str]:
    return {number.replace(",", "") for number in _NUMBER.findall(text)}
