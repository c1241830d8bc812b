"""Two lists made one, on one scale, with a share of what stands beside a chunk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.fusion import NEIGHBOUR_SHARE, fuse, lift
from ingest.index.store import Hit, Hits

A, B, C, D = 10, 20, 30, 40


def test_lists_are_scaled_weighted_and_summed() -> None:
    dense = [Hit(A, 0.9), Hit(B, 0.7), Hit(C, 0.5)]
    keywords = [Hit(B, 12.0), Hit(D, 6.0), Hit(A, 2.0)]
    fused = fuse(Hits(dense, keywords))
    # A: 0.4·1 + 0.6·0; B: 0.4·0.5 + 0.6·1; C: 0.4·0; D: 0.6·0.4
    assert [number for number, _ in fused] == [B, A, D, C]
    assert [score for _, score in fused] == pytest.approx([0.8, 0.4, 0.24, 0.0])


def test_ties_are_broken_the_same_way_in_any_order() -> None:
    hits = [Hit(number, 0.5) for number in (C, A, B, D)]
    for turned in (hits, hits[::-1]):
        assert fuse(Hits(turned, [])) == [(A, 0.4), (B, 0.4), (C, 0.4), (D, 0.4)]


def test_scores_lie_between_zero_and_one() -> None:
    fused = fuse(Hits([Hit(A, -0.2), Hit(B, -0.4)], [Hit(A, 30.0)]))
    assert [score for _, score in fused] == pytest.approx([1.0, 0.0])


def test_nothing_found_is_nothing_fused() -> None:
    assert fuse(Hits([], [])) == []
    assert lift([]) == []


def test_a_chunk_gains_from_those_beside_it_and_no_others() -> None:
    whole = 1 + 2 * NEIGHBOUR_SHARE
    lifted = lift([(A, 0.9), (B, 0.8), (B + 1, 0.7), (C - 1, 0.5)])
    # A: 0.9, B: 0.8 + 0.2·0.7, B + 1: 0.7 + 0.2·0.8
    assert [number for number, _ in lifted] == [B, A, B + 1, C - 1]
    assert dict(lifted) == pytest.approx(
        {
            A: 0.9 / whole,
            B: (0.8 + NEIGHBOUR_SHARE * 0.7) / whole,
            B + 1: (0.7 + NEIGHBOUR_SHARE * 0.8) / whole,
            C - 1: 0.5 / whole,
        }
    )


@given(
    st.dictionaries(st.integers(0, 30), st.floats(0, 1)),
    st.dictionaries(st.integers(0, 30), st.floats(0, 50)),
)
def test_every_chunk_is_ranked_once_on_the_same_scale(
    dense: dict[int, float], keywords: dict[int, float]
) -> None:
    hits = Hits(
        *([Hit(number, score) for number, score in found.items()] for found in (dense, keywords))
    )
    ranked = lift(fuse(hits))
    scores = [score for _, score in ranked]
    assert sorted(number for number, _ in ranked) == sorted(dense.keys() | keywords.keys())
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
