"""A small town: two documents, a question that they answer, and a way to ask it."""

import asyncio
from typing import Any

from assistant.answering import Answerer
from assistant.events import Answer, Event

TOWER = "The lighthouse of Arnholm was built in 1871 by Clara Veit. Its lamp burned oil until 1934."
HARBOUR = "The harbour of Arnholm exports salted herring. Its cranes were bought in Lisbon."
QUESTION = "Who built the lighthouse of Arnholm?"
BUILT = "The lighthouse of Arnholm was built in 1871 by Clara Veit."


def events(answerer: Answerer, question: str = QUESTION, **given: Any) -> list[Event]:
    """Ask, and return all that happens."""

    async def collected() -> list[Event]:
        return [event async for event in answerer.stream(question, **given)]

    return asyncio.run(collected())


def answer(answerer: Answerer, question: str = QUESTION, **given: Any) -> Answer:
    """Ask, and return what it ends in."""
    last = events(answerer, question, **given)[-1]
    assert isinstance(last, Answer)
    return last
