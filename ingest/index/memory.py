"""Memory: what is free goes back to the system, what stays for good is not looked through."""

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


def settle_memory() -> None:
    """After the start, give back what loading left free, and look through the rest no more.

    Torch, Gradio and the model are half a million objects that stay until the end. To look
    through them in a garbage collection takes 0.15 s and more, in which no other thread runs: no
    search, no answer. From now on, collections leave out everything that there is.
    """
    give_back_memory()
    gc.freeze()
