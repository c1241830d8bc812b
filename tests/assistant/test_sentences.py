"""Where sentences end, in prose, lists, tables, PDF pages and models' answers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assistant.sentences import sentence_spans

WRITTEN = st.text(
    st.sampled_from("aZé5 .!?…\n\t\r\"”'»)]*_[1|#-•。！」日\u00a0\u2028")
    | st.characters(exclude_categories=["Cs"]),
    max_size=80,
)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@given(WRITTEN)
@example("| a | b |\n| c | d |\n")
@example("## Title\nOne. [1]")
def test_spans_are_ordered_exact_and_leave_out_white_space_only(text: str) -> None:
    spans = sentence_spans(text)
    position = 0
    for start, end in spans:
        assert text[position:start].strip() == ""
        assert position <= start < end
        assert text[start:end] == text[start:end].strip()
        position = end
    assert text[position:].strip() == ""


@pytest.mark.parametrize("text", ["", " ", "\n\n \t\n"])
def test_nothing_has_no_sentences(text: str) -> None:
    assert sentence_spans(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Smith met Mrs. Jones.",
        "It holds tools, e.g. Hammers, i.e. Heavy things.",
        "See Fig. 3 and cf. Table 2.",
        "The fee is 3.5 percent of 1,200.75 euros.",
        "J. R. R. Tolkien wrote it.",
        "Version 2.13.0 is out on example.com now.",
        pytest.param("." * 20_000 + "x", id="a long run of marks"),
        "The first chapter .......... 12",
        "The first chapter . . . . . 12",
        "He waited… and waited... and left.",
        '"Really?" she asked.',
        "The company, Acme Inc. and its sons, grew.",
        "A line that a PDF page\nbreaks in the middle\nis one sentence.",
        "The command ls | wc counts\nthe files of a folder.",
        "Where x = 1 = y holds\nit is done.",
    ],
)
def test_one_sentence_stays_whole(text: str) -> None:
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two is there.", ["One is here.", "Two is there."]),
        ("Is it? Yes! Good.", ["Is it?", "Yes!", "Good."]),
        ("We left Java. .NET is used.", ["We left Java.", ".NET is used."]),
        ("He waited..... Then he left.", ["He waited.....", "Then he left."]),
        ("He said “Stop.” Then he left.", ["He said “Stop.”", "Then he left."]),
        ('She wrote "No!" He read it.', ['She wrote "No!"', "He read it."]),
        ("(It was late.) They went.", ["(It was late.)", "They went."]),
        ("It began in 1999. It ended soon.", ["It began in 1999.", "It ended soon."]),
        ("It costs 3.5 million. That is much.", ["It costs 3.5 million.", "That is much."]),
        ("第一。第二！第三", ["第一。", "第二！", "第三"]),
        ("「行こう。」彼は言った。", ["「行こう。」", "彼は言った。"]),
        ("A title\n\nA paragraph", ["A title", "A paragraph"]),
        ("# Title\nText here", ["# Title", "Text here"]),
        ("Intro:\n- first\n- second", ["Intro:", "- first", "- second"]),
        ("Steps\n1. Open it.\n2. Close it.", ["Steps", "1. Open it.", "2. Close it."]),
        ("| a | 1 |\n| b | 2 |", ["| a | 1 |", "| b | 2 |"]),
        ("Sales:\na | 1\nb | 2\nThey grew.", ["Sales:", "a | 1", "b | 2", "They grew."]),
        (
            "First.\n = = Reception = = \nIt sold well.",
            ["First.", "= = Reception = =", "It sold well."],
        ),
        ("== History ==\nIt is old.", ["== History ==", "It is old."]),
    ],
)
def test_sentences_lists_headings_and_tables_are_told_apart(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is. [1] Two are. [2]", ["One is. [1]", "Two are. [2]"]),
        ("One is.[1] Two are.[2]", ["One is.[1]", "Two are.[2]"]),
        ("One is [1]. Two are [2].", ["One is [1].", "Two are [2]."]),
        ("One is. [1][2] [3] Two are. [1]", ["One is. [1][2] [3]", "Two are. [1]"]),
        ("One is. [1]\n\nTwo are. [2]\n", ["One is. [1]", "Two are. [2]"]),
        ("- One is. [1]\n- Two are. [2]", ["- One is. [1]", "- Two are. [2]"]),
        ("今日は晴れ。[1]明日は雨。[2]", ["今日は晴れ。[1]", "明日は雨。[2]"]),
        ("今日は晴れ。 [1] 明日は雨。 [2]", ["今日は晴れ。 [1]", "明日は雨。 [2]"]),
    ],
)
def test_a_citation_after_the_full_stop_belongs_to_the_sentence_before_it(
    text: str, expected: list[str]
) -> None:
    assert sentences(text) == expected


def test_a_text_without_capitals_has_sentences_too() -> None:
    text = (
        "the credit is $20 million, of which e.g. half expires in 2020. a deferred asset was "
        "booked by j. smith in the u.s. market. does it expire? not before 2027."
    )
    assert [text[start:end] for start, end in sentence_spans(text)] == [
        "the credit is $20 million, of which e.g. half expires in 2020.",
        "a deferred asset was booked by j. smith in the u.s. market.",
        "does it expire?",
        "not before 2027.",
    ]


def test_a_small_letter_after_a_full_stop_goes_on_where_capitals_begin_sentences() -> None:
    text = "The firm Yahoo! was sold to approx. ten owners. It is now called oath."
    assert len(sentence_spans(text)) == 2
