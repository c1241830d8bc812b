"""Reasoning that a model writes into its answer is told from the answer."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.reasoning import ReasoningSplitter

PARTS = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "</th", "ink>", "word", " ", "\n", "<thinking>"]),
    max_size=12,
).map("".join)


def split(*pieces: str) -> tuple[str, str]:
    splitter = ReasoningSplitter()
    found = [*map(splitter.feed, pieces), splitter.end()]
    return "".join(one.text for one in found), "".join(one.reasoning for one in found)


@pytest.mark.parametrize(
    ("written", "text", "reasoning"),
    [
        ("An answer.", "An answer.", ""),
        ("<think>Hm, 1871?</think>In 1871.", "In 1871.", "Hm, 1871?"),
        ("\n <THINK>Hm</Think> Yes", " Yes", "Hm"),
        ("<thinking>a </think> b</thinking>c", "c", "a </think> b"),
        ("<think>never closed [1]", "", "never closed [1]"),
        ("The tag <think> is shown.", "The tag <think> is shown.", ""),
        ("<thi", "<thi", ""),
        ("<b>bold</b>", "<b>bold</b>", ""),
        ("", "", ""),
    ],
)
def test_reasoning_at_the_beginning_is_taken_out(written: str, text: str, reasoning: str) -> None:
    assert split(written) == (text, reasoning)
    assert split(*written) == (text, reasoning)


@given(PARTS, st.lists(st.integers(0, 80)))
@example("<think>a</think>b", [3, 9, 11])
def test_however_the_text_is_cut_the_result_is_the_same(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]
    assert split(*pieces) == split(text)


def test_reasoning_arrives_while_it_is_written() -> None:
    splitter = ReasoningSplitter()
    splitter.feed("<think>One")
    assert splitter.feed(" two").reasoning == " two"
    assert splitter.feed("</thi").reasoning == ""
    assert splitter.feed("nk>Done").text == "Done"
