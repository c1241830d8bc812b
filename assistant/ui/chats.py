"""Conversations at hand: kept ones, and those whose answers are being written right now."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

from pydantic import BaseModel, Field

from assistant.api import UPDATE_SECONDS
from assistant.conversations import Conversation, Turn
from assistant.events import Answer, Event, Reading, Rewritten, Searching, Thinking, Writing
from assistant.scope import Scope
from assistant.services import Services
from ingest.index.errors import FootnoteError, InputError

KEEP_SECONDS = 1.0
"""Least time between two writings of an answer that grows."""


class Wanted(BaseModel):
    """What the browser asks with a question: where, how, and instead of which turn.

    Attributes:
        replace: number of the turn that is asked anew, with all that follows it.
        documents: ids of the documents to answer from; None takes all of `collection`.
        language: ISO 639-1 code of the answer's; None takes the question's.
        typed: whether the question stands in the box; one that is asked again does not.
    """

    conversation: str = Field(pattern=r"^[0-9a-f]{32}$")
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

    An answer lives as long as somebody waits for it: when the page goes away the model is
    stopped, and what it wrote so far is kept.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._kept = services.conversations
        self._writing: dict[tuple[str, str], Conversation] = {}

    def find(self, person: str, conversation_id: str) -> Conversation | None:
        """Return a conversation as far as it is, also while an answer is being written."""
        writing = self._writing.get((person, conversation_id))
        return writing or self._kept.get(person, conversation_id)

    def stop(self, person: str, conversation_id: str) -> None:
        """Mark the answer under way as stopped by the person; its stream is closed beside."""
        conversation = self._writing.get((person, conversation_id))
        if conversation is not None and not conversation.turns[-1].over:
            conversation.turns[-1].stopped = True
            return
        kept = self._kept.get(person, conversation_id)
        # Its stream may have been closed first, which looks like a page that went away.
        if conversation is None and kept is not None and kept.turns and kept.turns[-1].dropped:
            kept.turns[-1].stopped, kept.turns[-1].dropped = True, False
            self._keep_last(kept)

    async def ask(
        self, person: str, question: str, wanted: Wanted
    ) -> AsyncGenerator[Conversation, None]:
        """Yield the conversation as its new answer grows, at most ten times a second.

        Raises:
            FootnoteError: the question was not taken; nothing of it is kept.
        """
        key = (person, wanted.conversation)
        if key in self._writing:
            raise InputError(
                "An answer is still being written in this conversation.", "Wait, or stop it first."
            )
        stream = self._services.answerer.stream(question, **self._options(person, wanted))
        conversation: Conversation | None = None
        shown = kept = 0.0
        turn = Turn(question)
        try:
            async for event in stream:
                if conversation is None:
                    conversation = await asyncio.to_thread(self._begin, person, turn, wanted)
                    self._writing[key] = conversation
                if turn.over:
                    break
                self._follow(turn, event)
                now = time.monotonic()
                if isinstance(event, Thinking | Writing):
                    if now - shown < UPDATE_SECONDS:
                        continue
                    shown = now
                yield conversation
                if isinstance(event, Writing) and now - kept >= KEEP_SECONDS:
                    kept = now
                    await asyncio.to_thread(self._keep_last, conversation)
        except FootnoteError as error:
            if conversation is None:
                raise
            turn.failure = str(error)
        finally:
            # Also where the page has gone away: this generator is closed then.
            if conversation is not None:
                turn.dropped = not turn.over
                self._writing.pop(key, None)
                self._keep_last(conversation)
            await stream.aclose()
        if conversation is not None:
            yield conversation

    def _options(self, person: str, wanted: Wanted) -> dict[str, Any]:
        conversation = self._kept.get(person, wanted.conversation)
        turns = conversation.turns[: wanted.replace] if conversation else []
        history = Conversation(wanted.conversation, turns=turns).history()
        return {
            "k": wanted.k,
            "scope": Scope(wanted.collection, wanted.documents),
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
