"""Numbers of spreadsheets as a person sees them: dates, percentages, no binary noise.

Number format codes and the built-in ids: ECMA-376-1, 18.8.30 and 18.8.31.
"""

import math
import re
from datetime import datetime, timedelta
from enum import Enum

_DATES = frozenset({*range(14, 18), 22, *range(27, 32), 34, 35, 36, *range(50, 59)})
_TIMES = frozenset({*range(18, 22), 32, 33, *range(45, 48)})
_PERCENTAGES = frozenset({9, 10})
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_LAST_DAY = 2_958_465  # 9999-12-31
_SECONDS_A_DAY = 86_400


class Format(Enum):
    """What a number format makes of a number."""

    PLAIN = "plain"
    PERCENTAGE = "percentage"
    DATE = "date"
    TIME = "time"


def builtin_format(key: str) -> Format:
    """Return the format with this id."""
    number = int(key) if key.isdecimal() else 0
    for known, ids in (
        (Format.DATE, _DATES),
        (Format.TIME, _TIMES),
        (Format.PERCENTAGE, _PERCENTAGES),
    ):
        if number in ids:
            return known
    return Format.PLAIN


def format_of(code: str) -> Format:
    """Return what a format code makes of numbers."""
    bare = _LITERAL.sub("", code.partition(";")[0]).lower()
    if re.search(r"[dy]|mmm|^m+$", bare) and not re.search(r"[0#]", bare):
        return Format.DATE
    if re.search(r"[hs]", bare) and "general" not in bare:
        return Format.TIME
    return Format.PERCENTAGE if "%" in bare else Format.PLAIN


def shown(value: str, known: Format, since_1904: bool = False) -> str:
    """Return the number `value`, as stored, the way its format shows it.

    Args:
        value: decimal digits, maybe with an exponent; anything else is returned as it is.
        known: of the cell.
        since_1904: whether days count from 1904-01-01 and not from 1899-12-30.
    """
    try:
        number = float(value)
    except ValueError:
        return value
    if known in {Format.DATE, Format.TIME} and 0 <= number <= _LAST_DAY:
        return _moment(number, known, since_1904)
    if known is Format.PERCENTAGE:
        return f"{_digits(number * 100)}%"
    return _digits(number)


def _digits(number: float) -> str:
    """Return a number with the 15 digits that spreadsheets compute with, no exponent."""
    if not math.isfinite(number):
        return str(number)
    if abs(number) >= 1e21 or 0 < abs(number) < 1e-9:
        return f"{number:.15g}"
    text = f"{number:.15g}"
    if "e" in text:
        text = f"{number:.20f}".rstrip("0").rstrip(".")
    return text


def _moment(number: float, known: Format, since_1904: bool) -> str:
    if known is Format.TIME and number >= 1:  # a duration may have more hours than a day
        seconds = round(number * _SECONDS_A_DAY)
        return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    start = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)
    moment = start + timedelta(days=int(number), seconds=round(number % 1 * _SECONDS_A_DAY))
    if known is Format.TIME:
        return moment.strftime("%H:%M:%S").removesuffix(":00")
    if not number % 1:
        return f"{moment:%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
