"""Memory: what is free goes back to the system, what stays for good is not looked through, what
will be looked at is fetched."""

import ctypes
import gc
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Event

_DONTNEED = 4
"""MADV_DONTNEED of Linux."""

_FETCHED = 128 << 10
"""Bytes that the system is asked for at a time: of more it fetches only a part."""


def give_back_memory() -> None:
    """Return freed memory to the system, after work that needed a lot of it.

    Objects that hold one another are freed first; to look for them takes a while.
    """
    release_code()
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
    within = os.path.realpath(folder) + os.sep
    for line in _lines("maps"):
        span, access, *_, path = line.split(maxsplit=5)
        # Of a mapping that is not shared, what was written would be lost.
        if path.startswith(within) and access.endswith("s"):
            _release(span)


def fetch_pages(folder: Path, stop: Event) -> None:
    """Have the system read the files of a folder into its cache, which is no process's memory.

    It takes as long as the disk. Does nothing where the system takes no such advice, or where the
    files would fill more than half of the memory that is free for it: they would drive out one
    another. Files that go meanwhile are left out.

    Args:
        stop: ends it early.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    sizes: dict[Path, int] = {}
    for inside, _, names in os.walk(folder):
        for path in (Path(inside, name) for name in names):
            with suppress(OSError):
                sizes[path] = path.stat().st_size
    if sum(sizes.values()) > _available() / 2:
        return
    for path, size in sizes.items():
        with suppress(OSError), path.open("rb") as file:
            for first in range(0, size, _FETCHED):
                if stop.is_set():
                    return
                os.posix_fadvise(file.fileno(), first, _FETCHED, os.POSIX_FADV_WILLNEED)


def _available() -> float:
    """Return the bytes that Linux could give to whoever asks; no bound where it does not tell."""
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, size, *_ = line.split()
            if name == "MemAvailable:":
                return float(size) * 1024
    return float("inf")


def release_code() -> None:
    """Let go of the pages of programs and libraries that this process has looked at.

    Importing torch, Gradio and the like touches 140 MB of them, of which work goes on with 60.
    Those come back from the system's cache when they are run again. Does nothing but on Linux.
    """
    if sys.platform != "linux":
        return
    span = ""
    for line in _lines("smaps"):
        name, *values = line.split(maxsplit=5)
        if "-" in name:
            # Libraries of Python's are never unmapped: nothing else can be there meanwhile.
            code = values[0] == "r-xp" and len(values) == 5 and values[-1].startswith("/")
            span = name if code else ""
        elif name in ("Anonymous:", "Swap:") and values[0] != "0":
            # Code was changed in memory, and what was changed would be lost.
            span = ""
        elif span and name == "VmFlags:":
            _release(span)


def _lines(name: str) -> list[str]:
    """Return what Linux tells of this process under a name; nothing where it is kept back."""
    try:
        told = Path("/proc/self", name).read_bytes()
    except OSError:
        return []
    # Names of files are whatever bytes they were given.
    return os.fsdecode(told).split("\n")[:-1]


def _release(span: str) -> None:
    """Let go of the pages between two addresses, as Linux writes them."""
    first, last = (int(address, 16) for address in span.split("-"))
    _advise()(first, last - first, _DONTNEED)


@cache
def _advise() -> Callable[[int, int, int], int]:
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return advise


def settle_memory() -> None:
    """After the start, give back what loading left free, and look through the rest no more.

    Torch, Gradio and the model are half a million objects that stay until the end. To look
    through them in a garbage collection takes 0.15 s and more, in which no other thread runs: no
    search, no answer. From now on, collections leave out everything that there is.
    """
    give_back_memory()
    gc.freeze()
