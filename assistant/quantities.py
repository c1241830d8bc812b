"""Numbers, dates, times and units as values, however they are written. Pure.

1,000, 1000 and "one thousand" are one number; "10 %" and "10 percent" one share; "4 pm" and
16:00 one time; "14 May 2011" and 2011-05-14 one date.
"""

import re
from dataclasses import dataclass
from functools import cache

from assistant.bounds import Bound, limits
from assistant.numerals import ORDINALS, SCALES, SHORT_SCALES, SMALL, WEAK, read_digits, read_words
from assistant.units import UNIT_OF

Key = tuple[str, float]
"""A value that can be compared: (what it is, how much of it)."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number, or a part of a date, with its place.

    Attributes:
        keys: what it may mean; two quantities are equal when they share one.
        unit: dimension (`length`, `currency £`, `percent`), None where none is written.
        scale: how much of the dimension's base unit one unit is.
        bound: "at least", "at most", or None.
        about: whether it is hedged ("about", "nearly"), so that a rounded value is right.
        weak: a word like "one" or "first", which often is no number at all.
    """

    start: int
    end: int
    keys: frozenset[Key]
    unit: str | None = None
    scale: float = 1.0
    bound: Bound | None = None
    about: bool = False
    weak: bool = False

    @property
    def value(self) -> float:
        """Its number, the first reading where there are several."""
        return min(self.keys)[1]


_MONTHS = (
    "january february march april may june july august september october november december"
).split()
_WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
_MONTH_OF = {name: number for number, name in enumerate(_MONTHS, 1)}
_MONTH_OF |= {name[:3]: number for number, name in enumerate(_MONTHS, 1)} | {"sept": 9}
_WEEKDAY_OF = {name: number for number, name in enumerate(_WEEKDAYS, 1)}
_ALSO_WORDS = frozenset(("may", "march", "august", "mar", "jan", "dec", "sun", "sat", "wed"))
"""Months and days that are words too: they count beside a number or a preposition only."""

_WORDS = "|".join(sorted((*SMALL, *SCALES), key=len, reverse=True))
_ORDINAL_WORDS = "|".join(ORDINALS)
_CURRENCY = r"(?:US\$|[£$€¥]|\b(?:USD|GBP|EUR|JPY)\b)"
_UNIT_WORDS = "|".join(
    re.escape(word) for word in sorted(UNIT_OF, key=len, reverse=True) if word[0].isalpha()
)
_PATTERN = re.compile(
    rf"""
    (?P<iso> \b(?P<y>\d{{4}})-(?P<m>\d{{2}})-(?P<d>\d{{2}})\b )
  | (?P<slashed> \b(?P<a>\d{{1,2}})[/.](?P<b>\d{{1,2}})[/.](?P<c>\d{{4}})\b )
  | (?P<time> \b(?P<hour>\d{{1,2}})(?: [:.](?P<minute>[0-5]\d) (?: :[0-5]\d )? )?
        \s?(?P<half>[ap])\.?m\b\.?
      | \b(?P<hour24>[01]?\d|2[0-4]):(?P<minute24>[0-5]\d)(?: :[0-5]\d )?\b )
  | (?P<digits> (?P<before>{_CURRENCY}\s?)?
        (?<![\w.]) (?P<number> \d{{1,3}}(?:,\d{{3}})+(?:\.\d+)? | \d+(?:\.\d{{3}}){{2,}}
            | \d+[.,]\d+(?:[.,]\d+)* | \d+ )
        (?P<ordinal>st|nd|rd|th)?(?!\w|[.,]\d)
        (?:\s?(?P<scale>hundred|thousand|millions?|billions?|trillion)\b)?
      | (?P<before2>{_CURRENCY}\s?)? (?<![\w.]) (?P<number2>\d+(?:[.,]\d+)*)
        (?P<attached>k|m|mn|bn|b|{_UNIT_WORDS})\b )
  | (?P<spelled> \b(?:{_WORDS})(?:(?:\s+|-)(?:and\s+)?(?:{_WORDS}))*(?:-(?:{_ORDINAL_WORDS}))?\b
      | \b(?:{_ORDINAL_WORDS})\b )
  | (?P<roman> (?<=[A-Za-z]\ ) (?=[IVX]) (?:X{{0,3}})(?:IX|IV|V?I{{0,3}}) \b )
  | (?P<name> \b(?:{"|".join(sorted({*_MONTH_OF, *_WEEKDAY_OF}, key=len, reverse=True))})\b\.? )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_AFTER = re.compile(
    rf"\s?(?P<unit>%|per\s?cent(?:age)?\b|[£$€¥]|[-‐ ]?(?:{_UNIT_WORDS})\b)", re.IGNORECASE
)
_ROMAN = {"I": 1, "V": 5, "X": 10}


@cache
def _unit(word: str) -> tuple[str, float] | None:
    word = word.lower().strip("-‐ \t\n.")
    if word.replace(" ", "").startswith("percent"):
        word = "percent"
    return UNIT_OF.get(word)


def quantities(text: str) -> list[Quantity]:
    """Return the quantities of a text in order; a numeric date gives several of one place."""
    found: list[Quantity] = []
    for match in _PATTERN.finditer(text):
        if match.end() > match.start():
            found.extend(_read(text, match))
    return found


def equal(ours: Quantity, theirs: Quantity) -> bool:
    """Whether two quantities are one value in one unit; a missing unit is no difference.

    A hedged one of ours equals what rounds to it.
    """
    if ours.unit is not None and theirs.unit is not None:
        if ours.unit != theirs.unit:
            return False
        factor = ours.scale / theirs.scale
    else:
        factor = 1.0
    for kind, value in ours.keys:
        for other_kind, other in theirs.keys:
            if kind == other_kind and _same(value * factor, other, ours.about):
                return True
    return False


def opposed(ours: Quantity, theirs: Quantity) -> bool:
    """Whether one says "at least" and the other "at most"."""
    return ours.bound is not None and theirs.bound is not None and ours.bound != theirs.bound


def _same(ours: float, theirs: float, about: bool) -> bool:
    if abs(ours - theirs) <= 1e-9 * max(abs(ours), abs(theirs), 1.0):
        return True
    if not about or ours <= 0 or not float(ours).is_integer():
        return False
    # "About 11,500" is what rounds to it: its last digit but zeros says how coarsely.
    step = 1.0
    while ours % (10 * step) == 0:
        step *= 10
    return abs(theirs - ours) < step / 2 and abs(theirs - ours) <= 0.1 * ours


def _read(text: str, match: re.Match[str]) -> list[Quantity]:
    start, end = match.span()
    if match["iso"]:
        parts = (("number", match["y"]), ("month", match["m"]), ("number", match["d"]))
        return [Quantity(start, end, frozenset([(k, float(v))])) for k, v in parts]
    if match["slashed"]:
        first, second, year = (float(match[part]) for part in "abc")
        return [
            Quantity(start, end, frozenset([("number", first), ("month", first)])),
            Quantity(start, end, frozenset([("number", second), ("month", second)])),
            Quantity(start, end, frozenset([("number", year)])),
        ]
    if match["time"]:
        hour = int(match["hour"] or match["hour24"]) % (12 if match["half"] else 24)
        minute = int(match["minute"] or match["minute24"] or 0)
        if (match["half"] or "").lower() == "p":
            hour += 12
        return [_bounded(text, start, end, frozenset([("time", 60.0 * hour + minute)]))]
    if match["name"]:
        return _calendar(text, match)
    if match["roman"]:
        return _roman(match)
    return [_number(text, match)]


def _number(text: str, match: re.Match[str]) -> Quantity:
    start, end = match.span()
    unit: tuple[str, float] | None = None
    factor = 1.0
    weak = False
    if match["spelled"]:
        values = {read_words(match[0])}
        weak = match[0].lower() in WEAK
    else:
        values = read_digits(match["number"] or match["number2"])
        before = (match["before"] or match["before2"] or "").strip()
        unit = _unit(before) if before else None
        factor = SCALES.get((match["scale"] or "").lower(), 1.0)
        attached = (match["attached"] or "").lower()
        if attached in SHORT_SCALES and (before or attached not in UNIT_OF):
            factor = SHORT_SCALES[attached]
        elif attached:
            unit = _unit(attached)
    after = _AFTER.match(text, end)
    if unit is None and after and not match["ordinal"] if match["digits"] else bool(after):
        assert after is not None
        unit = _unit(after["unit"])
        end = after.end() if unit else end
    keys = frozenset(("number", value * factor) for value in values)
    return _bounded(text, start, end, keys, unit=unit, weak=weak and unit is None)


def _bounded(
    text: str,
    start: int,
    end: int,
    keys: frozenset[Key],
    *,
    unit: tuple[str, float] | None = None,
    weak: bool = False,
) -> Quantity:
    bound, about = limits(text, start)
    name, scale = unit or (None, 1.0)
    return Quantity(start, end, keys, name, scale, bound, about, weak)


def _calendar(text: str, match: re.Match[str]) -> list[Quantity]:
    """Return the month or weekday of a match, unless it is another word."""
    word = match[0].rstrip(".").lower()
    start, end = match.span()
    if word in _ALSO_WORDS or match[0].islower():
        near = re.search(r"\d(?:st|nd|rd|th)?(?:\s+of)?\s+$", text[max(0, start - 10) : start])
        after = re.match(r"\s+\d", text[end : end + 4])
        said = re.search(
            r"\b(?:in|since|until|till|by|from|to|last|next|of|early|late|each|every|on|and|through)"
            r"\s+$",
            text[max(0, start - 10) : start],
            re.IGNORECASE,
        )
        whole = len(word) > 3 or word == "may"
        if not (near or after or (said and whole and (match[0][0].isupper() or word != "may"))):
            return []
    if word in _MONTH_OF:
        keys = frozenset([("month", float(_MONTH_OF[word]))])
    else:
        keys = frozenset([("weekday", float(_WEEKDAY_OF[word]))])
    return [Quantity(start, end, keys)]


def _roman(match: re.Match[str]) -> list[Quantity]:
    """Return the number of a Roman numeral after a word; a lone I is the pronoun."""
    letters = match[0]
    if not letters.isupper() or letters == "I":
        return []
    values = [_ROMAN[letter] for letter in letters]
    pairs = zip(values, [*values[1:], 0], strict=True)
    total = float(sum(-value if value < after else value for value, after in pairs))
    return [Quantity(match.start(), match.end(), frozenset([("number", total)]))]
