"""Answers made of quotes, for when no chat model can be reached."""

from collections.abc import Callable, Sequence

from assistant.candidates import Candidate, candidates
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors

MAX_QUOTES = 3
MOST_COMPARED = 24
"""Sentences that are compared with the question by their vectors."""

NEAR_BEST = 0.92
"""A further sentence is quoted when it scores this share of the best one's score."""

SILENT_BELOW = 0.3
"""Best score below which the passages say nothing about the question."""


def best_quotes(
    question: str,
    passages: Sequence[Passage],
    question_vector: Vectors,
    embed: Callable[[Sequence[str]], Vectors],
) -> list[Candidate]:
    """Return up to three sentences that answer best, best first; none where nothing fits.

    Args:
        question_vector: the question's unit vector.
        embed: texts to unit vectors, one for each row.
    """
    found = candidates(question, passages, question_vector, embed, MOST_COMPARED)
    if not found or max(*(one.cosine for one in found), found[0].score) < SILENT_BELOW:
        return []
    near = [one for one in found if one.score >= NEAR_BEST * found[0].score]
    # The same words may stand under two headings.
    different = {one.text: one for one in reversed(near)}
    return [one for one in near if different[one.text] is one][:MAX_QUOTES]
