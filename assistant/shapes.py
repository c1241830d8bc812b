"""The JSON shapes of searches and answers, the same from commands and endpoints."""

from collections.abc import Sequence
from typing import TypedDict

from assistant.answering import Answer, Citation
from ingest.index.documents import Passage
from ingest.index.shapes import HEADING_SEPARATOR, PassageShape, passage_shape


class SearchShape(TypedDict):
    """The answer of a search."""

    question: str
    passages: list[PassageShape]


class SentenceShape(TypedDict):
    """One sentence of an answer with the numbers it cites and what they say of it."""

    text: str
    citations: list[int]
    support: str


class CitationShape(TypedDict):
    """One source of one sentence (`sentence` counts from 0); `quote` is verbatim."""

    number: int
    sentence: int
    document: str
    document_id: str
    start: int
    end: int
    quote: str
    page: int | None
    heading: str | None


class AnswerShape(TypedDict):
    """An answer; while it streams, `answer` grows and the lists are empty."""

    question: str
    answer: str
    abstained: bool
    mode: str
    model: str | None
    notice: str | None
    cut: str | None
    sentences: list[SentenceShape]
    citations: list[CitationShape]
    passages: list[PassageShape]
    usage: dict[str, float | int | None]


def search_shape(question: str, passages: Sequence[Passage]) -> SearchShape:
    """Return a search as it is shown outside."""
    return {"question": question, "passages": [passage_shape(passage) for passage in passages]}


def answer_shape(answer: Answer) -> AnswerShape:
    """Return an answer as it is shown outside."""
    return {
        "question": answer.question,
        "answer": answer.text,
        "abstained": answer.abstained,
        "mode": answer.mode,
        "model": answer.model,
        "notice": answer.notice,
        "cut": answer.cut,
        "sentences": [
            {
                "text": sentence.text,
                "citations": list(sentence.citations),
                "support": sentence.support.value,
            }
            for sentence in answer.sentences
        ],
        "citations": [_citation_shape(citation) for citation in answer.citations],
        "passages": [passage_shape(passage) for passage in answer.passages],
        "usage": answer.usage,
    }


def _citation_shape(citation: Citation) -> CitationShape:
    return {
        "number": citation.number,
        "sentence": citation.sentence,
        "document": citation.document,
        "document_id": citation.document_id,
        "start": citation.start,
        "end": citation.end,
        "quote": citation.quote,
        "page": citation.page,
        "heading": HEADING_SEPARATOR.join(citation.heading) or None,
    }
