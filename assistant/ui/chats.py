"""Conversations at hand: kept ones, and those whose answers are being written right now."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any

from pydantic import BaseModel, Field

from assistant.api import UPDATE_SECONDS
from assistant.conversations import Conversation, Turn
from assistant.events import Answer, Event, Reading, Rewritten, Searching, Thinking, Writing
from assistant.services import Services
from assistant.ui.under_way import UnderWay
from ingest.index.errors import FootnoteError, InputError

KEEP_SECONDS = 1.0
"""Least time between two writings of an answer that grows."""


ID: Any = Field(pattern=r"^[0-9a-f]{32}$")
"""What the browser makes up for a conversation or a tab."""


class At(BaseModel):
    """Where the browser is.

    Attributes:
        tab: waits for the answers that were in sight in it.
    """

    conversation: str = ID
    tab: str = ID


class Wanted(At):
    """What the browser asks with a question: where, how, and instead of which turn.

    Attributes:
        replace: number of the turn that is asked anew, with all that follows it.
        documents: ids of the documents to answer from; None takes all of `collection`.
        language: ISO 639-1 code of the answer's; None takes the question's.
        typed: whether the question stands in the box; one that is asked again does not.
    """

    replace: int | None = Field(default=None, ge=0)
    typed: bool = True
    collection: str | None = None
    documents: list[str] | None = None
    k: int | None = None
    model: str | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    language: str | None = None


class Chats:
    """Asks on a person's behalf and keeps what comes.

    An answer lives as long as a tab waits for it: one that has it in sight, or one that is
    held (`hold`) while another conversation is in sight. When the last one goes away the
    model is stopped, and what it wrote so far is kept.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept = services.conversations
        self._under_way: dict[tuple[str, str], UnderWay] = {}
        self._held: Counter[str] = Counter()

    def find(self, person: str, conversation_id: str) -> Conversation | None:
        """Return a conversation as far as it is, also while an answer is being written."""
        under_way = self._under_way.get((person, conversation_id))
        found = under_way.conversation if under_way is not None else None
        return found or self._kept.get(person, conversation_id)

    def writing(self, person: str) -> set[str]:
        """Return the ids of a person's conversations in which an answer is being written."""
        return {conversation_id for one, conversation_id in list(self._under_way) if one == person}

    async def stop(self, person: str, conversation_id: str) -> None:
        """Stop the answer under way, if there is one, as the person wishes."""
        under_way = self._under_way.get((person, conversation_id))
        if under_way is not None:
            conversation = under_way.conversation
            if conversation is not None and not conversation.turns[-1].over:
                conversation.turns[-1].stopped = True
            under_way.end()
            await under_way.ended()

    async def hold(self, tab: str) -> AsyncGenerator[None, None]:
        """Keep the answers that a tab waits for from ending, as long as this is iterated.

        It yields once when they are held, and ends with the last of them.
        """
        self._held[tab] += 1
        try:
            yield
            while waited := [one for one in self._under_way.values() if tab in one.tabs]:
                await waited[0].ended()
        finally:
            self._held -= Counter((tab,))
            for one in list(self._under_way.values()):
                if tab in one.tabs:
                    self._let_go(one)

    async def ask(
        self, person: str, question: str, wanted: Wanted
    ) -> AsyncGenerator[Conversation, None]:
        """Yield the conversation as its new answer grows, at most ten times a second.

        Raises:
            FootnoteError: the question was not taken; nothing of it is kept.
        """
        key = (person, wanted.conversation)
        if key in self._under_way:
            raise InputError(
                "An answer is still being written in this conversation.", "Wait, or stop it first."
            )
        under_way = self._under_way[key] = UnderWay()
        under_way.begin(self._write(under_way, person, question, wanted))
        under_way.task.add_done_callback(lambda _: self._under_way.pop(key))
        async with aclosing(self._watch(under_way, wanted.tab)) as watched:
            async for conversation in watched:
                yield conversation

    async def follow(
        self, person: str, conversation_id: str, tab: str
    ) -> AsyncGenerator[Conversation, None]:
        """Yield a conversation as the answer that is under way in it grows, if there is one."""
        under_way = self._under_way.get((person, conversation_id))
        if under_way is not None:
            # A question that was not taken is its own tab's to explain.
            with suppress(FootnoteError):
                async with aclosing(self._watch(under_way, tab)) as watched:
                    async for conversation in watched:
                        yield conversation

    async def _watch(self, under_way: UnderWay, tab: str) -> AsyncGenerator[Conversation, None]:
        under_way.tabs.add(tab)
        under_way.watchers += 1
        try:
            async for conversation in under_way.states():
                yield conversation
        finally:
            under_way.watchers -= 1
            self._let_go(under_way)

    def _let_go(self, under_way: UnderWay) -> None:
        """Stop an answer that nobody waits for any more."""
        if not under_way.watchers and not any(self._held[tab] for tab in under_way.tabs):
            under_way.end()

    async def _write(self, under_way: UnderWay, person: str, question: str, wanted: Wanted) -> None:
        """Ask, follow the answer to its end, and keep it."""
        stream = self._services.answerer.stream(question, **self._options(person, wanted))
        shown = kept = 0.0
        turn = Turn(question)
        conversation: Conversation | None = None
        try:
            async for event in stream:
                if conversation is None:
                    conversation = await asyncio.to_thread(self._begin, person, turn, wanted)
                    under_way.conversation = conversation
                self._follow(turn, event)
                now = time.monotonic()
                if isinstance(event, Thinking | Writing):
                    if now - shown < UPDATE_SECONDS:
                        continue
                    shown = now
                under_way.tell()
                if isinstance(event, Writing) and now - kept >= KEEP_SECONDS:
                    kept = now
                    await asyncio.to_thread(self._keep_last, conversation)
        except FootnoteError as error:
            if conversation is None:
                raise
            turn.failure = str(error)
        finally:
            # Also where nobody waits any more: this task is cancelled then.
            if conversation is not None:
                turn.dropped = not turn.over
                self._keep_last(conversation)
            await stream.aclose()

    def _options(self, person: str, wanted: Wanted) -> dict[str, Any]:
        conversation = self._kept.get(person, wanted.conversation)
        turns = conversation.turns[: wanted.replace] if conversation else []
        history = Conversation(wanted.conversation, turns=turns).history()
        return {
            "k": wanted.k,
            "collection": wanted.collection,
            "document_ids": wanted.documents,
            "model": wanted.model,
            "temperature": wanted.temperature,
            "language": wanted.language,
            "history": history,
        }

    def _begin(self, person: str, turn: Turn, wanted: Wanted) -> Conversation:
        conversation = self._kept.begin(person, wanted.conversation, turn.question)
        if wanted.replace is not None:
            self._kept.cut(conversation, wanted.replace)
        conversation.turns.append(turn)
        self._keep_last(conversation)
        return conversation

    def _keep_last(self, conversation: Conversation) -> None:
        self._kept.keep(conversation, len(conversation.turns) - 1)

    def _follow(self, turn: Turn, event: Event) -> None:
        index = self._services.index
        if isinstance(event, Searching):
            opened = index.opened and index.embedder.loaded
            waiting = "" if opened else "Loading the embedding model, then searching"
            turn.stage = f"{waiting or 'Searching'} {event.passages:,} passages…"
        elif isinstance(event, Reading):
            count = len(event.passages)
            turn.stage = f"Reading {count} passage{'s' if count != 1 else ''}…"
        elif isinstance(event, Rewritten):
            turn.stage = f"Searching for “{event.question}”…"
        elif isinstance(event, Thinking):
            turn.stage = "Thinking…"
        elif isinstance(event, Writing):
            turn.text = event.text
        elif isinstance(event, Answer):
            turn.answer = event
