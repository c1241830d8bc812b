"""Memory that is given back, and what must not be lost with it."""

import ctypes
import hashlib
import mmap
import os
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from ingest.index.memory import fetch_pages, release_code, release_pages

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing happens elsewhere")

SIZE = 4 << 20


def resident(path: Path) -> int:
    """Return the bytes of this process's memory through which it sees a file."""
    kilobytes, here = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if "-" in line.split(maxsplit=1)[0]:
            here = line.endswith(str(path))
        elif here and line.startswith("Rss:"):
            kilobytes += int(line.split()[1])
    return kilobytes * 1024


def largest_code() -> tuple[int, int]:
    """Return where the largest library of this process lies, and its bytes."""
    found = []
    for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines():
        span, access, *_, path = line.split(maxsplit=5)
        if access == "r-xp" and path.startswith("/"):
            first, last = (int(address, 16) for address in span.split("-"))
            found.append((last - first, first))
    size, first = max(found)
    return first, size


def resident_at(address: int) -> int:
    """Return the bytes of this process's memory in the mapping that begins at an address."""
    here = False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        name, *values = line.split(maxsplit=5)
        if "-" in name:
            here = int(name.split("-")[0], 16) == address
        elif here and name == "Rss:":
            return int(values[0]) * 1024
    raise LookupError(address)


def cached(path: Path) -> int:
    """Return how many pages of a file the system has in its cache."""
    system = ctypes.CDLL(None)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        first = (ctypes.c_char * len(memory)).from_buffer(memory)
        there = (ctypes.c_ubyte * (len(memory) // mmap.PAGESIZE))()
        size = ctypes.c_size_t(len(memory))
        assert system.mincore(ctypes.byref(first), size, there) == 0
        del first
    return sum(page & 1 for page in there)


def mapped(path: Path, flags: int) -> mmap.mmap:
    """Return a file of SIZE bytes in memory, each of them written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(SIZE))
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), SIZE, flags=flags)
    memory[:] = b"x" * SIZE
    return memory


def test_pages_of_a_folder_s_files_are_let_go_of_and_come_back(tmp_path: Path) -> None:
    inside, outside = tmp_path / "a folder" / "file", tmp_path / "a folder too" / "file"
    memory, other = mapped(inside, mmap.MAP_SHARED), mapped(outside, mmap.MAP_SHARED)
    assert resident(inside) == resident(outside) == SIZE
    release_pages(inside.parent)
    assert (resident(inside), resident(outside)) == (0, SIZE)
    assert memory[:] == other[:] == inside.read_bytes() == b"x" * SIZE


def test_what_is_written_nowhere_else_is_kept(tmp_path: Path) -> None:
    memory = mapped(tmp_path / "file", mmap.MAP_PRIVATE)
    release_pages(tmp_path)
    assert memory[:] == b"x" * SIZE


def test_code_is_let_go_of_and_is_still_there() -> None:
    address, size = largest_code()
    code = hashlib.sha256(ctypes.string_at(address, size)).digest()
    assert resident_at(address) == size
    release_code()
    assert resident_at(address) < size / 2
    assert hashlib.sha256(ctypes.string_at(address, size)).digest() == code


def test_files_are_read_into_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "segments" / "file"
    path.parent.mkdir()
    path.write_bytes(b"x" * SIZE)
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    pages = SIZE // mmap.PAGESIZE
    if cached(path) == pages:
        pytest.skip("this file system keeps everything in memory")
    stopped = Event()
    stopped.set()
    fetch_pages(tmp_path, stopped)
    assert cached(path) < pages
    fetch_pages(tmp_path, Event())
    give_up = time.monotonic() + 20
    while cached(path) < pages:
        assert time.monotonic() < give_up
        time.sleep(0.05)
    fetch_pages(tmp_path / "nowhere", Event())
