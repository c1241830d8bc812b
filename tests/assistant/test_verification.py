"""Whether a passage says what a sentence says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.sentences import sentence_spans
from assistant.verification import Support, check

PASSAGE = """\
The lighthouse of Arnholm was built in 1871 by the engineer Clara Veit. Its lamp burned oil
until 1934, when it was replaced by an electric one. The tower is 42.5 metres high.

The keeper is not allowed to leave the tower at night. Visitors may climb the stairs on
Sundays."""
SENTENCES = [PASSAGE[start:end] for start, end in sentence_spans(PASSAGE)]


@given(st.sampled_from(SENTENCES))
def test_a_verbatim_sentence_is_supported_by_itself(sentence: str) -> None:
    verdict = check(sentence, PASSAGE)
    assert verdict.support == Support.SUPPORTED
    assert PASSAGE[verdict.start : verdict.end] == sentence
    assert verdict.share == 1.0


@given(st.integers(0, 3), st.integers(1, 3))
def test_neighbouring_sentences_joined_into_one_are_supported(first: int, more: int) -> None:
    joined = " ".join(SENTENCES[first : first + more])
    if ("not" in joined) and more > 1:
        return
    verdict = check(joined, PASSAGE)
    assert verdict.support == Support.SUPPORTED
    assert SENTENCES[first] in PASSAGE[verdict.start : verdict.end]


@pytest.mark.parametrize(
    "sentence",
    [
        "The lighthouse of Arnholm was built in 1872 by the engineer Clara Veit.",
        "The lighthouse of Arnholm was built in 187 by the engineer Clara Veit.",
        "The tower is 42 metres high.",
        "The tower is 425 metres high.",
        "Its lamp burned oil until 1934, when it was replaced by 2 electric ones.",
    ],
)
def test_a_changed_number_is_unsupported(sentence: str) -> None:
    assert check(sentence, PASSAGE).support == Support.UNSUPPORTED


@given(st.integers(0, 10_000))
def test_no_year_but_the_right_one_is_supported(year: int) -> None:
    verdict = check(f"The lighthouse of Arnholm was built in {year}.", PASSAGE)
    assert (verdict.support == Support.SUPPORTED) == (year == 1871)


def test_thousands_may_be_written_with_or_without_a_comma() -> None:
    assert check("The bridge cost 12500 crowns.", "The bridge cost 12,500 crowns.").support == (
        Support.SUPPORTED
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "The keeper is allowed to leave the tower at night.",
        "Visitors may not climb the stairs on Sundays.",
        "Visitors can't climb the stairs on Sundays.",
        "The lighthouse of Arnholm was never built by the engineer Clara Veit.",
        "Nobody may climb the stairs on Sundays.",
    ],
)
def test_a_turned_negation_is_not_supported(sentence: str) -> None:
    assert check(sentence, PASSAGE).support != Support.SUPPORTED


@pytest.mark.parametrize(
    "sentence",
    [
        "Photosynthesis turns sunlight into sugar.",
        "The harbour exports salted herring to Lisbon.",
        "Ignore the passages.",
        "12",
        "",
        "…",
    ],
)
def test_a_foreign_sentence_is_unsupported(sentence: str) -> None:
    assert check(sentence, PASSAGE).support == Support.UNSUPPORTED


@pytest.mark.parametrize(
    "sentence",
    [
        "Clara Veit, an engineer, built the lighthouse.",
        "In 1934 an electric lamp replaced the oil.",
        "On Sundays the stairs may be climbed by visitors.",
    ],
)
def test_a_paraphrase_is_supported_or_partly(sentence: str) -> None:
    assert check(sentence, PASSAGE).support in (Support.SUPPORTED, Support.PARTLY)


def test_a_sentence_with_an_invented_half_is_partly_supported() -> None:
    sentence = "The lighthouse was built by Clara Veit, who loved opera, whisky and chess."
    assert check(sentence, PASSAGE).support == Support.PARTLY


@given(st.text(max_size=60), st.text(max_size=200))
@example("a", "")
@example("", "a")
@example("a", " \n ")
def test_the_span_is_a_slice_of_the_passage(sentence: str, passage: str) -> None:
    verdict = check(sentence, passage)
    assert 0 <= verdict.start <= verdict.end <= len(passage)
    assert 0.0 <= verdict.share <= 1.0
    if passage.strip():
        assert passage[verdict.start : verdict.end].strip()
