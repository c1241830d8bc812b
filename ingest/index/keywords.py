"""Keyword vectors: BM25 term weights, one encoder for every store.

Stemming and stop words are the language's. The token ids of English texts are those of
Qdrant's own BM25, so an index can move between Edge and a server. The store multiplies in the
inverse document frequency (its IDF modifier).
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from qdrant_edge import Bm25, Bm25Config, DisabledStemmer, StopwordsSet

AVERAGE_LENGTH = 75.0
"""BM25's `avgdl`, in terms without stop words. Chunks of 128 tokens have about 48; the larger
number takes less from long chunks, all of which are cut to one size (docs/retrieval.md)."""

ENGLISH = "en"
UNKNOWN = ""
"""The language of a text that does not tell: a few words, code, numbers. Its words, if it has
any, are likeliest English, so it is treated as such."""

LANGUAGES: Mapping[str, str] = {
    "ar": "arabic",
    "az": "azerbaijani",
    "bn": "bengali",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "he": "hebrew",
    "hu": "hungarian",
    "id": "indonesian",
    "it": "italian",
    "ja": "japanese",
    "kk": "kazakh",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sl": "slovene",
    "sv": "swedish",
    "tg": "tajik",
    "tr": "turkish",
    "zh": "chinese",
}
"""ISO 639-1 code to Qdrant's name, of the languages whose stop words it knows; of eighteen of
them it has a stemmer, too (Snowball). Words of any other language are taken as they are."""

FOLDED_WEIGHT = 0.5
"""Of an accented word's form without accents, in a question that has them: it finds texts that
are written without, and counts less than the word as it was asked for."""

_WORD = re.compile("(?:[^\\W_]|[\u0900-\u0963\u0966-\u0eff\u1000-\u109f\u1780-\u17ff])+")
"""Python counts the vowel signs of Indic scripts as no part of a word; the encoder does."""

_ACCENTED = re.compile("[^\\W_]*[\u00c0-\u024f\u1e00-\u1eff][^\\W_]*")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0002fa1f]+"
)
"""Runs of scripts without spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese;
and Korean, whose particles are written on to the word."""

_IDEOGRAPH = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f]")
_CACHED_WORDS = 50_000


@dataclass(frozen=True, slots=True)
class Keywords:
    """A sparse vector: parallel lists of token ids (unique) and weights."""

    indices: list[int]
    values: list[float]


def passage_keywords(text: str, language: str = ENGLISH) -> Keywords:
    """Return the weights of a passage's terms (saturated term frequency, length-normalised).

    Args:
        language: ISO 639-1 code of its document's, or UNKNOWN.
    """
    text, name = _prepared(text, ideographs=True), _encoder_name(language)
    vector = _encoder(name).embed_document(text)
    weights = dict(zip(vector.indices, vector.values, strict=True))
    # The encoder folds before it stems, which spoils stems and stop words that have accents:
    # so a word is stemmed as it is, and its form without accents is one more term.
    accented = set(_ACCENTED.findall(text)) if name not in _FOLDING else set()
    folded = {term for word in accented for term in _folded(word, name)} - weights.keys()
    if folded:
        plain = _encoder(name, folding=True).embed_document(text)
        weighted = zip(plain.indices, plain.values, strict=True)
        weights |= {term: weight for term, weight in weighted if term in folded}
    return Keywords(list(weights), list(weights.values()))


def question_keywords(text: str, languages: Iterable[str] = (ENGLISH,)) -> Keywords:
    """Return the terms of a question: its words as each language stems them, at weight 1.

    Args:
        languages: ISO 639-1 codes of the passages that are searched.
    """
    weights: dict[int, float] = {}
    for word in _terms(_words(_prepared(text, ideographs=True)), languages):
        for term, weight in word.items():
            weights[term] = max(weight, weights.get(term, 0.0))
    return Keywords(list(weights), list(weights.values()))


def question_terms(text: str, languages: Iterable[str] = (ENGLISH,)) -> list[Mapping[int, float]]:
    """Return the words of a question, each different one as the terms that may stand for it.

    Where a script has no spaces between words, pairs of characters take their place.

    What is a stop word in the question's own language is left out. Which that is, is not
    guessed from a few words among all languages there are: it is that one of `languages`, or
    English, whose stop words the question has most of.
    """
    return _terms(_words(_prepared(text)), languages)


def _terms(words: Sequence[str], languages: Iterable[str]) -> list[Mapping[int, float]]:
    names = sorted({_encoder_name(language) for language in languages})
    own = max((_stop_words(words, name), name == _ENGLISH, name) for name in {*names, _ENGLISH})[2]
    found: dict[frozenset[int], Mapping[int, float]] = {}
    for word in words:
        if not _is_stop_word(word, own):
            terms = {term: 1.0 for name in names for term in _stems(word, name)}
            for name in names:
                for term in _folded(word, name):
                    terms.setdefault(term, FOLDED_WEIGHT)
            if terms:
                found.setdefault(frozenset(terms), terms)
    return list(found.values())


def words_of(text: str, *, ideographs: bool = False) -> list[str]:
    """Return the words of a text; pairs of characters where its script does not cut it.

    Args:
        ideographs: whether each ideograph counts as a word, too, as in `passage_keywords`.
    """
    return _words(_prepared(text, ideographs))


@lru_cache(maxsize=_CACHED_WORDS)
def word_terms(word: str, language: str) -> frozenset[int]:
    """Return the terms that may stand for one of the `words_of` a text, none for a stop word."""
    return frozenset().union(*question_terms(word, [language]))


def stop_words(words: Sequence[str], language: str) -> int:
    """Return how many of these words are stop words of a language."""
    return _stop_words(words, _encoder_name(language))


_ENGLISH = LANGUAGES[ENGLISH]
_PLAIN = "none"
_FOLDING = frozenset({_ENGLISH, _PLAIN})
"""Encoders that take accents off first: neither English stems nor whole words suffer by it."""


def _encoder_name(language: str) -> str:
    return LANGUAGES.get(language or ENGLISH, _PLAIN)


@cache
def _encoder(name: str, folding: bool = False) -> Bm25:
    # ASCII folding lets "Zürich" and "Zurich" meet; b and k are BM25's usual 0.75 and 1.2.
    folding = folding or name in _FOLDING
    if name == _PLAIN:
        plain = Bm25Config(
            avg_len=AVERAGE_LENGTH,
            stemmer=DisabledStemmer(),
            stopwords=StopwordsSet(),
            ascii_folding=folding,
        )
        return Bm25(plain)
    return Bm25(Bm25Config(avg_len=AVERAGE_LENGTH, language=name, ascii_folding=folding))


@lru_cache(maxsize=_CACHED_WORDS)
def _stems(word: str, name: str) -> tuple[int, ...]:
    """Return the terms of a word, none for a stop word."""
    return tuple(_encoder(name).embed_query(word).indices)


@lru_cache(maxsize=_CACHED_WORDS)
def _folded(word: str, name: str) -> tuple[int, ...]:
    """Return the further terms of an accented word without its accents."""
    if name in _FOLDING or _is_stop_word(word, name) or not _ACCENTED.fullmatch(word):
        return ()
    terms = _encoder(name, folding=True).embed_query(word).indices
    return tuple(set(terms) - set(_stems(word, name)))


def _stop_words(words: Sequence[str], name: str) -> int:
    return sum(_is_stop_word(word, name) for word in words)


def _is_stop_word(word: str, name: str) -> bool:
    return not _stems(word, name)


def _prepared(text: str, ideographs: bool = False) -> str:
    """Return a text of which the encoders make words, in any script."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFC", text)
    # Vowel points, viramas and tones: the encoder would cut a word in two at most of them.
    text = "".join(character for character in text if not unicodedata.combining(character))

    def pieces(match: re.Match[str]) -> str:
        run = match.group()
        pairs = [run[place : place + 2] for place in range(max(1, len(run) - 1))]
        # An ideograph is a word by itself often enough; a lone one is there already.
        alone = _IDEOGRAPH.findall(run) if ideographs and len(run) > 1 else []
        return f" {' '.join(pairs + alone)} "

    return _UNSPACED.sub(pieces, text)


def _words(text: str) -> list[str]:
    return _WORD.findall(text)
