"""Labelled claims, made from the sentences of documents."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.sentences import sentence_spans

PASSAGE = 900
"""Characters of a passage at most; Footnote's own have about as many."""

WORDS = (8, 45)
"""Fewest and most words of a sentence that claims are made from."""

MONTHS = (
    "January February March April May June July August September October November December"
).split()
SMALL = "two three four five six seven eight nine ten eleven twelve".split()
AUXILIARIES = r"\b(is|are|was|were|has|have|had|can|could|will|would|should|may|must|did|does|do)\b"
INVENTIONS = (
    "which cost far more than the family had hoped",
    "after a long quarrel with the neighbours",
    "and the mayor wept with joy",
    "because the old roof had begun to leak",
    "as a local newspaper reported at the time",
    "despite heavy rain and a broken bridge",
    "with the help of volunteers from the parish choir",
    "to the great annoyance of the insurers",
    "although the paint was still wet",
    "thanks to an anonymous gift",
    "and a dog slept under the table",
    "using a method borrowed from beekeepers",
    "while students protested outside",
    "which made everyone present laugh",
    "after being delayed by a strike of railway workers",
)
"""Details that no document holds; they name nobody and count nothing."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a document with the passage around it."""

    document: str
    text: str
    passage: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a kind, and the passage it is checked against."""

    kind: str
    text: str
    source: Sentence


Maker = Callable[[Sentence, random.Random, "Corpus"], str | None]
"""Sentence → claim, or None where this kind cannot be made of it."""


class Corpus:
    """The sentences of a folder's text files, by document, and their names."""

    def __init__(self, folder: Path) -> None:
        texts = {
            path.name: path.read_text("utf-8")
            for path in sorted(folder.iterdir())
            if path.suffix in (".md", ".txt")
        }
        if len(texts) < 2:
            raise SystemExit(f"{folder} needs two or more .md or .txt files.")
        self.sentences = {name: list(_sentences(name, text)) for name, text in texts.items()}
        self.names = {
            name: sorted({found for item in items for found in _names(item.text)})
            for name, items in self.sentences.items()
        }

    def others(self, document: str) -> list[Sentence]:
        """Return the sentences of all other documents."""
        return [s for name, found in self.sentences.items() if name != document for s in found]


def make_claims(corpus: Corpus, count: int, chance: random.Random) -> list[Claim]:
    """Return up to `count` claims of each kind; those after the third are false."""
    makers: dict[str, Maker] = {
        "verbatim": lambda sentence, *_: sentence.text,
        "shortened": _shortened,
        "reordered": _reordered,
        "number": _other_number,
        "date": _other_date,
        "name": _other_name,
        "foreign": _foreign,
        "negation": _negated,
        "addition": _added,
    }
    claims: dict[tuple[str, str], Claim] = {}
    for kind, make in makers.items():
        everything = [s for found in corpus.sentences.values() for s in found]
        chance.shuffle(everything)
        made = 0
        for sentence in everything:
            if made == count:
                break
            text = make(sentence, chance, corpus)
            if text is not None and (kind == "verbatim" or text != sentence.text):
                made += (kind, text) not in claims
                claims.setdefault((kind, text), Claim(kind, text, sentence))
    return list(claims.values())


def _sentences(document: str, text: str) -> Iterator[Sentence]:
    spans = sentence_spans(text)
    for index, (start, end) in enumerate(spans):
        sentence = text[start:end]
        words = sentence.split()
        letters = sum(map(str.isalpha, sentence))
        prose = letters > 0.65 * len(sentence) and "|" not in sentence and "<unk>" not in sentence
        whole = sentence[-1:] in ".!" or sentence[-3:] in (' ."', " . ")
        if not (WORDS[0] <= len(words) <= WORDS[1] and prose and whole):
            continue
        first = last = index
        while True:
            if last + 1 < len(spans) and spans[last + 1][1] - spans[first][0] <= PASSAGE:
                last += 1
            elif first > 0 and spans[last][1] - spans[first - 1][0] <= PASSAGE:
                first -= 1
            else:
                break
            if first > 0 and spans[last][1] - spans[first - 1][0] <= PASSAGE:
                first -= 1
        yield Sentence(document, sentence, text[spans[first][0] : spans[last][1]])


def _names(text: str) -> list[str]:
    """Return runs of capitalised words that stand inside a sentence."""
    found = re.findall(r"(?<=[a-z,] )[A-Z][a-z]+(?: [A-Z][a-z]+)*", text)
    return [name for name in found if name not in MONTHS and len(name) > 3]


def _shortened(sentence: Sentence, chance: random.Random, _: Corpus) -> str | None:
    """Leave out a bracket, or what stands before the first or after the last comma."""
    text = sentence.text
    ways = [re.sub(r"\s*\([^()]*\)", "", text)]
    parts = re.split(r"\s*[,;]\s+", text)
    if len(parts) > 1:
        ways.append(text[text.index(parts[1]) :].strip())
        ways.append(text[: text.rindex(parts[-1])].rstrip(" ,;") + ".")
    ways = [way for way in ways if way != text and len(way.split()) >= 5]
    return chance.choice(ways) if ways else None


def _reordered(sentence: Sentence, chance: random.Random, _: Corpus) -> str | None:
    """Let two parts of a sentence, parted by a comma or an "and", change places."""
    body = sentence.text.rstrip(" .")
    cuts = [(m.start(), m.end()) for m in re.finditer(r"\s*[,;]\s+|\s+and\s+", body)]
    cuts = [c for c in cuts if len(body[: c[0]].split()) > 2 and len(body[c[1] :].split()) > 2]
    if not cuts:
        return None
    start, end = chance.choice(cuts)
    return f"{body[end:]}, {body[:start]}."


def _other_number(sentence: Sentence, chance: random.Random, _: Corpus) -> str | None:
    """Change one number: a digit of it, or for another number of the passage."""
    places = list(re.finditer(r"(?<![\w.,@])\d+(?:[.,]\d+)*(?![\w@])", sentence.text))
    spelled = list(re.finditer(rf"\b(?:{'|'.join(SMALL)})\b", sentence.text))
    if not places and not spelled:
        return None
    place = chance.choice(places + spelled)
    known = set(re.findall(r"\d+(?:[.,]\d+)*", sentence.text))
    if place[0] in SMALL:
        rest = [word for word in SMALL if word not in sentence.text]
        return sentence.text[: place.start()] + chance.choice(rest) + sentence.text[place.end() :]
    near = sorted(set(re.findall(r"(?<![\w.,])\d+(?:\.\d+)?\b", sentence.passage)) - known)
    if near and chance.random() < 0.3:
        other = str(chance.choice(near))
    else:
        digits = list(place[0])
        at = chance.choice([i for i, digit in enumerate(digits) if digit.isdigit()])
        digits[at] = chance.choice([d for d in "123456789" if d != digits[at]])
        other = "".join(digits)
    if other in known:
        return None
    return sentence.text[: place.start()] + other + sentence.text[place.end() :]


def _other_date(sentence: Sentence, chance: random.Random, _: Corpus) -> str | None:
    """Change a month, or the year or the day beside one."""
    months = "|".join(MONTHS)
    pattern = rf"\b(?:({months})\s(\d{{1,2}})\b|(\d{{1,2}})\s({months})\b|({months})\s(\d{{4}}))"
    place = re.search(pattern, sentence.text, re.IGNORECASE)
    if place is None:
        return None
    month = next(part for part in place.groups() if part and part[0].isalpha())
    number = next(part for part in place.groups() if part and part[0].isdigit())
    if chance.random() < 0.5:
        rest = [name for name in MONTHS if name.lower() not in sentence.text.lower()]
        other = chance.choice(rest)
        changed = place[0].replace(month, other if month[0].isupper() else other.lower())
    else:
        value = int(number)
        step = chance.choice([-3, -2, -1, 1, 2, 3])
        other = str(value + step if len(number) == 4 else (value + step - 1) % 28 + 1)
        if other == number:
            return None
        changed = place[0].replace(number, other)
    return sentence.text[: place.start()] + changed + sentence.text[place.end() :]


def _other_name(sentence: Sentence, chance: random.Random, corpus: Corpus) -> str | None:
    """Put another name of the document, often one of the passage, in a name's place."""
    places = _names(sentence.text)
    near = [name for name in _names(sentence.passage) if name not in sentence.text]
    everywhere = [n for n in corpus.names[sentence.document] if n not in sentence.passage]
    if not places or not everywhere:
        return None
    other = chance.choice(near if near and chance.random() < 0.5 else everywhere)
    place = chance.choice(places)
    if set(other.split()) & set(sentence.text.split()):
        return None
    return sentence.text.replace(place, other, 1)


def _foreign(sentence: Sentence, chance: random.Random, corpus: Corpus) -> str | None:
    return chance.choice(corpus.others(sentence.document)).text


def _negated(sentence: Sentence, chance: random.Random, _: Corpus) -> str | None:
    """Take a "not" out, or put one in after the first auxiliary verb."""
    text = sentence.text
    if re.search(r"\b(?:not|never|no)\b", text):
        if re.search(rf"{AUXILIARIES}\s(?:not|never)\b(?! only)", text):
            return re.sub(rf"{AUXILIARIES}\s(?:not|never)\b", r"\1", text, count=1)
        return None
    if not re.search(AUXILIARIES, text):
        return None
    return re.sub(AUXILIARIES, r"\1 not" if chance.random() < 0.7 else r"\1 never", text, count=1)


def _added(sentence: Sentence, chance: random.Random, corpus: Corpus) -> str | None:
    """Add an invented clause, or one of another document, at the end or at a comma."""
    body = sentence.text.rstrip(" .")
    if chance.random() < 0.7:
        detail = chance.choice(INVENTIONS)
    else:
        parts = re.split(r"\s*[,;]\s+", chance.choice(corpus.others(sentence.document)).text)
        detail = parts[-1].rstrip(" .")
        if not 4 <= len(detail.split()) <= 12:
            return None
    commas = [m.start() for m in re.finditer(r"\s?,\s", body)]
    if commas and chance.random() < 0.3:
        at = chance.choice(commas)
        return f"{body[:at]}, {detail}{body[at:]}."
    return f"{body}, {detail}."
