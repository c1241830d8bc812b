"""The JSON shapes of searches and answers, the same from commands and endpoints."""

from typing import TypedDict

from assistant.events import Answer, Citation, Sentence, Usage
from assistant.retrieval import Found
from ingest.index.shapes import HEADING_SEPARATOR, PassageShape, passage_shape


class SearchShape(TypedDict):
    """The answer of a search."""

    question: str
    passages: list[PassageShape]
    evidence: float
    answerable: bool


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


class UsageShape(TypedDict):
    """Counts and times of an answer, as `assistant.events.Usage` has them."""

    context_tokens: int | None
    estimated_prompt_tokens: int | None
    prompt_tokens: int | None
    answer_tokens: int | None
    passages_used: int
    passages_dropped: int
    rewrite_seconds: float | None
    search_seconds: float | None
    first_token_seconds: float | None
    total_seconds: float | None
    tokens_per_second: float | None


class AnswerShape(TypedDict):
    """An answer; while it streams, `answer` and `sentences` grow, and counts come last."""

    question: str
    answer: str
    abstained: bool
    evidence: float
    mode: str
    model: str | None
    notice: str | None
    cut: str | None
    sentences: list[SentenceShape]
    citations: list[CitationShape]
    passages: list[PassageShape]
    standalone_question: str | None
    reasoning: str | None
    dropped: list[int]
    usage: UsageShape


def search_shape(question: str, found: Found) -> SearchShape:
    """Return a search as it is shown outside."""
    return {
        "question": question,
        "passages": [passage_shape(passage) for passage in found.passages],
        "evidence": found.evidence.score,
        "answerable": found.evidence.answerable,
    }


def answer_shape(answer: Answer) -> AnswerShape:
    """Return an answer as it is shown outside."""
    return {
        "question": answer.question,
        "answer": answer.text,
        "abstained": answer.abstained,
        "evidence": answer.evidence,
        "mode": answer.mode,
        "model": answer.model,
        "notice": answer.notice,
        "cut": answer.cut,
        "sentences": [sentence_shape(sentence) for sentence in answer.sentences],
        "citations": [_citation_shape(citation) for citation in answer.citations],
        "passages": [passage_shape(passage) for passage in answer.passages],
        "standalone_question": answer.standalone,
        "reasoning": answer.reasoning or None,
        "dropped": list(answer.dropped),
        "usage": usage_shape(answer.usage),
    }


def sentence_shape(sentence: Sentence) -> SentenceShape:
    """Return a checked sentence as it is shown outside."""
    return {
        "text": sentence.text,
        "citations": list(sentence.citations),
        "support": sentence.support.value,
    }


def usage_shape(usage: Usage) -> UsageShape:
    """Return counts and times as they are shown outside."""
    return {
        "context_tokens": usage.context_tokens,
        "estimated_prompt_tokens": usage.estimated_prompt_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "answer_tokens": usage.answer_tokens,
        "passages_used": usage.passages_used,
        "passages_dropped": usage.passages_dropped,
        "rewrite_seconds": usage.rewrite_seconds,
        "search_seconds": usage.search_seconds,
        "first_token_seconds": usage.first_token_seconds,
        "total_seconds": usage.total_seconds,
        "tokens_per_second": usage.tokens_per_second,
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
