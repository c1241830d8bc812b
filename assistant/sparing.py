"""What Gradio does for every call although nobody needs it, done once or not at all.

Each saves little by itself; fifty answers at once do it thousands of times, and a program that
calls for days does it millions of times.
"""

import sys
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
from gradio.routes import App as GradioApp

SESSIONS = 1_000
"""Sessions, tabs and calls together, of which Gradio remembers anything while they wait for
nothing."""

_GET_CONFIG = "get_config"
"""The method by which each of Gradio's blocks tells what it is made of."""


def spare_repetition(page: gr.Blocks) -> None:
    """Have the calls of a finished page find what they would look up or work out again."""
    if find_spec("matplotlib") is None:
        # Around every update of an answer Gradio tries to import it. Python would look through
        # all of its folders each time; what is None here is known not to be there.
        sys.modules.setdefault("matplotlib", None)  # type: ignore[arg-type]
    for block in page.blocks.values():
        # Asked for again for every block that a session changes.
        setattr(block, _GET_CONFIG, _remembered(getattr(block, _GET_CONFIG)))
    # After every call a table of the last 10,000 would be put together and summed up, for a
    # page of Gradio's that is switched off here: up to 20 ms that hold the interpreter.
    page._queue.ANALYTICS_MAX_EVENTS = 1
    page._queue.ANAYLTICS_CACHE_FREQUENCY = sys.maxsize


def spare_sessions(app: GradioApp) -> None:
    """Have a session hold what differs from the page, and a program's end with its call.

    Gradio would note what each block of the page is made of, for each session, and remember
    10,000 of them: 50 kB for every call of a program.
    """
    holder, queue = app.state_holder, app.get_blocks()._queue
    holder.capacity = SESSIONS
    # A session notes the blocks that are among these; what it finds missing it looks up.
    page = SimpleNamespace(blocks={}, default_config=app.get_blocks().default_config)
    holder.blocks = cast("gr.Blocks", page)
    reset: Callable[[str], Awaitable[None]] = queue.reset_iterators

    @wraps(reset)
    async def ended(event_id: str) -> None:
        await reset(event_id)
        # A call that comes without a session has its own, of its event's name.
        holder.session_data.pop(event_id, None)
        holder.time_last_used.pop(event_id, None)
        under_way = queue.pending_event_ids_session
        if len(under_way) > SESSIONS:
            messages = queue.pending_messages_per_session
            # Where a client went away, Gradio keeps the event and drops what it would be told.
            idle = [one for one, events in under_way.items() if not events or one not in messages]
            for session in idle:
                del under_way[session]
                messages.pop(session, None)

    queue.reset_iterators = ended  # type: ignore[method-assign]  # Gradio has no hook for it


def _remembered(get_config: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    known = cache(get_config)
    # Whoever asks changes what it gets.
    return lambda: dict(known())
