"""Vectors of the texts embedded last: each text once, of the model that is asked."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

import ingest.recent
from ingest.index.embedding import Embedder, Vectors
from ingest.recent import RecentVectors

DIGITS = {digit.encode(): digit for digit in "12345"}


class Counting(Embedder):
    """Embeds a text as its length, and remembers what it was given."""

    def __init__(self) -> None:
        super().__init__("counting")
        self.given: list[str] = []

    def embed_passages(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> Vectors:
        self.given += texts
        if on_progress is not None:
            on_progress(len(texts))
        return np.asarray([[float(text)] for text in texts], dtype=np.float32)


def some(digits: str) -> dict[bytes, str]:
    return {digit.encode(): digit for digit in digits}


def ignore(_: int) -> None:
    """Take a report of progress."""


def test_each_text_is_embedded_once() -> None:
    recent, embedder = RecentVectors(), Counting()
    for digits in ("12", "21", "", "312"):
        found = recent.of(some(digits), embedder, ignore)
        assert {key: float(vector[0]) for key, vector in found.items()} == {
            digit.encode(): float(digit) for digit in digits
        }
    assert "".join(embedder.given) == "123"


def test_progress_counts_what_was_there() -> None:
    recent, embedder, told = RecentVectors(), Counting(), list[int]()
    recent.of(some("12"), embedder, ignore)
    recent.of(some("12345"), embedder, told.append)
    recent.of(some("345"), embedder, told.append)
    assert told == [5, 3]


def test_those_used_longest_ago_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.recent, "KEPT", 3)
    recent, embedder = RecentVectors(), Counting()
    for digits in ("123", "1", "4", "13", "2"):
        recent.of(some(digits), embedder, ignore)
    assert "".join(embedder.given) == "12342"


def test_more_texts_than_are_remembered_all_get_their_vectors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ingest.recent, "KEPT", 2)
    recent, embedder = RecentVectors(), Counting()
    assert recent.of(DIGITS, embedder, ignore).keys() == DIGITS.keys()


def test_another_model_embeds_anew() -> None:
    recent, first, second = RecentVectors(), Counting(), Counting()
    for embedder in (first, second, first):
        recent.of(some("1"), embedder, ignore)
    assert (first.given, second.given) == (["1", "1"], ["1"])
