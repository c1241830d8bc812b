"""Sentences as spans of a text. Pure."""

import re
from itertools import pairwise

_ABBREVIATIONS = frozenset(
    "al approx apr art aug ca cf ch cl co corp dec dept dr ed eds eg e.g esp est etc feb fig figs "
    "fri gen hon ie i.e inc jan jr jul jun lt ltd mar max min mon mr mrs ms mt nov oct op "
    "p par pp prof rev sat sec sen sep sept sr st sun thu tue u.k u.s viz vol vs wed".split(" ")
)
"""Words whose full stop ends no sentence when something follows."""

_END = re.compile(
    r"""
    (?P<mark> (?<![.!?…]) [.!?…]++ ["'”’»)\]*_]* (?:[ \t]*\[\d+\])*+ ) (?=\s+\S)
    | (?P<wide> [。！？]+ [」』”]? (?:[ \t]*\[\d+\])*+ )
    | (?P<break> \n\s*\n )
    """,
    re.VERBOSE,
)
_LINE_START = re.compile(r"\n(?=[ \t]*(?:[-*+•]\s|\d{1,3}[.)]\s|\#{1,6}\s|\|))|(?<=\|)[ \t]*\n")
_HEADING = re.compile(
    r"""
    ^[ \t]* (?: \#{1,6}[ \t].* | =(?:[ ]?=){0,5}[ \t] [^=\n]* [ \t]=(?:[ ]?=){0,5}[ \t]* ) $
    """,
    re.MULTILINE | re.VERBOSE,
)
"""A heading of Markdown, or of a wiki ("== Reception ==")."""

_CAPITALS = 0.002
"""Share of letters that are capitals below which a text is written without them."""

_DOT = re.compile(r"\s+\.\s")
_LAST_WORD = re.compile(r"([^\s(\[\"“]+)$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence in order, without white space around it.

    A heading, a list item and a table row is a sentence of its own; a line break within a
    paragraph, as PDF pages have them, is not an end.
    """
    cuts = {0, len(text)}
    letters = sum(map(str.isalpha, text))
    small = sum(map(str.isupper, text)) < _CAPITALS * letters
    for match in _END.finditer(text):
        if match.lastgroup != "mark" or _ends(text, match, small):
            cuts.add(match.end())
    cuts.update(match.end() for match in _LINE_START.finditer(text))
    cuts.update(cut for match in _HEADING.finditer(text) for cut in match.span())
    cuts.update(cut for row in _rows(text) for cut in row)
    ordered = sorted(cuts)
    spans = []
    for start, end in pairwise(ordered):
        piece = text[start:end]
        inner = piece.strip()
        if inner:
            first = start + piece.index(inner)
            spans.append((first, first + len(inner)))
    return spans


def _rows(text: str) -> list[tuple[int, int]]:
    """Return the rows of tables whose edges are not drawn: " | " in two or more lines."""
    if " | " not in text:
        return []
    lines = [match.span() for match in re.finditer(r"[^\n]+", text)]
    row = [False, *(text.find(" | ", *line) >= 0 for line in lines), False]
    return [
        line
        for index, line in enumerate(lines, 1)
        if row[index] and (row[index - 1] or row[index + 1])
    ]


def _ends(text: str, match: re.Match[str], small: bool) -> bool:
    """Whether a mark ends its sentence, judged by the words on both sides.

    Args:
        small: whether the text is written without capitals, so that a small letter after the
            mark tells nothing.
    """
    following = text[match.end() :].lstrip()[:1]
    continues = following.islower() and not small
    if match["mark"][0] != ".":
        return not continues
    led = match["mark"].startswith(".....") or text.endswith(". ", 0, match.start())
    if _DOT.match(text, match.end()) or (led and not following.isalpha()):
        return False  # dots that lead from a title to its page
    word = _LAST_WORD.search(text, max(0, match.start() - 40), match.start())
    last = word[1] if word else ""
    if last.lower() in _ABBREVIATIONS and not match["mark"].startswith(".."):
        return False
    if last.lower() in ("no", "nos") and following.isdigit():
        return False
    initial = len(last) == 1 and last.isalpha() and (last.isupper() or small)
    # "1." opens a list item or a clause when it stands at the start of its line.
    numeral = last.isdigit() and text[: match.start() - len(last)].rstrip(" \t")[-1:] in ("", "\n")
    return not (initial or numeral or continues)
