"""Work shared among cores: each item once, errors raised, callers never waiting for others."""

import threading
import time

import pytest

from ingest.index.cores import Cores

SECONDS = 10.0


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("items", [0, 1, 2, 50])
def test_each_item_is_done_and_reported_once(count: int, items: int) -> None:
    done, reported = list[int](), list[int]()
    Cores(count).each(done.append, range(items), reported.append)
    assert sorted(done) == sorted(reported) == list(range(items))


def test_as_many_work_at_once_as_there_are_cores() -> None:
    together = threading.Barrier(3)
    Cores(3).each(lambda _: ignored(together.wait(SECONDS)), range(3))


def test_reports_come_in_the_callers_thread_while_work_goes_on() -> None:
    both, reported = threading.Barrier(2), threading.Event()
    threads = set[int]()

    def wait_for_a_report(item: int) -> None:
        if item < 2:
            both.wait(SECONDS)
        elif threading.current_thread() is not threading.main_thread():
            assert reported.wait(SECONDS)

    def report(_: int) -> None:
        threads.add(threading.get_ident())
        reported.set()

    Cores(2).each(wait_for_a_report, range(6), report)
    assert threads == {threading.get_ident()}


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_ends_the_work_and_is_raised(failing: int) -> None:
    cores, both = Cores(2), threading.Barrier(2)
    done = list[int]()

    def act(item: int) -> None:
        if item < 2:
            both.wait(SECONDS)
        if item == failing:
            raise ValueError(item)
        time.sleep(0.01)
        done.append(item)

    with pytest.raises(ValueError, match=str(failing)):
        cores.each(act, range(500))
    assert len(done) < 100
    # And the threads are there for the next one.
    both = threading.Barrier(2)
    cores.each(lambda _: ignored(both.wait(SECONDS)), range(2))


def test_an_error_of_a_report_ends_the_work() -> None:
    done = list[int]()

    def refuse(_: int) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        Cores(2).each(done.append, range(100_000), refuse)
    assert len(done) < 100_000


def test_whoever_finds_the_others_busy_works_alone() -> None:
    cores, begun, go_on = Cores(2), threading.Barrier(3), threading.Event()

    def hold(_: int) -> None:
        begun.wait(SECONDS)
        assert go_on.wait(SECONDS)

    holder = threading.Thread(target=cores.each, args=(hold, range(2)))
    holder.start()
    begun.wait(SECONDS)
    done = list[int]()
    cores.each(done.append, range(5))
    assert sorted(done) == list(range(5))
    go_on.set()
    holder.join(SECONDS)
    assert not holder.is_alive()


def ignored(_: object) -> None:
    """Make an action of what returns something."""
