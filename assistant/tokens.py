"""How many tokens a text has, without the model's tokenizer. Pure.

Ollama counts tokens only once it has read them, so a prompt is budgeted with an upper
estimate, and what Ollama reports afterwards is held against a lower one. Tokenizers in use
split at white space, so a text has at least as many tokens as words; and those with small
vocabularies, as SmolLM2's 49,152, need the most. `tests/llm` compares both with it.
"""

import math
import re

_WORD = re.compile(r"[^\W\d_]+")
_UNIT = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]+(?![^\W\d_])")
_NARROW = 0x250
"""Below it are the letters of Latin scripts, which tokenizers know as parts of words."""

_WIDE = 0x2E80
"""From here on are scripts whose words are not separated by white space."""

MESSAGE = 8
"""Tokens at the most that a chat template puts around one message."""


def most_tokens(text: str) -> int:
    """Return an upper estimate of the tokens in a text: budgets by it hold."""
    count = 0
    for match in _WORD.finditer(text):
        word = match[0]
        foreign = [character for character in word if not character.isascii()]
        # Words with letters beyond ASCII are those of languages that vocabularies know less of.
        letters = 3 if foreign else 4
        count += 1 + (len(word) - len(foreign)) // letters + sum(map(_cost, foreign))
    rest = _WORD.sub("", text)
    blanks = len(re.findall(r"\s*\n\s*|\s{2,}", rest))
    return count + blanks + sum(_cost(one) for one in rest if not one.isspace())


def least_tokens(text: str) -> int:
    """Return a lower bound of the tokens in a text: fewer were not all of it."""
    count = 0.0
    for match in _UNIT.finditer(text):
        unit = match[0]
        if unit.isdigit():
            count += math.ceil(len(unit) / 3)
        else:
            wide = sum(ord(character) >= _WIDE for character in unit)
            count += wide / 4 if wide else 1
    # Tokenizers join some marks with what stands beside them.
    return int(count * 0.7)


def _cost(character: str) -> int:
    """Return the tokens that one character takes where it is not part of a known word."""
    code = ord(character)
    if code < _NARROW:
        return 1
    return 1 if code < 0x800 else 2 if code < 0x10000 else 3
