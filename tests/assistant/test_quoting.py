"""Answers made of quotes, when there is no chat model."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from assistant.candidates import Candidate
from assistant.quoting import MAX_QUOTES, MOST_COMPARED, best_quotes
from ingest.index.documents import Passage
from ingest.index.embedding import Embedder, Vectors

TOWER = """\
# The tower of Arnholm

The lighthouse was built in 1871 by Clara Veit. Its lamp burned oil until 1934. Visitors may
climb the stairs on Sundays."""
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


def quoted(question: str, given: Sequence[Passage], embedder: Embedder) -> list[Candidate]:
    return best_quotes(question, given, embedder.embed_question(question), embedder.embed_passages)


def alike(cosine: float, count: int) -> tuple[Vectors, list[Vectors]]:
    """A question's vector and those of `count` texts, all with one cosine to it."""
    question = np.array([1.0, 0.0], dtype=np.float32)
    text = np.array([cosine, (1 - cosine**2) ** 0.5], dtype=np.float32)
    return question, [text] * count


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who built the lighthouse?", "The lighthouse was built in 1871 by Clara Veit."),
        ("When can visitors climb up?", "Visitors may\nclimb the stairs on Sundays."),
        ("What does the harbour export?", "The harbour exports salted herring."),
    ],
)
def test_the_sentence_that_answers_is_quoted_first(
    question: str, answer: str, embedder: Embedder
) -> None:
    assert quoted(question, passages(HARBOUR, TOWER), embedder)[0].text == answer


def test_quotes_are_slices_of_their_passages_best_first(embedder: Embedder) -> None:
    quotes = quoted("How was the lighthouse lamp lit?", passages(TOWER, HARBOUR), embedder)
    assert 1 <= len(quotes) <= MAX_QUOTES
    for quote in quotes:
        assert quote.passage.text[quote.start : quote.end] == quote.text
    scores = [quote.score for quote in quotes]
    assert scores == sorted(scores, reverse=True)


def test_passages_that_say_nothing_of_the_question_are_not_quoted(embedder: Embedder) -> None:
    assert quoted("Which enzyme splits lactose?", passages(TOWER, HARBOUR), embedder) == []


def test_a_sentence_that_two_passages_share_is_quoted_once(embedder: Embedder) -> None:
    quotes = quoted("Who built the lighthouse?", passages(TOWER, TOWER), embedder)
    texts = [quote.text for quote in quotes]
    assert len(texts) == len(set(texts))
    assert quotes[0].passage.number == 1


@pytest.mark.parametrize(
    "text", [TOWER, TOWER.replace("# The tower of Arnholm", "= = The tower of Arnholm = =")]
)
def test_a_heading_is_no_quote(text: str, embedder: Embedder) -> None:
    quotes = quoted("Who built the lighthouse tower of Arnholm?", passages(text), embedder)
    assert quotes
    assert all(quote.text[0] not in "#=" for quote in quotes)


def test_no_more_than_three_are_quoted() -> None:
    question, vectors = alike(0.9, 6)
    given = passages(
        *(f"Sentence number {word}." for word in "one two three four five six".split())
    )
    quotes = best_quotes("Unrelated words", given, question, lambda texts: np.stack(vectors))
    assert [quote.passage.number for quote in quotes] == [1, 2, 3]


@pytest.mark.parametrize(("cosine", "count"), [(0.29, 0), (0.31, 1)])
def test_below_a_likeness_of_three_tenths_there_is_silence(cosine: float, count: int) -> None:
    question, vectors = alike(cosine, 1)
    given = passages("Words of another kind.")
    assert len(best_quotes("Why", given, question, lambda texts: np.stack(vectors))) == count


@pytest.mark.parametrize("texts", [[], ["   "], ["---"]])
def test_where_there_are_no_sentences_there_are_no_quotes(texts: list[str]) -> None:
    def never(texts: Sequence[str]) -> Vectors:
        raise AssertionError

    assert best_quotes("Why?", passages(*texts), np.zeros(2, dtype=np.float32), never) == []


def test_a_rare_word_tells_more_than_one_that_every_sentence_has() -> None:
    question, vectors = alike(0.5, 3)
    given = passages(
        "The lighthouse has a lamp. The lighthouse has stairs. The tower has a foghorn."
    )
    quotes = best_quotes(
        "Which lighthouse has a foghorn?", given, question, lambda texts: np.stack(vectors)
    )
    assert [quote.text for quote in quotes] == ["The tower has a foghorn."]


def test_only_the_likeliest_sentences_are_compared_by_vectors() -> None:
    filler = " ".join(f"Sentence {number} is about herring." for number in range(3 * MOST_COMPARED))
    compared: list[str] = []

    def embed(texts: Sequence[str]) -> Vectors:
        compared.extend(texts)
        return np.full((len(texts), 1), 0.5, dtype=np.float32)

    given = passages(filler, "The lamp burned oil.")
    quotes = best_quotes("What did the lamp burn?", given, np.ones(1, dtype=np.float32), embed)
    assert len(compared) == MOST_COMPARED
    assert [quote.text for quote in quotes] == ["The lamp burned oil."]


def test_a_sentence_need_not_name_what_all_around_it_is_about(embedder: Embedder) -> None:
    question = "When could people enter the lighthouse of Arnholm for the first time?"
    [first, *_] = quoted(question, passages(ISLAND), embedder)
    assert first.text.startswith("It was first shown to visitors")


def test_what_stands_in_several_places_is_quoted_from_the_first(embedder: Embedder) -> None:
    text = "The lighthouse was built in 1871 by Clara Veit."
    late, early, other = passages(text, text, text)
    late, early = (
        replace(late, document_id="tower", start=500, end=500 + len(text)),
        replace(early, document_id="tower", start=20, end=20 + len(text)),
    )
    for given in ([late, early, other], [early, late, other], [late, other, early]):
        [quote] = quoted("Who built the lighthouse?", given, embedder)
        assert quote.passage is early


def test_the_same_words_under_two_headings_are_quoted_once() -> None:
    question, vectors = alike(0.9, 2)
    text = "# The museum\n\nIt closes at noon.\n\n# The harbour\n\nIt closes at noon."
    quotes = best_quotes(
        "When does the harbour close?", passages(text), question, lambda texts: np.stack(vectors)
    )
    assert [quote.text for quote in quotes] == ["It closes at noon."]
