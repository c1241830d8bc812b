"""The two lists of a hybrid search made one: on scaled scores, with a share of the neighbours'."""

from collections.abc import Sequence

from ingest.index.store import Hits

Ranked = Sequence[tuple[int, float]]
"""Chunks by the numbers of their ids with their scores, best first."""

DENSE_WEIGHT = 0.4
"""Share of the dense score; the rest is BM25's (docs/retrieval.md)."""

NEIGHBOUR_SHARE = 0.2
"""Share of a neighbour's score that a chunk gains: what stands beside a good chunk is likelier
to be good itself."""


def fuse(hits: Hits) -> Ranked:
    """Merge the two lists by a weighted sum of their scores, best first.

    Each list is scaled to [0, 1] by its own lowest and highest score (min-max); a chunk
    that a list lacks counts as 0 there.
    """
    total: dict[int, float] = {}
    for found, weight in ((hits.dense, DENSE_WEIGHT), (hits.keywords, 1 - DENSE_WEIGHT)):
        scores = [hit.score for hit in found]
        low, high = min(scores, default=0.0), max(scores, default=0.0)
        for hit in found:
            scaled = (hit.score - low) / (high - low) if high > low else 1.0
            total[hit.number] = total.get(hit.number, 0.0) + weight * scaled
    return _best_first(total)


def lift(ranked: Ranked) -> Ranked:
    """Let each chunk gain from the chunks before and after it, best first.

    A score becomes (score + NEIGHBOUR_SHARE · scores of the two) / (1 + 2 · NEIGHBOUR_SHARE),
    so it stays in [0, 1]; a neighbour that was not found counts as 0.
    """
    scores = dict(ranked)
    whole = 1 + 2 * NEIGHBOUR_SHARE
    lifted = {}
    for number, score in ranked:
        around = scores.get(number - 1, 0.0) + scores.get(number + 1, 0.0)
        lifted[number] = (score + NEIGHBOUR_SHARE * around) / whole
    return _best_first(lifted)


def _best_first(scores: dict[int, float]) -> Ranked:
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))
