"""Numbers as they are written, in digits and in words. Pure."""

import re

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
).split()
SMALL = {word: number for number, word in enumerate(_ONES)}
SMALL |= {word: 10 * number for number, word in enumerate(_TENS, 2)} | {"dozen": 12}
_SMALL_AND_ORDINAL = SMALL | {word: number for number, word in enumerate(ORDINALS, 1)}
SCALES = {
    "hundred": 1e2,
    "thousand": 1e3,
    "million": 1e6,
    "millions": 1e6,
    "billion": 1e9,
    "billions": 1e9,
    "trillion": 1e12,
}
SHORT_SCALES = {"k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "b": 1e9}
WEAK = frozenset(("one", "first", "second", "third", "dozen", "zero"))


def read_digits(digits: str) -> set[float]:
    """Return what digits with points and commas can mean."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", digits):
        return {float(digits.replace(",", ""))}
    if re.fullmatch(r"\d{1,3}(?:\.\d{3}){2,}", digits):
        return {float(digits.replace(".", ""))}
    if re.fullmatch(r"\d+,\d+", digits):
        return {float(digits.replace(",", "."))}
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", digits):
        return {float(digits), float(digits.replace(".", ""))}
    if re.fullmatch(r"\d+(?:\.\d+)?", digits):
        return {float(digits)}
    # Version 2.13.0, clause 1.2.3: digits in an order, compared as one number in base 1000.
    value = 0.0
    for part in re.findall(r"\d+", digits):
        value = value * 1000 + float(part)
    return {value + 0.5}


def read_words(words: str) -> float:
    """Return what a number in words is."""
    total, current = 0.0, 0.0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word in _SMALL_AND_ORDINAL:
            current += _SMALL_AND_ORDINAL[word]
        elif word == "hundred":
            current = (current or 1.0) * 100
        elif word in SCALES:
            total += (current or 1.0) * SCALES[word]
            current = 0.0
    return total + current
