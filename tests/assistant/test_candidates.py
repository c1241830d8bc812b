"""Sentences that may answer a question: which there are, what is compared, what they hold."""

from collections.abc import Sequence
from dataclasses import replace
from math import log

import numpy as np
import pytest

from assistant.candidates import LONGEST_COMPARED, Candidate, candidates
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors

HARBOUR = "The harbour exports salted herring. Its cranes were bought in Lisbon."
ISLAND = """\
The lighthouse of Arnholm stands on a rock before the coast. The lighthouse of Arnholm has been
a museum since 1990. It was first shown to visitors in May 1871, at a feast with music. Few roads
lead to the lighthouse of Arnholm."""


def passages(*texts: str) -> list[Passage]:
    return [
        Passage(number, f"{number}.txt", "d", f"c{number}", text, 100, 100 + len(text), None)
        for number, text in enumerate(texts, 1)
    ]


def scored(question: str, given: Sequence[Passage]) -> tuple[list[Candidate], list[str]]:
    """The sentences of passages and what of them is compared, both in order of the text."""
    seen: list[str] = []

    def embed(texts: Sequence[str]) -> Vectors:
        seen.extend(texts)
        return np.full((len(texts), 1), 0.5, dtype=np.float32)

    found = candidates(question, given, np.ones(1, dtype=np.float32), embed, 99)
    whole = "\n".join(passage.text for passage in given)
    seen.sort(key=lambda text: whole.index(text.split(": ")[-1]))
    return sorted(found, key=lambda one: (one.passage.number, one.start)), seen


def test_words_that_a_passage_is_about_are_compared_with_each_of_its_sentences() -> None:
    _, texts = scored("When did the lighthouse of Arnholm open?", passages(ISLAND, HARBOUR))
    assert texts[2].startswith("lighthouse Arnholm: It was first shown")
    # What it holds is not said twice, and of another passage nothing is understood.
    starts = [text.split(" ")[0] for text in texts]
    assert starts == ["The", "The", "lighthouse", "Few", "The", "Its"]


def test_what_a_heading_names_is_understood_below_it() -> None:
    text = "# The Arnholm ferry\n\nIt leaves at noon.\n\n# The bridge\n\nIt has a toll."
    _, texts = scored("When does the Arnholm ferry leave?", passages(text))
    assert texts == ["Arnholm ferry: It leaves at noon.", "It has a toll."]
    [passage] = passages("It leaves at noon.")
    below = replace(passage, heading=("Arnholm", "The ferry"))
    _, texts = scored("Does the Arnholm ferry run?", [below])
    assert texts == ["Arnholm ferry: It leaves at noon."]


def test_what_is_above_a_heading_is_understood_below_it_and_no_further() -> None:
    text = """\
It has a toll.

# The Arnholm ferry

## Times

It leaves at noon.

# The bridge

It is closed."""
    expected = ["It has a toll.", "Arnholm ferry: It leaves at noon.", "It is closed."]
    [passage] = passages(text)
    question = "When does the Arnholm ferry leave?"
    for heading in ((), ("The Arnholm ferry", "Times"), ("The Arnholm ferry",)):
        assert scored(question, [replace(passage, heading=heading)])[1] == expected
    [below] = passages("## Times\n\nIt leaves at noon.")
    below = replace(below, heading=("The Arnholm ferry", "Times"))
    assert scored(question, [below])[1] == ["Arnholm ferry: It leaves at noon."]


def test_a_question_before_a_heading_is_not_understood_below_it() -> None:
    text = "Who built the bridge?\n\n# Tickets\n\nThey cost two euros."
    assert scored("Who built the bridge?", passages(text))[1] == ["They cost two euros."]


def test_the_same_words_under_another_heading_say_something_else() -> None:
    text = "# The museum\n\nIt closes at noon.\n\n# The harbour\n\nIt closes at noon."
    found, texts = scored("When does the harbour close?", passages(text))
    assert sorted(texts) == ["It closes at noon.", "harbour: It closes at noon."]
    assert [one.start for one in found] == [14, 49]


@pytest.mark.parametrize("text", ["#1 hotel of the town is the Adler.", "#include the lamp"])
def test_a_number_sign_alone_makes_no_heading(text: str) -> None:
    assert [one.text for one in scored("Which hotel is the best?", passages(text))[0]] == [text]


def test_no_more_than_the_start_of_an_endless_sentence_is_compared() -> None:
    _, [text] = scored("Which lamp?", passages("oil " * 1000))
    assert len(text) <= LONGEST_COMPARED


def test_one_sentence_in_ten_makes_a_topic_and_one_alone_does_not() -> None:
    others = " ".join(f"It burned {kind}." for kind in "oil gas coal wood peat wax fat".split())
    _, twice = scored("Which lamp?", passages(f"The lamp is lit. A lamp is old. {others}"))
    assert twice[2] == "lamp: It burned oil."
    _, once = scored("Which lamp?", passages(f"The lamp is lit. {others}"))
    assert once[1] == "It burned oil."


def test_a_question_is_no_quote_and_the_sentence_after_it_answers() -> None:
    text = "How is the lamp lit? By gas. The oil is kept in barrels."
    _, texts = scored("How do they light the lamp?", passages(text))
    assert texts == ["lamp: By gas.", "The oil is kept in barrels."]


@pytest.mark.parametrize(
    "text", ["Wer baute ihn?", "Он горит？", "“Who built it?”", "هل يعمل؟", "Why (and when?)"]
)
def test_questions_of_every_script_are_known(text: str) -> None:
    [found], _ = scored("Who built the lighthouse?", passages(f"{text}\n\nNobody knows."))
    assert found.text == "Nobody knows."


def test_a_rule_or_a_line_of_a_table_says_nothing() -> None:
    table = "| Lamp | Fuel |\n|---|---|\n| first | oil |\n\n* * *\n\n———"
    assert [one.text for one in scored("Which fuel had the lamp?", passages(table))[0]] == [
        "| Lamp | Fuel |",
        "| first | oil |",
    ]


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("1. The lamp 2\n2. Its oil 2\n3. Its keeper 7\n\nThe lamp burned oil.", 1),
        ("1. The lamp ........ 2\n2. Its oil . . . . . 4\n\nThe lamp burned oil.", 1),
        ("The lamp .......... 2\nIts oil .......... 4\n\nThe lamp burned oil.", 1),
        ("1. Lamps 9\n2. Wicks 4\n3. Cans 7", 3),
        ("1. Lamps 2\n2. Wicks 4", 2),
        ("| lamp | 1 |\n| wick | 2 |\n| can | 3 |", 3),
        ("- Lamps: 4\n- Wicks: 5\n- Cans: 74", 3),
        ("1. Lit in 1871\n2. Changed to gas in 1934\n3. A museum in 1990", 3),
        ("Lamp oil ........ 2.50\n\nWicks ........ $12,345", 2),
        ("The keeper, __________, is paid by the town.", 1),
    ],
)
def test_a_table_of_contents_says_nothing(text: str, there: int) -> None:
    assert len(scored("What did the lamp burn?", passages(text))[0]) == there


def test_where_there_is_nothing_else_questions_and_headings_are_taken() -> None:
    exam = "1. What is a lamp?\n2. Where is the oil?"
    found, _ = scored("Which questions are about oil?", passages(exam))
    assert [one.text for one in found] == ["1. What is a lamp?", "2. Where is the oil?"]
    [heading], _ = scored("Is there oil?", passages("# Oil"))
    assert heading.overlap == 1.0
    with_more = scored("Where is the oil?", passages(exam, "Oil is in the cellar."))[0]
    assert [one.text for one in with_more] == ["Oil is in the cellar."]


def test_words_are_compared_as_the_language_of_their_passage_stems_them() -> None:
    german = "Die Häuser von Arnholm sind rot. Alle Häuser haben Dächer. Sie sind aus Schiefer."
    [passage] = passages(german)
    _, texts = scored("Woraus sind die Dächer der Häuser?", [replace(passage, language="de")])
    assert texts[2] == "Häuser: Sie sind aus Schiefer."
    assert texts[0] == "Die Häuser von Arnholm sind rot."


def test_a_sentence_scores_the_mean_of_likeness_and_words() -> None:
    one, other = scored("Where were the cranes bought?", passages(HARBOUR))[0]
    assert (one.cosine, one.overlap, one.score) == (0.5, 0.0, 0.25)
    assert one.coverage == other.coverage == 1.0
    assert (other.overlap, other.score) == (pytest.approx(1.0), pytest.approx(0.75))


@pytest.mark.parametrize(
    ("language", "question", "text", "words", "held"),
    [
        ("de", "Welche Verträge gelten für ein Land?", "Der Vertrag beider Länder gilt.", 3, 2),
        ("es", "¿Las habitaciones?", "Una habitación", 1, 1),
        ("es", "¿La habitación?", "La habitacion es grande.", 1, 1),
        ("fr", "Les élèves ?", "Les eleves", 1, 1),
        ("en", "Lease: when does the LEASE end? leases", "The lease is long.", 2, 1),
        ("pl", "klucze od pokoi", "Klucze leżą obok", 3, 1),
        ("ja", "東京都の人口", "東京都は日本の首都で人口は多い。", 5, 3),
        ("en", "東京 tower", "The Tokyo tower stands in 東京.", 2, 2),
        ("en", "東京 tower", "The Tokyo tower.", 2, 1),
        ("en", "When does the lease end?", "The leases ended.", 2, 2),
        ("en", "Wann endet der Vertrag?", "A lease of life.", 4, 0),
    ],
)
def test_words_are_held_as_the_language_of_their_passage_stems_them(
    language: str, question: str, text: str, words: int, held: int
) -> None:
    [passage] = passages(text)
    [found], _ = scored(question, [replace(passage, language=language)])
    # BM25's weight of a word that the only sentence there is holds, and of one that it lacks.
    there, lacking = held * log(4 / 3), (words - held) * log(4)
    assert found.overlap == pytest.approx(there / (there + lacking))
