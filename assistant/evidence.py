"""Whether passages hold an answer at all: a score, and a verdict by a threshold.

Two things tell: how near the nearest chunk is to the question, and how many of the question's
words the best passage has. A logistic model weighs them; bench/evidence.py fits it on labelled
questions and shows on documents it was not fitted on what it can and cannot tell
(docs/retrieval.md). Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from ingest.index.documents import Passage
from ingest.index.keywords import (
    ENGLISH,
    passage_keywords,
    question_keywords,
    question_terms,
)
from ingest.index.settings import DEFAULT_MODEL

COSINE_WEIGHT = 3.5
COVERAGE_WEIGHT = 5.5
BIAS = -5.5
"""Of the logistic model, fitted by bench/evidence.py."""

LEAST_COVERED = 0.4
"""A question may be in other words than its document: a share below this counts as this, so
that such a question is answered from a cosine of about 0.45 on. Of questions about another
document one in a hundred comes as near (docs/retrieval.md)."""

_WHOLE = (
    "summarise summarize summary overview outline gist recap document file text content topic "
    "theme main key important point idea takeaway give tell show write explain describe list "
    "fasse fass zusammen zusammenfassung überblick dokument datei inhalt wichtigste gib zeige "
    "résume résumez résumer résumé aperçu fichier contenu principaux points donne "
    "resume resuma resumir resumen resumo documento archivo arquivo texto contenido dame "
    "riassumi riassunto riepilogo contenuto vat samen samenvatting"
)
"""Words of questions that ask for a document as a whole, and so need not stand in it."""

CALIBRATED = DEFAULT_MODEL
"""The embedding model whose cosines the weights were fitted on."""

USUAL_COSINE = 0.7
"""The median of questions that have an answer: taken for any other model, whose cosines may lie
elsewhere altogether, so that the words decide alone."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the passages of a search are worth.

    Attributes:
        score: how likely they hold an answer, in [0, 1]. Half of the questions that it was
            fitted on had one.
        answerable: the verdict.
        cosine: between the question and the chunk nearest to it.
        covered: share of the question's words that the best passage has, LEAST_COVERED at least.
    """

    score: float
    answerable: bool
    cosine: float
    covered: float


NONE = Evidence(0.0, False, 0.0, 0.0)
"""Where nothing was found."""


def weigh(question: str, passages: Sequence[Passage], cosine: float, threshold: float) -> Evidence:
    """Return what the passages of a search are worth.

    Args:
        question: as it was searched for.
        passages: best first.
        cosine: between the question and the chunk nearest to it.
        threshold: least score for the verdict that there is an answer; 0 never denies it.
    """
    if not passages:
        return NONE
    covered = coverage(question, passages[0].text, passages[0].language)
    covered = max(LEAST_COVERED, covered)
    score = probability(cosine, covered)
    return Evidence(round(score, 4), score >= threshold, cosine, covered)


def probability(cosine: float, covered: float) -> float:
    """Return the model's probability that there is an answer."""
    return 1 / (1 + math.exp(-(COSINE_WEIGHT * cosine + COVERAGE_WEIGHT * covered + BIAS)))


def coverage(question: str, text: str, language: str = ENGLISH) -> float:
    """Return the share of a question's words, without stop words, that a text has.

    Words are compared by their stems; where a script has no spaces, by pairs of characters.
    A question of stop words alone, or one for a document as a whole ("Summarise this"), has
    none to miss, and is covered.

    Args:
        language: ISO 639-1 code of the text's.
    """
    # Beside the stems of the text's language each word has its English one, as _WHOLE has.
    words = question_terms(question, [language, ENGLISH])
    if all(not _whole().isdisjoint(terms) for terms in words):
        return 1.0
    held = set(passage_keywords(text, language).indices)
    return sum(not held.isdisjoint(terms) for terms in words) / len(words)


@cache
def _whole() -> frozenset[int]:
    return frozenset(question_keywords(_WHOLE).indices)
