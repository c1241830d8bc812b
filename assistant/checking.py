"""An answer's sentences against the passages they cite, while the answer is being written."""

import asyncio
import re
from collections.abc import Sequence

from assistant.citations import cited_sentences
from assistant.events import Citation, Sentence
from assistant.sentences import sentence_spans
from assistant.turns import Turn, Turns
from assistant.verification import Checker, Evidence
from ingest.index.documents import Passage
from ingest.index.index import Index

Checked = tuple[Sentence, tuple[Evidence, ...]]
"""A sentence, and the spans of the passages that show its verdict."""

_ENDED = re.compile(r"[.!?…][^\w\s\[]*\s+[^\s\[]|[。！？\n]|\]\s+\w")
"""A sentence may have ended here, and the next one has begun."""


class AnswerChecker:
    """Checks one answer; a sentence that was checked before it ended the text is not again.

    Args:
        passages: that the model was shown.
    """

    def __init__(self, index: Index, passages: Sequence[Passage]) -> None:
        self._index = index
        self._by_number = {passage.number: passage for passage in passages}
        self._checker = Checker(passages, index.embedder.embed_passages)
        self._known: dict[tuple[str, tuple[int, ...]], Checked] = {}

    def finished(self, text: str) -> tuple[tuple[Sentence, ...], int]:
        """Check the sentences of a text that still grows, without its last one.

        Returns:
            The sentences with their verdicts, and where the last one begins.
        """
        spans = sentence_spans(text)
        checked = self._checked(text, spans[:-1])
        return tuple(sentence for sentence, _ in checked), spans[-1][0] if spans else 0

    def all(self, text: str) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
        """Check a finished text.

        Returns:
            Its sentences with their verdicts, and a citation for each (sentence, number).
        """
        checked = self._checked(text, sentence_spans(text))
        citations = [
            cite(self._index, self._by_number[shown.number], order, shown.start, shown.end)
            for order, (sentence, evidence) in enumerate(checked)
            for shown in evidence
            if shown.number in sentence.citations
        ]
        return tuple(sentence for sentence, _ in checked), tuple(citations)

    def _checked(self, text: str, spans: Sequence[tuple[int, int]]) -> list[Checked]:
        found = []
        for words, cited in cited_sentences(text, spans):
            # `[12345]` and what is left of `[[9]7]` look like marks and are none.
            key = words, tuple(number for number in cited if number in self._by_number)
            if key not in self._known:
                self._known[key] = self._check(*key)
            found.append(self._known[key])
        return found

    def _check(self, words: str, numbers: tuple[int, ...]) -> Checked:
        verdict = self._checker.check(words, numbers)
        return Sentence(words, numbers, verdict.support), verdict.evidence


class BackgroundChecker:
    """Checks sentences while the model goes on writing, when their turn comes.

    Attributes:
        sentences: those that are finished and checked so far.
    """

    def __init__(self, checker: AnswerChecker, turns: Turns) -> None:
        self.sentences: tuple[Sentence, ...] = ()
        self._checker = checker
        self._turns = turns
        self._check: asyncio.Future[tuple[tuple[Sentence, ...], int]] | None = None
        self._open = 0

    def follow(self, text: str) -> None:
        """Take the text so far; begin to check what it finishes, unless a check is under way."""
        if self._check is not None:
            if not self._check.done():
                return
            # Where a check failed, the one of the finished text tells why.
            if self._check.exception() is None:
                self.sentences, self._open = self._check.result()
            self._check = None
        if _ENDED.search(text, self._open):
            check = self._turns.submit(Turn.CHECK, self._checker.finished, text)
            self._check = asyncio.wrap_future(check)

    async def all(self, text: str) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
        """Check the finished text, after what is under way."""
        if self._check is not None:
            # Where it fails, the next one does as well, and tells why.
            await asyncio.gather(self._check, return_exceptions=True)
        check = self._turns.submit(Turn.CHECK, self._checker.all, text)
        return await asyncio.wrap_future(check)


def cite(index: Index, passage: Passage, sentence: int, start: int, end: int) -> Citation:
    """Return the citation of `passage.text[start:end]`, placed where that span itself begins."""
    first, quote = passage.start + start, passage.text[start:end]
    document = index.document(passage.document_id)
    placed = document is not None and document.text[first : first + len(quote)] == quote
    return Citation(
        number=passage.number,
        sentence=sentence,
        document=passage.document,
        document_id=passage.document_id,
        start=first,
        end=first + len(quote),
        quote=quote,
        page=document.page_at(first) if document and placed else passage.page,
        heading=document.heading_path_at(first) if document and placed else passage.heading,
    )
