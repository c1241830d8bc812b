"""Keyword vectors: which words meet which."""

from collections.abc import Callable

import pytest

from ingest.index.keywords import (
    Keywords,
    passage_keywords,
    question_keywords,
    question_terms,
)


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


# -- languages -------------------------------------------------------------------------------


def meets(question: str, passage: str, language: str, *searched: str) -> bool:
    asked = question_keywords(question, searched or (language,)).indices
    return not set(asked).isdisjoint(passage_keywords(passage, language).indices)


@pytest.mark.parametrize(
    ("language", "question", "passage"),
    [
        ("de", "Häuser", "das Haus"),
        ("es", "habitaciones", "la habitación"),
        ("fr", "généraux", "le général"),
        ("ru", "книга", "с книгами"),
        ("fi", "kylä", "kylässä"),
        ("sv", "gåva", "gåvor"),
        ("tr", "çiçek", "çiçekler"),
        ("hu", "ház", "házakban"),
        # With or without accents, asked for or written.
        ("es", "habitacion", "la habitación"),
        ("de", "Zurich", "in Zürich"),
        ("de", "Zürich", "in Zurich"),
        ("pl", "Lodz", "w Łodzi i Łódź"),
        # Scripts that are not cut into words, and marks that would cut them.
        ("ja", "鍵はどこ", "部屋の鍵を返す"),
        ("zh", "北京", "他住在北京市"),
        ("th", "ห้อง", "กุญแจห้อง"),
        ("ko", "서울", "서울에서 왔다"),
        ("km", "ភ្នំពេញ", "ទីក្រុងភ្នំពេញ"),
        ("ne", "नमस्ते", "नमस्ते, साथी"),
        ("ar", "كتاب", "كِتَاب"),
        # In texts of another language, too.
        ("en", "東京", "The Tokyo of 1930 (東京都)"),
        ("", "keys", "key 12"),
        ("tl", "susi", "ang mga susi"),
    ],
)
def test_words_meet_as_their_language_has_it(language: str, question: str, passage: str) -> None:
    assert meets(question, passage, language)
    assert meets(question, passage, language, "en", "de", language)


@pytest.mark.parametrize(
    ("language", "question", "passage"),
    [
        ("de", "für über", "für über"),
        ("fr", "été à même", "été à même"),
        ("tl", "pinto", "ang mga susi"),
        ("pl", "klucz", "klucze"),
        ("th", "ตลาด", "กุญแจห้อง"),
    ],
)
def test_stop_words_and_other_words_of_a_language_do_not_meet(
    language: str, question: str, passage: str
) -> None:
    assert not meets(question, passage, language)


def test_stop_words_of_the_question_s_language_are_asked_for_in_none() -> None:
    passage = "Der Film heißt The Is What Where."
    assert meets("the where", passage, "de", "de") is False
    assert not meets("What is the name and where?", passage, "de", "de", "en")
    assert meets("Wo ist der Film, der so heißt?", passage, "de", "de", "en")
    assert meets("did he die?", "The sailor may die.", "en", "de", "en")


def test_a_word_with_accents_counts_as_itself_first() -> None:
    [terms] = question_terms("habitación", ["es"])
    assert sorted(terms.values()) == [0.5, 1.0]
    [terms] = question_terms("Zürich", ["en"])
    assert list(terms.values()) == [1.0]


def test_languages_that_agree_on_a_word_ask_for_it_once() -> None:
    [terms] = question_terms("Hotel", ["de", "en", "fr"])
    assert list(terms.values()) == [1.0]
    assert question_keywords("hotel Hotel", ["de", "en"]).values == [1.0]


def test_what_no_encoder_knows_is_still_a_question() -> None:
    for question in ("\ud800", "\0", "\u202e", "🙂", "؟", "\u0301\u0301"):
        assert question_keywords(question, ["de", "ja", "xx"]) == Keywords([], [])
