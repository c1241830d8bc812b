"""A question's whole way: search, write, check. One stream of events for every face.

The web page, the endpoints, the command line and LangChain all consume `Answerer.stream`.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from assistant import prompting
from assistant.citations import CitationParser, cited_sentences
from assistant.models import ChatModels, Choice, Usage
from assistant.quoting import best_quotes
from assistant.retrieval import Retriever, checked_question, default_k
from assistant.sentences import sentence_spans
from assistant.settings import AssistantSettings
from assistant.verification import Support, check
from ingest.index.documents import Passage
from ingest.index.errors import ModelError
from ingest.index.index import Index

NO_ANSWER = "Your documents don't answer this."
NO_DOCUMENTS = "There are no documents to answer from yet. Add some, then ask again."


@dataclass(frozen=True, slots=True)
class Citation:
    """A source of one sentence, a span of a document's canonical text.

    Attributes:
        number: the passage's.
        sentence: index of the sentence in the answer's sentences.
        quote: `document.text[start:end]`, verbatim.
    """

    number: int
    sentence: int
    document: str
    document_id: str
    start: int
    end: int
    quote: str
    page: int | None
    heading: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the answer without its marks, and what its sources say of it."""

    text: str
    citations: tuple[int, ...]
    support: Support


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer.

    Attributes:
        text: with citation marks, `[1]`.
        mode: `model`, or `quotes` where no chat model could be reached.
        notice: one line for the person about how the answer came to be, or None.
        cut: why the answer ends early, or None.
        usage: counts and seconds: `prompt_tokens`, `answer_tokens`, `search_seconds`,
            `first_token_seconds`, `total_seconds`, `passages_dropped`.
    """

    question: str
    text: str
    abstained: bool
    mode: str
    model: str | None
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    notice: str | None = None
    cut: str | None = None
    usage: dict[str, float | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Searching:
    """The search began, over this many passages."""

    passages: int


@dataclass(frozen=True, slots=True)
class Reading:
    """The search ended; the passages are being read."""

    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """More of the answer is there; `text` is all of it so far, its marks all real."""

    text: str
    model: str


Event = Searching | Reading | Writing | Answer
"""What `Answerer.stream` yields; an `Answer` comes last, once."""


class Answerer:
    """Answers questions from one index."""

    def __init__(self, index: Index, models: ChatModels, settings: AssistantSettings) -> None:
        self._index = index
        self._models = models
        self._settings = settings
        self.retriever = Retriever(index)

    async def stream(
        self,
        question: str,
        *,
        k: int | None = None,
        collection: str | None = None,
        document_ids: Sequence[str] | None = None,
        model: str | None = None,
        history: Sequence[tuple[str, str]] = (),
    ) -> AsyncGenerator[Event, None]:
        """Yield what happens until the answer is there. Closing the stream stops the model.

        Args:
            question: the person's words.
            k: number of passages; None takes the setting's.
            collection, document_ids: what to search; None searches everything.
            model: a chat model by name; None takes the setting's or the first installed.
            history: earlier (question, answer) pairs, oldest first.

        Raises:
            InputError: question, k, collection or model are out of bounds.
            FootnoteError: the search failed. A model that fails ends in an `Answer` instead.
        """
        started = time.monotonic()
        question = checked_question(question)
        k = default_k(self._settings, k)
        self._index.catalogue.require_collection(collection)
        choosing = asyncio.create_task(self._models.choose(model))
        try:
            yield Searching(self._index.catalogue.passages(collection))
            passages = tuple(
                await asyncio.to_thread(
                    self.retriever.search, question, k, collection, document_ids
                )
            )
            usage: dict[str, float | int | None] = {"search_seconds": _since(started)}
            yield Reading(passages)
            choice = await choosing
        finally:
            choosing.cancel()
        if not passages:
            yield _silent(question, (), choice, NO_DOCUMENTS, usage)
        elif choice.model is None:
            yield await asyncio.to_thread(self._quoted, question, passages, choice, usage, started)
        else:
            written = self._written(
                question, passages, choice.model, history=history, usage=usage, started=started
            )
            try:
                async for event in written:
                    yield event
            finally:
                await written.aclose()

    def _quoted(
        self,
        question: str,
        passages: tuple[Passage, ...],
        choice: Choice,
        usage: dict[str, float | int | None],
        started: float,
    ) -> Answer:
        embedder = self._index.embedder
        vector = embedder.embed_question(question)
        quotes = best_quotes(question, passages, vector, embedder.embed_passages)
        usage["total_seconds"] = _since(started)
        if not quotes:
            return _silent(question, passages, choice, NO_ANSWER, usage)
        citations = tuple(
            self._citation(quote.passage, order, quote.start, quote.end)
            for order, quote in enumerate(quotes)
        )
        return Answer(
            question=question,
            text="\n\n".join(f"“{quote.text}” [{quote.passage.number}]" for quote in quotes),
            abstained=False,
            mode="quotes",
            model=None,
            sentences=tuple(
                Sentence(quote.text, (quote.passage.number,), Support.SUPPORTED) for quote in quotes
            ),
            citations=citations,
            passages=passages,
            notice=choice.notice,
            usage=usage,
        )

    async def _written(
        self,
        question: str,
        passages: tuple[Passage, ...],
        model: str,
        *,
        history: Sequence[tuple[str, str]],
        usage: dict[str, float | int | None],
        started: float,
    ) -> AsyncGenerator[Event, None]:
        shown = prompting.fitting(passages, question, self._settings.llm_context, history)
        usage["passages_dropped"] = len(passages) - len(shown)
        parser = CitationParser(passage.number for passage in shown)
        counted = Usage()
        messages = prompting.messages(question, shown, history)
        text, cut = "", None
        pieces = self._models.stream(model, messages, counted)
        try:
            async for piece in pieces:
                usage.setdefault("first_token_seconds", _since(started))
                text += parser.feed(piece)
                if decided := prompting.without_sentinel(text):
                    yield Writing(decided, model)
        except ModelError as error:
            cut = str(error)
        finally:
            await pieces.aclose()
        text = (text + parser.end()).strip()
        usage["prompt_tokens"] = counted.prompt_tokens
        usage["answer_tokens"] = counted.answer_tokens
        usage["total_seconds"] = _since(started)
        if cut is not None and not text:
            choice = Choice(None, f"{cut} Meanwhile these are quotes.")
            yield await asyncio.to_thread(self._quoted, question, passages, choice, usage, started)
            return
        if not text or prompting.SENTINEL in text:
            yield _silent(question, passages, Choice(model), NO_ANSWER, usage)
            return
        text = prompting.without_sentinel(text) if cut is not None else text
        sentences, citations = await asyncio.to_thread(self._checked, text, shown)
        yield Answer(
            question=question,
            text=text,
            abstained=False,
            mode="model",
            model=model,
            sentences=sentences,
            citations=citations,
            passages=passages,
            cut=cut,
            usage=usage,
        )

    def _checked(
        self, text: str, passages: Sequence[Passage]
    ) -> tuple[tuple[Sentence, ...], tuple[Citation, ...]]:
        """Check each sentence of an answer against the passages that it cites.

        Returns:
            The sentences with their verdicts, and a citation for each (sentence, number).
        """
        by_number = {passage.number: passage for passage in passages}
        sentences: list[Sentence] = []
        citations: list[Citation] = []
        for words, cited in cited_sentences(text, sentence_spans(text)):
            # `[12345]` and what is left of `[[9]7]` look like marks and are none.
            numbers = [number for number in cited if number in by_number]
            verdicts = [(number, check(words, by_number[number].text)) for number in numbers]
            found = [verdict.support for _, verdict in verdicts]
            citations += [
                self._citation(by_number[number], len(sentences), verdict.start, verdict.end)
                for number, verdict in verdicts
            ]
            support = min(found, key=list(Support).index) if found else Support.UNCITED
            sentences.append(Sentence(words, tuple(numbers), support))
        return tuple(sentences), tuple(citations)

    def _citation(self, passage: Passage, sentence: int, start: int, end: int) -> Citation:
        """Return the citation of a span of a passage, placed where the span itself begins."""
        first, quote = passage.start + start, passage.text[start:end]
        document = self._index.document(passage.document_id)
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


def _silent(
    question: str,
    passages: tuple[Passage, ...],
    choice: Choice,
    words: str,
    usage: dict[str, float | int | None],
) -> Answer:
    return Answer(
        question=question,
        text=words,
        abstained=True,
        mode="model" if choice.model else "quotes",
        model=choice.model,
        sentences=(),
        citations=(),
        passages=passages,
        usage=usage,
    )


def _since(started: float) -> float:
    return round(time.monotonic() - started, 4)
