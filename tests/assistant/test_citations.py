"""Citation numbers in a stream: all real, never shown in part, however the text is cut."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.citations import CitationParser, cited_numbers, cited_sentences, without_marks
from assistant.sentences import sentence_spans

KNOWN = range(1, 6)
BITS = [
    *"[]【】［］()0123456789 ,;、，#\n\tap.",
    *["[1]", " [2]", "[1, 2]", "[9]", "passage ", "passages", "[passage 3]", "Words", "   "],
]
MODELS_TEXT = st.lists(st.sampled_from(BITS), max_size=14).map("".join) | st.text(max_size=30)


def parsed(pieces: Iterable[str], numbers: Iterable[int] = KNOWN) -> str:
    parser = CitationParser(numbers)
    return "".join(map(parser.feed, pieces)) + parser.end()


def cut_at(text: str, places: Sequence[int]) -> list[str]:
    ordered = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(ordered)]


@given(MODELS_TEXT)
@example("It is so [passage 1, 2].")
def test_every_cut_in_two_gives_the_same_text(text: str) -> None:
    whole = parsed([text])
    for place in range(len(text) + 1):
        assert parsed([text[:place], text[place:]]) == whole


@given(MODELS_TEXT, st.lists(st.integers(0, 1000), max_size=6))
def test_one_character_at_a_time_and_random_chunks_give_the_same_text(
    text: str, places: list[int]
) -> None:
    whole = parsed([text])
    assert parsed(text) == whole
    assert parsed(cut_at(text, places)) == whole


def test_a_citation_of_fifty_passages_survives_any_cut() -> None:
    text = f"All say so [{', '.join(map(str, range(1, 51)))}]."
    expected = "All say so " + "".join(f"[{number}]" for number in range(1, 51)) + "."
    assert parsed([text], range(1, 51)) == expected
    assert parsed(text, range(1, 51)) == expected


@pytest.mark.parametrize("blank", [" ", "\t"])
def test_much_white_space_gives_the_same_text_however_it_is_cut(blank: str) -> None:
    text = "Far" + blank * 300 + "[1] and [" + blank * 300 + "2]"
    assert parsed(text) == parsed([text])


@given(MODELS_TEXT)
def test_what_is_shown_is_only_ever_added_to(text: str) -> None:
    final = parsed([text])
    parser, shown = CitationParser(KNOWN), ""
    for character in text:
        shown += parser.feed(character)
        assert final.startswith(shown)


@pytest.mark.parametrize("mark", ["[1]", "【2】", "［3］", "[ 1 ]", "[passage 2]", "[1, 2]", "[9]"])
def test_no_part_of_a_mark_is_shown(mark: str) -> None:
    parser, shown = CitationParser(KNOWN), ""
    for character in f"So it is {mark}":
        shown += parser.feed(character)
        if not shown.endswith("]"):
            assert shown in "So it is"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("So it is [1].", "So it is [1]."),
        ("So it is [1, 2].", "So it is [1][2]."),
        ("So it is [1][2].", "So it is [1][2]."),
        ("So it is [1] [2].", "So it is [1] [2]."),
        ("So it is 【1】.", "So it is [1]."),
        ("そうです［1］。", "そうです[1]。"),
        ("そうです【1、2】。", "そうです[1][2]。"),
        ("So it is [ 1 ].", "So it is [1]."),
        ("So it is [passage 2].", "So it is [2]."),
        ("So it is [Passages 1, 3].", "So it is [1][3]."),
        ("So it is [#1; #2].", "So it is [1][2]."),
        ("So it is [1, 1].", "So it is [1]."),
        ("So it is [01].", "So it is [1]."),
    ],
)
def test_marks_of_every_spelling_become_plain_ones(written: str, shown: str) -> None:
    assert parsed([written]) == shown
    assert parsed(written) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("So it is [9].", "So it is."),
        ("So it is [0].", "So it is."),
        ("So it is [1, 9].", "So it is [1]."),
        ("So it is [7, 8, 9] indeed.", "So it is indeed."),
        ("So it is [9][1].", "So it is[1]."),
        ("[9]", ""),
    ],
)
def test_numbers_that_were_not_shown_vanish(written: str, shown: str) -> None:
    assert parsed([written]) == shown


@given(st.lists(st.integers(0, 9999), max_size=8), st.sampled_from(["[{}]", " [{}].", "【{}】"]))
def test_every_number_that_is_left_was_shown(numbers: list[int], mark: str) -> None:
    text = "Words".join(mark.format(number) for number in numbers)
    assert cited_numbers(parsed(text)) == list(dict.fromkeys(n for n in numbers if n in KNOWN))


@pytest.mark.parametrize(
    "text",
    [
        "a[i] and b[]",
        "[see below] and [x]",
        "[a link](https://example.com)",
        "- [ ] to do, - [x] done",
        "[1.5] and [-1] and [1:2] and [2-4]",
        "an open [ bracket and a [1",
        "[passage] without a number",
        "[p. 3]",
        "x ] y",
        "【注】",
    ],
)
def test_brackets_that_are_no_citations_survive(text: str) -> None:
    assert parsed([text]) == text
    assert parsed(text) == text


def test_a_document_of_brackets_takes_no_time() -> None:
    text = "[" * 20_000 + " " * 300 + "[1" * 5_000
    assert len(parsed(re.findall(".{1,7}", text))) == len(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is [1]. Two are [2].", [("One is.", [1]), ("Two are.", [2])]),
        ("One is. [1] Two are. [2][1]", [("One is.", [1]), ("Two are.", [2, 1])]),
        ("One is. [1]", [("One is.", [1])]),
        ("One, [1] and two [2], are [1].", [("One, and two, are.", [1, 2])]),
        ("Uncited words.", [("Uncited words.", [])]),
        ("One is. [1]\n\n---\n\nTwo.", [("One is.", [1]), ("Two.", [])]),
        ("晴れです。[1]雨です。[2]", [("晴れです。", [1]), ("雨です。", [2])]),
        ("", []),
    ],
)
def test_each_sentence_has_the_numbers_it_cites(
    text: str, expected: list[tuple[str, list[int]]]
) -> None:
    assert cited_sentences(text, sentence_spans(text)) == expected


def test_text_without_marks_keeps_its_words_and_their_order() -> None:
    assert without_marks("One [1], two [2][3] and three. [1]") == "One, two and three."
    assert cited_numbers("One [2], two [1][2]") == [2, 1]
