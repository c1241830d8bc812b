"""Background work that leaves the processor to whoever is waited for."""

import os
import sys
import threading

_NICE = 5
"""Of 19. Measured with `bench/busy.py`: a search meanwhile is as good as alone, and work in
the background still gets all that is left."""


def step_back() -> None:
    """Lower the priority of this thread, and of the threads and processes it will start.

    Only Linux gives each thread a priority of its own; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        this = threading.get_native_id()
        # Whoever was started with less priority yet may not have more.
        least = max(_NICE, os.getpriority(os.PRIO_PROCESS, this))
        os.setpriority(os.PRIO_PROCESS, this, least)
