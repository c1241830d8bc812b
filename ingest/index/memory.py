"""Memory that is free inside the process, given back to the system."""

import ctypes
import gc
import sys


def give_back_memory() -> None:
    """Return freed memory to the system, after work that needed a lot of it.

    glibc keeps what is freed; after indexing five small documents that was 40 MB. Does
    nothing where there is no glibc.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
