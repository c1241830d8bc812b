"""Work that comes in batches, shared among the processor's cores.

To let torch share each batch among threads of its own is slower: they wait for one another after
every step, and where another process takes one core, all of them wait for it. A core for each
batch is 1.06 times faster on an idle machine and 1.5 times beside a busy process, such as the one
that reads the next documents (bench/packing.py).
"""

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ingest.index.priority import step_back

T = TypeVar("T")


class Cores:
    """A thread for each core but one; whoever has work for them is the last one.

    Several callers share the threads: one that finds them busy does its work by itself.

    Args:
        count: of cores, 1 or more.
    """

    def __init__(self, count: int) -> None:
        self._helpers = count - 1
        # They leave the cores to whoever is waited for: callers, and searches meanwhile.
        self._threads = ThreadPoolExecutor(max(1, self._helpers), "cores", step_back)

    def each(
        self,
        action: Callable[[T], None],
        items: Iterable[T],
        on_done: Callable[[T], None] = lambda _: None,
    ) -> None:
        """Call `action` with each item, on several threads, and return when all is done.

        What `action` raises is raised here, and no further item is begun then.

        Args:
            on_done: called in this thread, soon after an item is done. What it raises ends the
                work as well.
        """
        waiting, done = deque(items), deque[T]()

        def work(report: Callable[[], None]) -> None:
            try:
                while (item := _first(waiting)) is not None:
                    action(item)
                    done.append(item)
                    report()
            finally:
                waiting.clear()

        def report() -> None:
            while (item := _first(done)) is not None:
                on_done(item)

        helpers = [
            self._threads.submit(work, lambda: None)
            for _ in range(min(self._helpers, len(waiting) - 1))
        ]
        try:
            work(report)
        finally:
            # Those that have not begun are not needed any more, the others end soon.
            begun = [helper for helper in helpers if not helper.cancel()]
            errors = [helper.exception() for helper in begun]
        for error in errors:
            if error is not None:
                raise error
        report()


def _first(items: deque[T]) -> T | None:
    # Several threads take items; to ask whether there is one would not reserve it.
    try:
        return items.popleft()
    except IndexError:
        return None
