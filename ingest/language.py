"""Which language a text is in."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import TYPE_CHECKING

from ingest.index.keywords import ENGLISH, LANGUAGES, UNKNOWN, stop_words, words_of

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

SURE = 0.5
"""Least share of the probability that a language must have. Of 600 English pieces of 60
characters, cut anywhere from tables and articles, 1 was taken for another language at that, and
36 were not told; of 160 characters, none and 10."""

ENGLISH_SHARE = 0.2
"""Least share of English stop words in an English text, which has about 0.4 of them."""

_PIECE = 2_000
"""Characters looked at of the beginning, the middle and the end of a text: 6 ms each."""

_WORDS = 100
"""Words of each piece that are compared with stop words."""

_LEAST = 3
"""Words in a text that may tell its language."""

_SAME = {"nn": "no"}
"""Norwegian has two written forms, and one stemmer."""


def language_of(
    text: str, loading: Callable[[], AbstractContextManager[None]] = nullcontext
) -> str:
    """Return the ISO 639-1 code of a text's language, or UNKNOWN where it does not tell.

    English is told by its stop words. Any other language needs a model, which takes most of a
    second to load.

    Args:
        loading: around the loading of the model, which writes a temporary file of 50 MB.
    """
    pieces = [text]
    if len(text) > 3 * _PIECE:
        middle = len(text) // 2
        pieces = [text[:_PIECE], text[middle : middle + _PIECE], text[-_PIECE:]]
    words = [word for piece in pieces for word in words_of(piece)[:_WORDS]]
    if len(words) < _LEAST or not any(character.isalpha() for word in words for character in word):
        return UNKNOWN
    if _is_english(words):
        return ENGLISH
    with loading():
        identifier = _identifier()
    shares: Counter[str] = Counter()
    for code, share in identifier.rank("\n".join(pieces)):
        shares[_SAME.get(code, code)] += share
    [(code, share)] = shares.most_common(1)
    return code if share >= SURE else UNKNOWN


def _is_english(words: Sequence[str]) -> bool:
    """Whether a text has many English stop words, and fewer of any other language."""
    english = stop_words(words, ENGLISH)
    others = (stop_words(words, code) for code in LANGUAGES if code != ENGLISH)
    return english >= ENGLISH_SHARE * len(words) and all(english > other for other in others)


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # The others are dialects of these, or no language at all.
    found.set_languages([code for code in found.labels if len(code) == 2])
    return found
