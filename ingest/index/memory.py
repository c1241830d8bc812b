"""Memory: what is free goes back to the system, what stays for good is not looked through."""

import ctypes
import gc
import sys


def spare_collections() -> None:
    """Leave everything that there is now out of every later garbage collection.

    Torch, Gradio and the model are half a million objects that stay until the end. To look
    through them takes 0.15 s and more, in which no other thread runs: no search, no answer.
    """
    gc.collect()
    gc.freeze()


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
