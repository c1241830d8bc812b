"""Searches come before checks that can wait, and no more run at once than there are cores."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from assistant.turns import PATIENCE, Turn, Turns


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def turns(clock: Clock) -> Turns:
    return Turns(clock)


@pytest.fixture
def busy(turns: Turns) -> Iterator[threading.Event]:
    """Every core is taken until this event is set."""
    free, taken = threading.Event(), threading.Semaphore(0)

    def hold() -> None:
        taken.release()
        free.wait(10)

    for _ in range(os.cpu_count() or 1):
        turns.submit(Turn.CHECK, hold)
        assert taken.acquire(timeout=10)
    yield free
    free.set()


def test_a_search_comes_before_the_checks_that_waited_longer(
    turns: Turns, busy: threading.Event
) -> None:
    ended: list[str] = []
    alone = threading.Lock()

    def note(name: str) -> None:
        with alone:
            ended.append(name)

    asked = [turns.submit(Turn.CHECK, note, f"check {number}") for number in range(40)]
    asked += [turns.submit(Turn.SEARCH, note, f"search {number}") for number in range(40)]
    busy.set()
    for one in asked:
        one.result(10)
    # Threads that start together may note in either order, but never by more than there are.
    late = max(ended.index(f"search {number}") for number in range(40))
    assert late < 40 + (os.cpu_count() or 1)
    firsts = ended.index("search 0"), ended.index("search 39")
    assert firsts[0] < firsts[1]


def test_a_check_is_not_overtaken_for_ever(
    turns: Turns, busy: threading.Event, clock: Clock
) -> None:
    ended: list[str] = []
    asked = [turns.submit(Turn.CHECK, ended.append, "check")]
    clock.now = PATIENCE + 0.1
    cores = os.cpu_count() or 1
    asked += [turns.submit(Turn.SEARCH, ended.append, "search") for _ in range(40 * cores)]
    busy.set()
    for one in asked:
        one.result(10)
    assert ended.index("check") < cores


def test_no_more_run_at_once_than_there_are_cores(turns: Turns, busy: threading.Event) -> None:
    further = turns.submit(Turn.SEARCH, threading.Event().is_set)
    with pytest.raises(TimeoutError):
        further.result(0.2)
    busy.set()
    assert further.result(10) is False


def test_who_no_longer_waits_loses_the_turn(turns: Turns, busy: threading.Event) -> None:
    ran = threading.Event()
    given_up = turns.submit(Turn.SEARCH, ran.set)
    assert given_up.cancel()
    after: Future[bool] = turns.submit(Turn.CHECK, lambda: True)
    busy.set()
    assert after.result(10)
    assert not ran.is_set()


def test_an_error_reaches_who_waits_and_ends_no_thread(turns: Turns) -> None:
    for _ in range(2 * (os.cpu_count() or 1)):
        with pytest.raises(ZeroDivisionError):
            turns.submit(Turn.CHECK, divmod, 1, 0).result(10)
    assert turns.submit(Turn.CHECK, divmod, 7, 2).result(10) == (3, 1)
