"""Memory: what is free goes back to the system, what stays for good is not looked through."""

import ctypes
import gc
import os
import sys
from pathlib import Path

_DONTNEED = 4
"""MADV_DONTNEED of Linux."""


def give_back_memory() -> None:
    """Return freed memory to the system, after work that needed a lot of it.

    Objects that hold one another are freed first; to look for them takes a while.
    """
    gc.collect()
    trim_memory()


def trim_memory() -> None:
    """Return to the system what was freed already.

    glibc keeps what is freed; after indexing five small documents that was 40 MB. Does
    nothing where there is no glibc.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def release_pages(folder: Path) -> None:
    """Let go of the memory through which this process sees the files of a folder.

    What was written stays in the system's cache, from which it comes back when it is looked at,
    and where it does not count as this process's memory. No file of the folder may be unmapped
    meanwhile. Does nothing but on Linux.
    """
    if sys.platform != "linux":
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    within = os.path.realpath(folder) + os.sep
    # Names of files are whatever bytes they were given.
    for line in os.fsdecode(Path("/proc/self/maps").read_bytes()).split("\n")[:-1]:
        span, access, *_, path = line.split(maxsplit=5)
        # Of a mapping that is not shared, what was written would be lost.
        if path.startswith(within) and access.endswith("s"):
            first, last = (int(address, 16) for address in span.split("-"))
            advise(first, last - first, _DONTNEED)


def settle_memory() -> None:
    """After the start, give back what loading left free, and look through the rest no more.

    Torch, Gradio and the model are half a million objects that stay until the end. To look
    through them in a garbage collection takes 0.15 s and more, in which no other thread runs: no
    search, no answer. From now on, collections leave out everything that there is.
    """
    give_back_memory()
    gc.freeze()
