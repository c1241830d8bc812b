"""A model's text, piece by piece, to text whose citation numbers are all real. Pure.

However the text is cut into pieces, the result is the same, and a mark is never shown in
part: what could be the start of one is held back until it is decided.
"""

import re
from collections.abc import Iterable

_MARK = re.compile(
    r"""
    [ \t]{0,8} [\[【［] \s{0,8} (?:passages?\s{0,8})? \#?
    (\d{1,4} (?:\s{0,2}[,;，、]\s{0,2}\#?\d{1,4}){0,99})
    \s{0,8} [\]】］]
    """,
    re.IGNORECASE | re.VERBOSE,
)
_BEGUN = re.compile(
    r"""
    [ \t]* [\[【［] \s* (?:p(?:a(?:s(?:s(?:a(?:g(?:es?)?)?)?)?)?)?)? [\d\s,;，、\#]* $
    | [ \t]+ $
    """,
    re.IGNORECASE | re.VERBOSE,
)
_LONGEST = 1100
"""Characters held back at the most: no mark is longer."""

MARK = re.compile(r"\[(\d+)\]")
"""A citation in cleaned text."""


class CitationParser:
    """Cleans one answer as it streams in.

    Args:
        numbers: the passage numbers that the model was shown; others vanish.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = frozenset(numbers)
        self._held = ""

    def feed(self, piece: str) -> str:
        """Take the next piece of the model's text; return the text that is decided."""
        text = self._held + piece
        begun = _BEGUN.search(text, max(0, len(text) - _LONGEST))
        cut = begun.start() if begun else len(text)
        self._held = text[cut:]
        return self._cleaned(text[:cut])

    def end(self) -> str:
        """Return what was held back, after the last piece."""
        rest, self._held = self._held, ""
        return self._cleaned(rest)

    def _cleaned(self, text: str) -> str:
        return _MARK.sub(self._known, text)

    def _known(self, match: re.Match[str]) -> str:
        found = [int(number) for number in re.findall(r"\d+", match[1])]
        kept = dict.fromkeys(number for number in found if number in self._numbers)
        marks = "".join(f"[{number}]" for number in kept)
        return f" {marks}" if marks and match[0][:1] in " \t" else marks


def cited_numbers(text: str) -> list[int]:
    """Return the numbers cited in a piece of cleaned text, in order, each once."""
    return list(dict.fromkeys(int(number) for number in MARK.findall(text)))


def without_marks(text: str) -> str:
    """Return cleaned text without its citation marks."""
    return re.sub(r"\s*(?:\[\d+\])+(?=[\s.,;:!?]|$)|\[\d+\]", "", text).strip()


def cited_sentences(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[str, list[int]]]:
    """Return (sentence without marks, numbers cited) for each sentence of cleaned text."""
    pieces = [text[start:end] for start, end in spans]
    found = [(without_marks(piece), cited_numbers(piece)) for piece in pieces]
    return [(text, numbers) for text, numbers in found if any(map(str.isalnum, text))]
