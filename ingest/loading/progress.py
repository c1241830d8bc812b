"""How far a loader is with a file that takes long."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_listener: ContextVar[Callable[[float], None] | None] = ContextVar("listener", default=None)


@contextmanager
def telling(listener: Callable[[float], None]) -> Iterator[None]:
    """Have `report` call `listener` with the fraction that is read, in [0, 1], in this block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def report(done: int, total: int) -> None:
    """Tell that `done` of `total` parts are read; called on the thread that called the loader."""
    if (listener := _listener.get()) is not None:
        listener(done / total)
