"""Whoever stops waiting for an answer stops the model.

When a client goes away, Gradio drops its events: what they return from then on is thrown
away. It does not end them, so a model that has not written its first word, or is silent for
a while, would be kept busy for nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps

import gradio as gr

_SEPARATOR = "<gradio-sep>"
"""Stands before the id of its event in the name of each task that Gradio runs one in."""

CleanEvents = Callable[..., Awaitable[None]]


def end_with_their_clients(page: gr.Blocks) -> None:
    """End the events of a page at once when the client that waits for them goes away."""
    queue = page._queue
    clean_events: CleanEvents = queue.clean_events

    @wraps(clean_events)
    async def ended(*, session_hash: str | None = None, event_id: str | None = None) -> None:
        gone = {
            event._id
            for events in queue.active_jobs
            for event in events or ()
            if event.session_hash == session_hash or event._id == event_id
        }
        await clean_events(session_hash=session_hash, event_id=event_id)
        for task in asyncio.all_tasks():
            if task.get_name().partition(_SEPARATOR)[2] in gone:
                task.cancel()

    queue.clean_events = ended  # type: ignore[method-assign]  # Gradio has no hook for it
