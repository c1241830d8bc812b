"""What Gradio does anew for every call although it never changes, done once.

Each saves little by itself; fifty answers at once do it thousands of times.
"""

import sys
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from typing import Any

import gradio as gr


def spare_repetition(page: gr.Blocks) -> None:
    """Have the calls of a finished page find what they would look up or work out again."""
    if find_spec("matplotlib") is None:
        # Around every update of an answer Gradio tries to import it. Python would look through
        # all of its folders each time; what is None here is known not to be there.
        sys.modules.setdefault("matplotlib", None)  # type: ignore[arg-type]
    for block in page.blocks.values():
        # Every session notes all of them, and a program's call is a session of its own.
        setattr(block, _GET_CONFIG, _remembered(getattr(block, _GET_CONFIG)))


_GET_CONFIG = "get_config"
"""The method by which each of Gradio's blocks tells what it is made of."""


def _remembered(get_config: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any]]:
    known = cache(get_config)
    # Whoever asks changes what it gets.
    return lambda: dict(known())
