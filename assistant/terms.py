"""A sentence as terms that can be compared: words by their stems, names, quantities. Pure."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from unicodedata import category, normalize

from assistant.lexicon import FUNCTION_WORDS, IRREGULAR, LIGHT_WORDS
from assistant.quantities import Quantity, equal, quantities
from ingest.index.keywords import question_keywords

Stem = int | str
"""Equal for words that count as one: the keyword index's token id, or the word itself."""


class Kind(Enum):
    """What a term is compared as."""

    FUNCTION = auto()
    WORD = auto()
    NAME = auto()
    QUANTITY = auto()


@dataclass(frozen=True, slots=True)
class Term:
    """One word or quantity with its place.

    Attributes:
        text: in lower case, without a possessive s.
        stem: None for function words and quantities.
        breaks: whether punctuation stands between the term before it and this one.
    """

    start: int
    end: int
    text: str
    kind: Kind
    stem: Stem | None = None
    quantity: Quantity | None = None
    breaks: bool = False

    @property
    def counts(self) -> bool:
        """Whether it says something that a source must say too."""
        if self.kind == Kind.QUANTITY:
            return self.quantity is not None
        return self.kind != Kind.FUNCTION and self.text not in LIGHT_WORDS


_WORD = re.compile(
    r"""
    (?:[A-Z]\.){2,}                                          # U.S.
  | [^\W\d_]+\d[\w/]* | \d+[^\W\d_][\w/]*                    # K3, CH22, 3rd
  | [\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]                # one ideograph or kana
  | [^\W\d_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+(?:['’][^\W\d_]+)*
    """,
    re.VERBOSE,
)
_BREAK = re.compile(r"[,;:.!?()\[\]{}|—–\n]|\s-\s")
_SHOUTED = 0.6
"""Share of words in capitals from which capitals tell nothing."""


def terms(text: str) -> list[Term]:
    """Return the terms of one sentence in order."""
    counted = quantities(text)
    taken = [(quantity.start, quantity.end) for quantity in counted]
    words = [
        match
        for match in _WORD.finditer(text)
        if not any(start < match.end() and match.start() < end for start, end in taken)
    ]
    capital = [match[0][0].isupper() and match[0] != "I" for match in words]
    upper = sum(word[0].isupper() and len(word[0]) > 1 for word in words)
    shouted = upper >= 4 and upper > _SHOUTED * len(words)
    found = []
    for index, match in enumerate(words):
        name = capital[index] and not shouted and _is_name(words, capital, index, text)
        found.append(_term(match, name=name))
    found += [
        Term(item.start, item.end, text[item.start : item.end].lower(), Kind.QUANTITY, None, item)
        if not item.weak
        else Term(
            item.start,
            item.end,
            text[item.start : item.end].lower(),
            Kind.FUNCTION if text[item.start : item.end].lower() == "one" else Kind.WORD,
            stem(text[item.start : item.end].lower()),
            item,
        )
        for item in counted
    ]
    found.sort(key=lambda term: term.start)
    return _with_breaks(text, found)


def same(ours: Term, theirs: Term) -> bool:
    """Whether two terms say the same: one value, one stem, or one word."""
    if ours.quantity is not None and theirs.quantity is not None:
        return equal(ours.quantity, theirs.quantity)
    if ours.stem is not None:
        return ours.stem == theirs.stem
    return ours.kind == theirs.kind == Kind.FUNCTION and ours.text == theirs.text


@lru_cache(maxsize=65_536)
def stem(word: str) -> Stem | None:
    """Return what a word in lower case is compared by; None for a function word."""
    word = IRREGULAR.get(word, word)
    if word in FUNCTION_WORDS:
        return None
    indices = question_keywords(_american(word)).indices
    if indices:
        return indices[0]
    # A stop word of the index, or letters that its tokenizer does not take for a word.
    return None if word.isascii() else word


@lru_cache(maxsize=65_536)
def folded(word: str) -> str:
    """Return a word in lower case, without accents and without a possessive s."""
    word = re.sub(r"['’]s$|['’]$", "", word.replace(".", "")).lower()
    if word.isascii():
        return word
    decomposed = normalize("NFKD", word)
    return normalize("NFKC", "".join(c for c in decomposed if category(c) != "Mn"))


def _american(word: str) -> str:
    """Return the American spelling of common British ones, which stem to other tokens."""
    if len(word) < 5:
        return word
    word = re.sub(r"(?<=[^aeiou])our(?=s?$|ed$|ing$|able$|ite|ful|less)", "or", word)
    word = re.sub(r"(?<=[lmnrtvz])is(?=e[sdr]?$|ing$|ation)", "iz", word)
    word = re.sub(r"(?<=[tb])re(?=s?$)", "er", word)
    return re.sub(r"ll(?=ed$|ing$|er$)", "l", word)


def _is_content(word: str) -> bool:
    return stem(folded(word)) is not None


def _term(match: re.Match[str], name: bool) -> Term:
    word = folded(match[0])
    root = stem(word)
    if name or any(map(str.isdigit, word)):
        return Term(match.start(), match.end(), word, Kind.NAME, root or word)
    kind = Kind.FUNCTION if root is None else Kind.WORD
    return Term(match.start(), match.end(), word, kind, root)


def _is_name(words: list[re.Match[str]], capital: list[bool], index: int, text: str) -> bool:
    """Whether a capitalised word is one for more than standing first."""
    if not _is_content(words[index][0]):
        return False
    begins = index == 0 or bool(re.search(r"[.!?:|\n“\"]\s*$", text[: words[index].start()][-6:]))
    if not begins:
        return True
    following = index + 1 < len(words) and capital[index + 1] and _is_content(words[index + 1][0])
    joined = following and not _BREAK.search(text[words[index].end() : words[index + 1].start()])
    return joined or (len(words[index][0]) > 1 and words[index][0].isupper())


def _with_breaks(text: str, found: list[Term]) -> list[Term]:
    result = []
    position = 0
    for term in found:
        breaks = bool(_BREAK.search(text, position, max(position, term.start)))
        kept = (
            term
            if not breaks
            else Term(term.start, term.end, term.text, term.kind, term.stem, term.quantity, True)
        )
        result.append(kept)
        position = term.end
    return result
