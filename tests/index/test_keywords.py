"""Keyword vectors: which words meet which."""

from collections.abc import Callable

import pytest

from ingest.index.keywords import Keywords, passage_keywords, question_keywords


def score(question: str, passage: str) -> float:
    weights = dict(zip(*_lists(passage_keywords, passage), strict=True))
    indices, values = _lists(question_keywords, question)
    return sum(weights.get(i, 0.0) * v for i, v in zip(indices, values, strict=True))


def _lists(encode: Callable[[str], Keywords], text: str) -> tuple[list[int], list[float]]:
    keywords = encode(text)
    return keywords.indices, keywords.values


@pytest.mark.parametrize(
    ("question", "passage"),
    [
        ("painting", "She painted the door."),
        ("PAINTED", "paintings on the wall"),
        ("Zürich", "the lake of Zurich"),
        ("cafe", "in a café"),
        ("cafe\u0301", "in a café"),
        ("2024", "the report of 2024"),
    ],
)
def test_words_meet_whatever_their_ending_case_or_accent(question: str, passage: str) -> None:
    assert score(question, passage) > 0


@pytest.mark.parametrize(
    ("question", "passage"),
    [("painting", "The wall was white."), ("the of and", "the of and"), ("", "words"), ("a", "")],
)
def test_other_words_and_stop_words_do_not_meet(question: str, passage: str) -> None:
    assert score(question, passage) == 0


def test_a_word_said_twice_weighs_more_but_not_twice() -> None:
    once, twice = score("hare", "the hare ran fast"), score("hare", "the hare hare ran")
    assert once < twice < 2 * once


def test_a_word_weighs_more_in_a_short_passage() -> None:
    assert score("hare", "a hare") > score("hare", "a hare " + "ran over fields " * 40)


def test_no_token_comes_twice() -> None:
    indices, values = _lists(passage_keywords, "paint painted painting paintings " * 50)
    assert len(indices) == len(set(indices)) == len(values) == 1
