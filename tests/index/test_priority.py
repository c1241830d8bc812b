"""Background work steps back, and never forward."""

import os
import sys
import threading

import pytest

from ingest.index.priority import step_back


@pytest.mark.skipif(sys.platform != "linux", reason="nothing happens elsewhere")
@pytest.mark.parametrize(("before", "after"), [(0, 5), (10, 10)])
def test_a_thread_steps_back_and_never_forward(before: int, after: int) -> None:
    found = list[int]()

    def run() -> None:
        this = threading.get_native_id()
        if before:
            os.setpriority(os.PRIO_PROCESS, this, before)
        step_back()
        found.append(os.getpriority(os.PRIO_PROCESS, this))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [max(after, os.getpriority(os.PRIO_PROCESS, 0))]
