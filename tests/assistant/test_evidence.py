"""Whether there is an answer at all: the score, the verdict, and what follows from it."""

from collections.abc import Callable

import pytest

from assistant.evidence import NONE, coverage, probability, weigh
from assistant.retrieval import Retriever
from ingest.index.documents import Passage
from ingest.index.index import Index
from ingest.index.tables import Record

Add = Callable[..., Record]

LEASE = (
    "The lease of the bakery in Harbour Street ends on 30 June 2031. "
    "The rent is 1,450 euros a month and is due on the third working day."
)
BEES = (
    "A colony of honey bees has one queen, who lays up to two thousand eggs a day in early summer. "
    "Drones leave the hive in autumn, driven out by the workers."
)


def passage(text: str) -> Passage:
    return Passage(1, "a.txt", "id", "chunk", text, 0, len(text), None)


@pytest.mark.parametrize(
    ("question", "text", "share"),
    [
        ("When does the lease end?", "The leases ended.", 1.0),
        ("When does the lease end?", "A lease of life.", 0.5),
        ("Wann endet der Vertrag?", "A lease of life.", 0.0),
        ("who is it and what was that", "Anything.", 1.0),
        ("?!", "Anything.", 1.0),
        ("Summarize the key points of these documents", "Anything.", 1.0),
        ("Summarise the lease", "Anything.", 0.0),
        ("東京都の人口", "東京都は日本の首都である。人口は多い。", 3 / 5),
        ("東京 tower", "The Tokyo tower stands in 東京.", 1.0),
        ("東京 tower", "The Tokyo tower.", 0.5),
        ("京", "東京", 1.0),
    ],
)
def test_the_share_of_the_question_s_words(question: str, text: str, share: float) -> None:
    assert coverage(question, text) == pytest.approx(share)


@pytest.mark.parametrize(
    ("question", "language", "share"),
    [
        ("Fasse dieses Dokument zusammen.", "de", 1.0),
        ("Fasse den Vertrag zusammen.", "de", 0.0),
        ("Résume ce document.", "fr", 1.0),
        ("Resume este documento", "es", 1.0),
        ("Riassumi questo documento", "it", 1.0),
    ],
)
def test_a_document_as_a_whole_is_asked_for_in_its_language(
    question: str, language: str, share: float
) -> None:
    assert coverage(question, "1234", language) == pytest.approx(share)


def test_both_near_vectors_and_shared_words_are_evidence() -> None:
    assert 0 < probability(-1.0, 0.0) < probability(0.2, 0.2) < probability(0.7, 0.2)
    assert probability(0.2, 0.2) < probability(0.2, 0.9) < probability(0.7, 0.9) < 1


def test_nothing_is_no_evidence() -> None:
    assert weigh("When?", [], 0.0, 0.0) == NONE


def test_the_threshold_decides_and_zero_never_denies() -> None:
    found = weigh("Where is the bakery?", [passage(LEASE)], 0.4, 0.0)
    assert found.answerable
    assert weigh("Where is the bakery?", [passage(LEASE)], 0.4, found.score - 0.001).answerable
    assert not weigh("Where is the bakery?", [passage(LEASE)], 0.4, found.score + 0.001).answerable
    assert weigh("Zugspitze", [passage(LEASE)], -1.0, 0.0).answerable


@pytest.mark.parametrize(
    ("question", "answerable"),
    [
        ("When does the lease of the bakery end?", True),
        ("How much is the rent?", True),
        ("How many eggs does the queen lay?", True),
        ("What happens to drones in autumn?", True),
        ("What are these files about?", True),
        ("What do beekeepers know about swarms of pollinating insects?", True),
        ("Who won the football world cup of 1974?", False),
        ("How do I configure a proxy in nginx?", False),
        ("What is the boiling point of tungsten?", False),
    ],
)
def test_a_search_tells_whether_there_is_an_answer(
    index: Index, add: Add, question: str, answerable: bool
) -> None:
    add("lease.txt", LEASE)
    add("bees.txt", BEES)
    found = Retriever(index).find(question, 5)
    assert found.passages
    assert found.evidence.answerable is answerable
    assert 0 <= found.evidence.score <= 1


def test_an_index_without_documents_has_no_answer(index: Index) -> None:
    found = Retriever(index).find("When does the lease end?", 5)
    assert (found.passages, found.evidence) == ([], NONE)
