"""Whether there is an answer at all: the score, the verdict, and what follows from it."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.candidates import Candidate, Likely
from assistant.evidence import (
    CALIBRATED,
    COMPARED,
    NONE,
    Evidence,
    asks_for_whole,
    probability,
    suffices,
    weigh,
)
from assistant.retrieval import Found, Retriever, Sighted
from assistant.settings import ABSTAIN_BELOW
from ingest.index.documents import Passage
from ingest.index.embedding import Vectors
from ingest.index.index import Index
from ingest.index.tables import Record

Add = Callable[..., Record]


class Known(TypedDict):
    """What is passed on to both functions."""

    agreed: float
    calibrated: bool


LEASE = (
    "The lease of the bakery in Harbour Street ends on 30 June 2031. "
    "The rent is 1,450 euros a month and is due on the third working day."
)
BEES = (
    "A colony of honey bees has one queen, who lays up to two thousand eggs a day in early summer. "
    "Drones leave the hive in autumn, driven out by the workers."
)


def found(cosine: float, covered: float) -> list[Candidate]:
    passage = Passage(1, "a.txt", "id", "chunk", LEASE, 0, len(LEASE), None)
    best = Candidate(passage, 0, 64, cosine, covered, coverage=covered)
    return [best, Candidate(passage, 65, 129, 0.0, 0.0, coverage=covered)]


@pytest.mark.parametrize(
    ("question", "language", "whole"),
    [
        ("Summarize the key points of these documents", "en", True),
        ("Summarise the lease", "en", False),
        ("who is it and what was that", "en", True),
        ("?!", "en", True),
        ("Fasse dieses Dokument zusammen.", "de", True),
        ("Fasse den Vertrag zusammen.", "de", False),
        ("Résume ce document.", "fr", True),
        ("Resume este documento", "es", True),
        ("Riassumi questo documento", "it", True),
        ("東京都の人口", "ja", False),
    ],
)
def test_a_document_as_a_whole_is_asked_for_in_its_language(
    question: str, language: str, whole: bool
) -> None:
    assert asks_for_whole(question, [language]) is whole
    assert (
        weigh(question, [language], found(0.0, 0.0), 0.0, ABSTAIN_BELOW, agreed=0.75).answerable
        is whole
    )


def test_a_like_sentence_shared_words_and_agreement_are_evidence() -> None:
    assert 0 < probability(-1.0, 0.0, 0.7) < probability(0.2, 0.2, 0.7) < probability(0.7, 0.2, 0.7)
    assert probability(0.2, 0.2, 0.7) < probability(0.2, 0.9, 0.7) < probability(0.7, 0.9, 0.7) < 1
    assert probability(0.2, 0.2, 0.7) < probability(0.2, 0.2, 0.9)


def test_no_sentence_is_next_to_no_evidence() -> None:
    assert weigh("When?", ["en"], [], 0.0, 0.0, agreed=0.75).answerable
    assert not weigh(
        "When does the lease end?", ["en"], [], 0.0, ABSTAIN_BELOW, agreed=0.75
    ).answerable


def test_the_threshold_decides_and_zero_never_denies() -> None:
    question, languages, sentences = "Where is the bakery?", ["en"], found(0.4, 0.5)
    score = weigh(question, languages, sentences, 0.0, 0.0, agreed=0.75).score
    assert weigh(question, languages, sentences, 0.0, score - 0.001, agreed=0.75).answerable
    assert not weigh(question, languages, sentences, 0.0, score + 0.001, agreed=0.75).answerable
    assert weigh(question, languages, found(-1.0, 0.0), 0.0, 0.0, agreed=0.75).answerable


def answers(found: Sequence[Candidate], nearest: float = 0.0, agreed: float = 0.2) -> bool:
    """Return the verdict on a question in other words than its document's."""
    question = "Who baked it?"
    return weigh(question, ["en"], found, nearest, ABSTAIN_BELOW, agreed=agreed).answerable


def test_a_question_in_other_words_than_its_document_is_answered() -> None:
    assert answers(found(0.46, 0.0))
    assert not answers(found(0.42, 0.0))


def test_the_score_of_a_lone_passage_is_no_evidence_against_it() -> None:
    # A document of one passage has none beside it, whose share it could gain.
    none, lone, good = (
        weigh("Who baked it?", ["en"], found(0.42, 0.0), 0.0, 0.0, agreed=agreed).score
        for agreed in (0.0, 1 / 1.4, 0.8)
    )
    assert none == lone < good


def test_a_passage_may_answer_as_a_whole_what_no_sentence_does() -> None:
    assert answers(found(0.1, 0.0), 0.51)
    assert answers([], 0.51)
    assert not answers(found(0.1, 0.0), 0.47)


def test_cosines_of_another_model_are_not_asked() -> None:
    def score(cosine: float, covered: float) -> float:
        sentences = found(cosine, covered)
        return weigh(
            "Who baked it?", ["en"], sentences, cosine, 0.0, agreed=cosine, calibrated=False
        ).score

    assert score(-0.5, 0.4) == score(0.2, 0.4) == score(0.9, 0.4) < score(0.5, 0.6)


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


def test_what_a_search_is_worth_costs_no_more_than_a_few_short_texts(
    index: Index, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    add("lease.txt", LEASE)
    add("bees.txt", BEES)
    embedder = index.embedder
    assert embedder.name == CALIBRATED
    embedded: list[int] = []
    embed = embedder.embed_passages

    def counted(texts: Sequence[str]) -> Vectors:
        embedded.append(len(texts))
        return embed(texts)

    monkeypatch.setattr(embedder, "embed_passages", counted)
    retriever = Retriever(index)
    question = "When does the lease of the bakery end?"
    assert retriever.search(question, 5) == retriever.find(question, 5).passages
    # Who wants passages alone does not pay for the verdict.
    assert embedded == [COMPARED]


@settings(max_examples=200, deadline=None)
@given(
    nearest=st.floats(-1, 1),
    threshold=st.floats(0, 1),
    known=st.fixed_dictionaries({"agreed": st.floats(0, 1), "calibrated": st.booleans()}),
    best=st.tuples(st.floats(-1, 1), st.floats(0, 1)),
    question=st.sampled_from(["When does the lease end?", "Summarise this.", "???"]),
)
def test_what_suffices_is_answerable_whatever_the_sentences_say(
    nearest: float,
    threshold: float,
    known: Known,
    best: tuple[float, float],
    question: str,
) -> None:
    sentences = found(*best)
    for words in ((), likely_of(sentences)):
        if suffices(nearest, words, threshold, **known):
            assert weigh(question, ["en"], sentences, nearest, threshold, **known).answerable


def likely_of(found: Sequence[Candidate]) -> list[Likely]:
    return [
        Likely(one.passage, one.start, one.end, one.text, one.overlap, one.coverage)
        for one in found
    ]


def test_near_passages_suffice_and_far_ones_do_not() -> None:
    assert suffices(0.51, (), ABSTAIN_BELOW, agreed=0.2)
    assert not suffices(0.47, (), ABSTAIN_BELOW, agreed=0.2)
    assert suffices(0.47, (), ABSTAIN_BELOW, agreed=0.9)
    assert suffices(-2.0, (), 0.0, agreed=0.2)
    assert suffices(0.0, (), ABSTAIN_BELOW, agreed=0.2, calibrated=False)


def test_the_words_of_a_sentence_may_suffice_where_its_passage_is_not_near() -> None:
    [best, other] = likely_of(found(0.0, 1.0))
    assert suffices(0.3, [best], ABSTAIN_BELOW, agreed=0.2)
    assert not suffices(0.3, [], ABSTAIN_BELOW, agreed=0.2)
    # The other one may be the better one, once they are compared.
    assert suffices(0.4, [best, other], ABSTAIN_BELOW, agreed=0.2)
    assert not suffices(0.1, [best, other], ABSTAIN_BELOW, agreed=0.2)


def test_passages_come_before_their_evidence_and_it_is_the_same(index: Index, add: Add) -> None:
    add("lease.txt", LEASE)
    retriever = Retriever(index)
    for question in ("When does the lease of the bakery end?", "Who won the cup of 1974?"):

        async def both(question: str = question) -> tuple[Sighted, Evidence]:
            sighted = await retriever.sight(question, 5)
            return sighted, await sighted.evidence()

        sighted, evidence = asyncio.run(both())
        assert Found(sighted.passages, evidence) == retriever.find(question, 5)
        assert sighted.certain is ("lease" in question)
        assert evidence.answerable is sighted.certain
