"""Which side of a number is meant, and whether it is hedged, by the words before it. Pure."""

import re
from enum import StrEnum


class Bound(StrEnum):
    """Which side of a number is meant."""

    AT_LEAST = "at least"
    AT_MOST = "at most"


_LEAD = re.compile(r"(?:[\w'’]+\W+){0,4}$")
_AT_LEAST = re.compile(
    r"\b(?:at least|(?:no|not) (?:less|fewer|earlier|lower) than|minimum(?: of)?|"
    r"(?<!no )(?<!not )(?:more|longer|greater) than|over|above|after|exceed(?:s|ing|ed)?)"
    r"\W+(?:\w+\W+)?$",
    re.IGNORECASE,
)
_AT_MOST = re.compile(
    r"\b(?:at most|(?:no|not) (?:more|later|greater|longer|higher) than|maximum(?: of)?|up to|"
    r"(?<!no )(?<!not )(?:less|fewer) than|under|below|before|within|not exceed(?:ing)?)"
    r"\W+(?:\w+\W+)?$",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"\b(?:not|no|never|nobody|none|nor|cannot|\w+n['’]t)\b(?!\s+(?:more|less|fewer|later|earlier))",
    re.IGNORECASE,
)
"""A negation that is no part of "no more than", which is read as one bound already."""

_ABOUT = re.compile(
    r"\b(?:about|around|approximately|approx|roughly|nearly|almost|some|circa|over|"
    r"(?<!no )(?<!not )more than|just under|just over|close to)\W+$",
    re.IGNORECASE,
)


def limits(text: str, start: int) -> tuple[Bound | None, bool]:
    """Return the bound of the number that begins at `start`, and whether it is hedged."""
    lead = _LEAD.search(text, max(0, start - 40), start)
    before = lead[0] if lead else ""
    bound = None
    if _AT_LEAST.search(before):
        bound = Bound.AT_LEAST
    elif _AT_MOST.search(before):
        bound = Bound.AT_MOST
    compared = re.search(r"\b(?:more|less|fewer|later|earlier|longer) than\W+(?:\w+\W+)?$", before)
    clause = re.split(r"[.;:,]\s", text[max(0, start - 100) : start])[-1]
    if bound is not None and compared and _DENIED.search(clause):
        bound = Bound.AT_MOST if bound == Bound.AT_LEAST else Bound.AT_LEAST
    return bound, bool(_ABOUT.search(before))
