"""Whether passages hold an answer at all: a score, and a verdict by a threshold.

The sentence that answers best tells it, by its cosine with the question (or the nearest chunk's,
where no sentence is as like), and by how many of the question's words it and its passage have
(assistant/candidates.py); and the best passage tells it, by whether the words and the vectors of
the question find it alike. A logistic model weighs the three; bench/evidence.py fits it on
labelled questions and shows on documents it was not fitted on what it can and cannot tell
(docs/retrieval.md). Pure.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from assistant.candidates import Candidate, Likely
from ingest.index.keywords import ENGLISH, question_keywords, question_terms
from ingest.index.settings import DEFAULT_MODEL

COSINE_WEIGHT = 7.0
COVERAGE_WEIGHT = 6.9
AGREEMENT_WEIGHT = 9.6
BIAS = -15.8
"""Of the logistic model, fitted by bench/evidence.py."""

LEAST_COVERED = 0.3
"""A question may be in other words than its document: a share below this counts as this, so
that such a question is answered from a cosine of 0.45 on, or less where the best passage scores
well. Of questions about another document one in sixty comes as near (docs/retrieval.md)."""

LEAST_AGREED = 0.72
"""A passage with nothing beside it, as in a document of one, scores 0.71 at the most: less than
this counts as this, and tells nothing."""

USUAL_AGREED = 0.79
"""The median of questions that have an answer: taken where scores or cosines are another
model's."""

PASSAGE_MARGIN = 0.05
"""A passage may answer as a whole what no sentence of it does: the cosine of the nearest chunk,
less this, counts where no sentence is as like."""

PASSAGES = 5
"""Passages whose sentences are looked at, as many as the weights were fitted on."""

COMPARED = 2
"""Sentences that are compared with the question. More tell no more, and each takes its time."""

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

USUAL_COSINE = 0.77
"""The median of questions that have an answer: taken for any other model, whose cosines may lie
elsewhere altogether. The words alone move the score then, and nothing is refused."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the passages of a search are worth.

    Attributes:
        score: how likely they hold an answer, in [0, 1]. Half of the questions that it was
            fitted on had one.
        answerable: the verdict.
        cosine: between the question and the sentence that answers it best, or the
            chunk nearest to it less PASSAGE_MARGIN.
        covered: mean of the shares of the question's words that this sentence and its passage
            have, LEAST_COVERED at least.
        agreed: fused score of the best passage, LEAST_AGREED at least.
    """

    score: float
    answerable: bool
    cosine: float
    covered: float
    agreed: float


NONE = Evidence(0.0, False, 0.0, 0.0, 0.0)
"""Where nothing was found."""


def weigh(
    question: str,
    languages: Iterable[str],
    found: Sequence[Candidate],
    nearest: float,
    threshold: float,
    *,
    agreed: float,
    calibrated: bool = True,
) -> Evidence:
    """Return what the passages of a search are worth.

    Args:
        question: as it was searched for.
        languages: ISO 639-1 codes of the passages'.
        found: sentences of the passages, best first.
        nearest: cosine between the question and the chunk nearest to it.
        threshold: least score for the verdict that there is an answer; 0 never denies it.
        agreed: fused score of the best passage.
        calibrated: whether the cosines are those of the model that the weights were fitted on.
    """
    if asks_for_whole(question, languages):
        cosine, covered, agreed = USUAL_COSINE, 1.0, USUAL_AGREED
    else:
        cosine = max(nearest - PASSAGE_MARGIN, found[0].cosine if found else 0.0)
        covered = (found[0].overlap + found[0].coverage) / 2 if found else 0.0
        covered = max(LEAST_COVERED, covered)
        if not calibrated:
            cosine, agreed = USUAL_COSINE, USUAL_AGREED
    agreed = max(LEAST_AGREED, agreed)
    score = probability(cosine, covered, agreed)
    return Evidence(round(score, 4), score >= threshold, cosine, covered, agreed)


def suffices(
    nearest: float,
    found: Iterable[Likely],
    threshold: float,
    *,
    agreed: float,
    calibrated: bool = True,
) -> bool:
    """Whether passages hold an answer whatever the vectors of their sentences say.

    `weigh` will tell so then, with a score as high as here or higher.

    Args:
        nearest: cosine between the question and the chunk nearest to it.
        found: the sentences that `weigh` will be given, or none of them.
        threshold: as `weigh` takes it, and `agreed` and `calibrated` too.
    """
    cosine = min(nearest - PASSAGE_MARGIN, USUAL_COSINE) if calibrated else USUAL_COSINE
    covered = min(((one.overlap + one.coverage) / 2 for one in found), default=0.0)
    agreed = min(max(LEAST_AGREED, agreed), USUAL_AGREED) if calibrated else USUAL_AGREED
    return probability(cosine, max(LEAST_COVERED, covered), agreed) >= threshold


def probability(cosine: float, covered: float, agreed: float) -> float:
    """Return the model's probability that there is an answer."""
    weighed = COSINE_WEIGHT * cosine + COVERAGE_WEIGHT * covered + AGREEMENT_WEIGHT * agreed
    return 1 / (1 + math.exp(-(weighed + BIAS)))


def asks_for_whole(question: str, languages: Iterable[str]) -> bool:
    """Whether a question asks for a document as a whole ("Summarise this").

    So does one of stop words alone: it has no words to look for.

    Args:
        languages: ISO 639-1 codes of the documents'.
    """
    # Beside the stems of these languages each word has its English one, as _WHOLE has.
    words = question_terms(question, {*languages, ENGLISH})
    return all(not _whole().isdisjoint(terms) for terms in words)


@cache
def _whole() -> frozenset[int]:
    return frozenset(question_keywords(_WHOLE).indices)
