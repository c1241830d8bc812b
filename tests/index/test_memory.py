"""Memory that is given back, and what must not be lost with it."""

import mmap
import sys
from pathlib import Path

import pytest

from ingest.index.memory import release_pages

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
