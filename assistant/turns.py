"""Who computes first, when many ask at once.

To search and to check sentences takes a core for some milliseconds each. More of them at once
than there are cores would end no sooner, and all of them late. So as many run as there are cores,
and a search comes before a check: without it a person sees nothing, and a verdict that is late
stands beside a sentence that is being read.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from itertools import count
from queue import PriorityQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Turn(IntEnum):
    """What is waited for; the lower comes first."""

    SEARCH = 0
    CHECK = 1


class Turns:
    """As many threads as cores; within one kind, first come first served."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "turns")
        self._waiting = PriorityQueue[tuple[Turn, int, Callable[[], None]]]()
        self._order = count()

    def submit(
        self, turn: Turn, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Have `call` run when its turn comes. Nothing that runs may wait for another."""
        future = Future[T]()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  whoever waits gets it
                future.set_exception(error)

        self._waiting.put((turn, next(self._order), run))
        self._threads.submit(self._next)
        return future

    def _next(self) -> None:
        _, _, run = self._waiting.get_nowait()
        run()
