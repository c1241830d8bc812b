"""An answer that is being written, and who waits for it."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine

from assistant.conversations import Conversation


class UnderWay:
    """One answer, written by a task of its own.

    Attributes:
        conversation: with the answer's turn as its last, as soon as the question was taken.
        tabs: that have had it in sight, by their ids.
        watchers: how many have it in sight now.
        task: writes the answer; given by `begin`.
    """

    task: asyncio.Task[None]

    def __init__(self) -> None:
        self.conversation: Conversation | None = None
        self.tabs: set[str] = set()
        self.watchers = 0
        self._changed = asyncio.Event()
        self._ending = False

    def begin(self, writing: Coroutine[None, None, None]) -> None:
        """Start to write."""
        self.task = asyncio.create_task(writing, name="answer")
        self.task.add_done_callback(lambda _: self.tell())

    def tell(self) -> None:
        """Tell those who have it in sight that there is more of it."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def states(self) -> AsyncGenerator[Conversation, None]:
        """Yield the conversation whenever there is more of it, and once more at its end.

        Raises:
            FootnoteError: the question was not taken.
        """
        while not self.task.done():
            changed = self._changed
            if self.conversation is not None:
                yield self.conversation
                if self.task.done():
                    break
            await changed.wait()
        if not self.task.cancelled():
            self.task.result()
        if self.conversation is not None:
            yield self.conversation

    async def ended(self) -> None:
        """Wait for its end, whatever it is."""
        await asyncio.wait([self.task])

    def end(self) -> None:
        """Stop the model, once; its connection is then closed without being disturbed."""
        if not self._ending:
            self._ending = True
            self.task.cancel()
