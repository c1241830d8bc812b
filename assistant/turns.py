"""Who computes first, when many ask at once.

To search and to check sentences takes a core for some milliseconds each. More of them at once
than there are cores would end no sooner, and all of them late. So as many run as there are cores,
and a search comes before a check: without it a person sees nothing, and a verdict that is late
stands beside a sentence that is being read. It comes before those that have waited less than
`PATIENCE`, that is: however many search, every check has its turn.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum, auto
from itertools import count
from queue import PriorityQueue
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


PATIENCE = 2.0
"""Seconds by which a check may be overtaken: a model writes a sentence or two in them."""


class Turn(Enum):
    """What is waited for."""

    SEARCH = auto()
    CHECK = auto()


class Turns:
    """As many threads as cores; within one kind, first come first served.

    Args:
        clock: seconds that only grow; replaced in tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, "turns")
        self._waiting = PriorityQueue[tuple[float, int, Callable[[], None]]]()
        self._clock = clock
        self._order = count()

    def submit(
        self, turn: Turn, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        """Have `call` run when its turn comes. It may not wait for one whose turn has not come."""
        future = Future[T]()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(call(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001  whoever waits gets it
                future.set_exception(error)

        due = self._clock() + (PATIENCE if turn is Turn.CHECK else 0.0)
        self._waiting.put((due, next(self._order), run))
        self._threads.submit(self._next)
        return future

    def _next(self) -> None:
        _, _, run = self._waiting.get_nowait()
        run()
