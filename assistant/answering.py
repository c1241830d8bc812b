"""A question's whole way: search, write, check. One stream of events for every face."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from assistant import prompting
from assistant.checking import AnswerChecker, BackgroundChecker, cite
from assistant.citations import CitationParser
from assistant.events import (
    Answer,
    Event,
    Reading,
    Rewritten,
    Searching,
    Sentence,
    Thinking,
    Usage,
    Writing,
)
from assistant.fencing import SENTINEL
from assistant.judging import Write, judged
from assistant.languages import language_name
from assistant.models import ChatModels, Choice, Counts
from assistant.prompting import Prompt
from assistant.question import Question
from assistant.quoting import best_quotes
from assistant.retrieval import Retriever, Sighted, checked_question, default_k
from assistant.scope import EVERYTHING, NOTHING_THERE, Scope
from assistant.settings import AssistantSettings
from assistant.turns import Turns
from assistant.verification import Support
from ingest.index.errors import FootnoteError, ModelError
from ingest.index.index import Index

log = logging.getLogger(__name__)

NO_ANSWER = "Your documents don't answer this."
_REWRITE_TOKENS = 256
"""Written at the most when a question is rewritten: no question is longer."""

_JUDGE_TOKENS = 16
"""Written at the most when a sentence is judged: yes or no."""

NO_DOCUMENTS = "There are no documents to answer from yet. Add some, then ask again."


@dataclass(frozen=True, slots=True)
class Manner:
    """How an answer is to be written; None takes the setting's, and the question's language."""

    temperature: float | None = None
    language: str | None = None


class Answerer:
    """Answers questions from one index."""

    def __init__(self, index: Index, models: ChatModels, settings: AssistantSettings) -> None:
        self._index = index
        self._models = models
        self._settings = settings
        self._turns = Turns()
        self.retriever = Retriever(index, settings, self._turns)

    async def stream(
        self,
        question: str,
        *,
        k: int | None = None,
        scope: Scope = EVERYTHING,
        model: str | None = None,
        temperature: float | None = None,
        language: str | None = None,
        history: Sequence[tuple[str, str]] = (),
    ) -> AsyncGenerator[Event, None]:
        """Yield what happens until the answer is there. Closing the stream stops the model.

        Args:
            question: the person's words.
            k: number of passages; None takes the setting's.
            scope: what to search.
            model: a chat model by name; None takes the setting's or the first installed.
            temperature: of the model; None takes the setting's.
            language: ISO 639-1 code of the answer's; None takes the question's.
            history: earlier (question, answer) pairs, oldest first.

        Raises:
            InputError: question, k, what to search, model or language are out of bounds.
            FootnoteError: the search failed. A model that fails ends in an `Answer` instead.
        """
        asked = Question(checked_question(question))
        manner = Manner(temperature, language_name(language))
        k = default_k(self._settings, k)
        scope.where(self._index.catalogue)
        choosing = asyncio.create_task(self._models.choose(model))
        try:
            yield Searching(self._index.catalogue.summary(scope.collection).passages)
            if history and (await choosing).model is not None:
                asked.standalone = await self._rewritten(asked, await choosing, history)
                if asked.standalone is not None:
                    yield Rewritten(asked.standalone)
            began = time.monotonic()
            found = await self.retriever.sight(asked.understood, k, scope)
            asked.passages = tuple(found.passages)
            if not found.certain:
                asked.evidence = await found.evidence()
            asked.usage.search_seconds = round(time.monotonic() - began, 4)
            yield Reading(asked.passages)
            choice = await choosing
            if not asked.passages:
                words = NOTHING_THERE if scope.narrow else NO_DOCUMENTS
                yield asked.silence(words, choice.model)
            elif not (found.certain or asked.evidence.answerable or asked.leans_on(history)):
                asked.usage.total_seconds = asked.since()
                yield asked.silence(NO_ANSWER, choice.model)
            elif choice.model is None:
                if found.certain:
                    asked.evidence = await found.evidence()
                yield await asyncio.to_thread(self._quoted, asked, choice.notice)
            else:
                written = self._written(asked, found, choice, history, manner)
                async with aclosing(written) as events:
                    async for event in events:
                        yield event
        finally:
            choosing.cancel()

    async def _rewritten(
        self, asked: Question, choice: Choice, history: Sequence[tuple[str, str]]
    ) -> str | None:
        """Return a follow-up question made to stand alone; None where it does, or that fails."""
        began, words = time.monotonic(), ""
        messages = prompting.rewriting(asked.text, history)
        stream = self._models.stream(
            choice, messages, Counts(), answer_tokens=_REWRITE_TOKENS, reason=False
        )
        try:
            async with asyncio.timeout(self._settings.llm_timeout), aclosing(stream) as pieces:
                async for piece in pieces:
                    words += piece.text
        except (FootnoteError, TimeoutError):
            return None
        finally:
            asked.usage.rewrite_seconds = round(time.monotonic() - began, 4)
        rewritten = prompting.standalone(words, asked.text)
        same = rewritten is not None and rewritten.casefold() == asked.text.casefold()
        return None if same else rewritten

    def _judge(self, choice: Choice) -> Write:
        return lambda messages: self._models.stream(
            choice, messages, Counts(), answer_tokens=_JUDGE_TOKENS, reason=False
        )

    def _quoted(self, asked: Question, notice: str | None) -> Answer:
        embedder = self._index.embedder
        vector = embedder.embed_question(asked.understood)
        quotes = best_quotes(asked.understood, asked.passages, vector, embedder.embed_passages)
        asked.show(asked.passages)
        asked.usage.total_seconds = asked.since()
        if not quotes:
            return asked.silence(NO_ANSWER, None)
        return asked.answer(
            "\n\n".join(f"“{quote.text}” [{quote.passage.number}]" for quote in quotes),
            model=None,
            sentences=tuple(
                Sentence(quote.text, (quote.passage.number,), Support.SUPPORTED) for quote in quotes
            ),
            citations=tuple(
                cite(self._index, quote.passage, order, quote.start, quote.end)
                for order, quote in enumerate(quotes)
            ),
            notice=notice,
        )

    async def _written(
        self,
        asked: Question,
        found: Sighted,
        choice: Choice,
        history: Sequence[tuple[str, str]],
        manner: Manner,
    ) -> AsyncGenerator[Event, None]:
        model = str(choice.model)
        # What stands alone needs no history, and earlier answers are no sources.
        turns = history if asked.standalone is None else ()
        prompt = prompting.fit(
            asked.understood, asked.passages, choice.context_tokens, turns, manner.language
        )
        asked.show(prompt.passages)
        asked.usage.context_tokens = choice.context_tokens
        asked.usage.estimated_prompt_tokens = prompt.tokens
        parser = CitationParser(passage.number for passage in prompt.passages)
        checker = BackgroundChecker(AnswerChecker(self._index, prompt.passages), self._turns)
        counts, last, text, cut = Counts(), 0.0, "", None
        try:
            stream = self._models.stream(
                choice,
                prompt.messages,
                counts,
                answer_tokens=prompt.answer_tokens,
                temperature=manner.temperature,
            )
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    last = asked.since()
                    if asked.usage.first_token_seconds is None:
                        asked.usage.first_token_seconds = last
                    if piece.reasoning:
                        asked.reasoning += piece.reasoning
                        yield Thinking(asked.reasoning, model)
                    text += parser.feed(piece.text)
                    if piece.text and (decided := prompting.without_sentinel(text)):
                        checker.follow(decided)
                        yield Writing(decided, model, checker.sentences)
        except ModelError as error:
            cut = str(error)
        text = (text + parser.end()).strip()
        asked.count(counts, last)
        try:
            if found.certain:
                # Only its score was not known yet, and the words did not wait for that.
                asked.evidence = await found.evidence()
            yield await self._finished(
                asked, text, cut, choice=choice, prompt=prompt, checker=checker
            )
        except Exception as error:  # a border: what a person has read is not taken away again
            if not text:
                raise
            log.warning("An answer could not be checked", exc_info=error)
            yield self._unchecked(asked, text, cut, error, prompt=prompt, model=model)

    async def _finished(
        self,
        asked: Question,
        text: str,
        cut: str | None,
        *,
        choice: Choice,
        prompt: Prompt,
        checker: BackgroundChecker,
    ) -> Answer:
        """Return what is made of all that a model wrote."""
        if cut is not None and not text:
            notice = f"{cut} Meanwhile these are quotes."
            return await asyncio.to_thread(self._quoted, asked, notice)
        model = str(choice.model)
        if not text or SENTINEL in text:
            asked.usage.total_seconds = asked.since()
            return asked.silence(NO_ANSWER, model)
        text = prompting.without_sentinel(text) if cut is not None else text
        sentences, citations = await checker.all(text)
        if self._settings.llm_judge and cut is None:
            sentences = await judged(
                sentences, prompt.passages, self._judge(choice), self._settings.llm_timeout
            )
        asked.usage.total_seconds = asked.since()
        return asked.answer(
            text,
            model=model,
            sentences=sentences,
            citations=citations,
            notice=_notice(asked.usage, prompt, model),
            cut=cut,
        )

    def _unchecked(
        self,
        asked: Question,
        text: str,
        cut: str | None,
        error: Exception,
        *,
        prompt: Prompt,
        model: str,
    ) -> Answer:
        """Return what is made of a model's text where the embedding model fails meanwhile."""
        asked.usage.total_seconds = asked.since()
        if SENTINEL in text:
            return asked.silence(NO_ANSWER, model)
        said = [
            "This answer could not be checked.",
            str(error) if isinstance(error, FootnoteError) else "The log has the details.",
            _notice(asked.usage, prompt, model),
        ]
        text = prompting.without_sentinel(text) if cut is not None else text
        return asked.answer(text, model=model, notice=" ".join(filter(None, said)), cut=cut)


def _notice(usage: Usage, prompt: Prompt, model: str) -> str | None:
    """Return what a person must know of the passages that the model did not see."""
    said = []
    if usage.passages_dropped:
        found = usage.passages_used + usage.passages_dropped
        said.append(
            f"{usage.passages_dropped} of {found} passages did not fit {model}'s context of "
            f"{usage.context_tokens:,} tokens and were left out. "
            "Raise FOOTNOTE_LLM_CONTEXT, or ask for fewer passages."
        )
    if usage.prompt_tokens is not None and usage.prompt_tokens < prompt.least_tokens:
        said.append(
            f"{model} read {usage.prompt_tokens:,} tokens where at least {prompt.least_tokens:,} "
            "were sent, so it did not see every passage. "
            "Lower FOOTNOTE_LLM_CONTEXT to what its server gives it, or ask for fewer passages."
        )
    return " ".join(said) or None
