"""How many tokens a text has, without the model's tokenizer. Pure.

Ollama counts tokens only once it has read them, so a prompt is budgeted with an upper
estimate, and what Ollama reports afterwards is held against a lower one. Tokenizers in use
split at white space, so a text has at least as many tokens as words; and those with small
vocabularies, as SmolLM2's 49,152, need the most. `tests/llm` compares both with it.
"""

import math
import re

_WORD = re.compile(r"([^\W\d_]+)")
_UNIT = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]+(?![^\W\d_])")
_BLANKS = re.compile(r"\s*\n\s*|\s{2,}")
_NARROW = 0x250
"""Below it are the letters of Latin scripts, which tokenizers know as parts of words."""

_WIDE = 0x2E80
"""From here on are scripts whose words are not separated by white space."""

MESSAGE = 8
"""Tokens at the most that a chat template puts around one message."""


def most_tokens(text: str) -> int:
    """Return an upper estimate of the tokens in a text: budgets by it hold."""
    # Words, and what stands between them, take turns.
    parts = _WORD.split(text)
    words, rest = parts[1::2], "".join(parts[::2])
    blanks = len(_BLANKS.findall(rest))
    marks = "".join(rest.split())
    return (
        len(words)
        + sum(len(word) // 4 if word.isascii() else _foreign(word) for word in words)
        + blanks
        + (len(marks) if marks.isascii() else sum(map(_cost, marks)))
    )


def least_tokens(text: str) -> int:
    """Return a lower bound of the tokens in a text: fewer were not all of it."""
    count = 0.0
    for unit in _UNIT.findall(text):
        if unit.isdigit():
            count += math.ceil(len(unit) / 3)
        elif unit.isascii():
            count += 1
        else:
            wide = sum(ord(character) >= _WIDE for character in unit)
            count += wide / 4 if wide else 1
    # Tokenizers join some marks with what stands beside them.
    return int(count * 0.7)


def _foreign(word: str) -> int:
    """Return the tokens beyond one of a word with letters that ASCII lacks.

    Vocabularies know less of the languages that have them.
    """
    foreign = [character for character in word if not character.isascii()]
    return (len(word) - len(foreign)) // 3 + sum(map(_cost, foreign))


def _cost(character: str) -> int:
    """Return the tokens that one character takes where it is not part of a known word."""
    code = ord(character)
    if code < _NARROW:
        return 1
    return 1 if code < 0x800 else 2 if code < 0x10000 else 3
