"""Whether a passage says what a sentence says."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paraphrases import cases

from assistant.sentences import sentence_spans
from assistant.verification import Checker, Support, check
from ingest.index.documents import Passage
from ingest.index.embedding import Embedder

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
    assert PASSAGE[verdict.evidence[0].start : verdict.evidence[0].end] == sentence
    assert verdict.evidence[0].share == 1.0


@given(st.integers(0, 3), st.integers(1, 3))
def test_neighbouring_sentences_joined_into_one_are_supported(first: int, more: int) -> None:
    joined = " ".join(SENTENCES[first : first + more])
    if ("not" in joined) and more > 1:
        return
    verdict = check(joined, PASSAGE)
    assert verdict.support == Support.SUPPORTED
    assert SENTENCES[first] in PASSAGE[verdict.evidence[0].start : verdict.evidence[0].end]


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


def test_a_sentence_with_an_invented_half_is_unsupported() -> None:
    sentence = "The lighthouse was built by Clara Veit, who loved opera, whisky and chess."
    assert check(sentence, PASSAGE).support == Support.UNSUPPORTED


@pytest.mark.parametrize(
    ("claim", "source", "expected"),
    [
        ("It has one thousand books.", "It has 1,000 books.", "supported"),
        ("It has 1000 books.", "It has one thousand books.", "supported"),
        ("Sales rose 10 percent.", "Sales rose 10 %.", "supported"),
        ("Sales rose 10 per cent.", "Sales rose 10%.", "supported"),
        ("It opened at 4 pm.", "It opened at 16:00.", "supported"),
        ("It opened on 2011-05-14.", "It opened on 14 May 2011.", "supported"),
        ("The tank holds 1.5 tonnes.", "The tank holds 1,500 kg.", "supported"),
        ("The tower is 42 feet high.", "The tower is 42 metres high.", "unsupported"),
        ("It opened on 14 June 2011.", "It opened on 14 May 2011.", "unsupported"),
        ("The fee is £5.", "The fee is $5.", "unsupported"),
        ("It needs at most 9 months.", "It needs at least 9 months.", "unsupported"),
        ("It needs no less than 9 months.", "It needs at least 9 months.", "supported"),
        ("About 11,500 people came.", "11,482 people came.", "supported"),
        ("About 12,500 people came.", "11,482 people came.", "unsupported"),
        ("Work starts before the storm.", "Work starts after the storm.", "unsupported"),
        ("Visitor numbers fell in spring.", "Visitor numbers rose in spring.", "unsupported"),
        ("Anna Berg sold the house to Carl Lind.", "Carl Lind sold the house to Anna Berg.", "-"),
        ("It was automatic in 1986.", "It was not automatic until 1986.", "supported"),
    ],
)
def test_values_are_compared_as_what_they_mean(claim: str, source: str, expected: str) -> None:
    found = check(claim, source).support.value
    assert (found != "supported") if expected == "-" else (found == expected)


def passages(*texts: str) -> list[Passage]:
    return [Passage(n, "", "", "", text, 0, len(text), None) for n, text in enumerate(texts, 1)]


def test_a_sentence_that_cites_none_is_looked_for_everywhere() -> None:
    checker = Checker(passages("Herring is salted here.", PASSAGE))
    verdict = checker.check(SENTENCES[0])
    assert verdict.support == Support.SUPPORTED
    assert [shown.number for shown in verdict.evidence] == [2]
    assert checker.check("The moon is made of cheese.").support == Support.UNCITED
    assert checker.check("The moon is made of cheese.", [2]).support == Support.UNSUPPORTED
    assert checker.check("The moon is made of cheese.", [7]).support == Support.UNCITED


def test_two_passages_may_carry_one_sentence_together() -> None:
    checker = Checker(passages("Herring is salted here.", "Cod is dried in Bergen."))
    assert checker.check("Herring is salted here, cod is dried in Bergen.", [1, 2]).support == (
        Support.SUPPORTED
    )
    assert checker.check("Herring is salted here, cod is dried in Bergen.", [1]).support != (
        Support.SUPPORTED
    )


def test_hand_written_paraphrases(embedder: Embedder) -> None:
    found = [
        (claim, check(claim, passage, embedder.embed_passages).support, fair)
        for claim, passage, fair in cases()
    ]
    trusted = [claim for claim, support, fair in found if not fair and support == "supported"]
    assert trusted == []
    lost = [claim for claim, support, fair in found if fair and support == "unsupported"]
    assert len(lost) <= 0.03 * sum(fair for _, _, fair in found), lost


@given(st.text(max_size=60), st.text(max_size=200))
@example("a", "")
@example("", "a")
@example("a", " \n ")
def test_the_span_is_a_slice_of_the_passage(sentence: str, passage: str) -> None:
    verdict = check(sentence, passage)
    for shown in verdict.evidence:
        assert 0 <= shown.start <= shown.end <= len(passage)
        assert 0.0 <= shown.share <= 1.0
        if any(map(str.isalnum, passage)):
            assert passage[shown.start : shown.end].strip()
