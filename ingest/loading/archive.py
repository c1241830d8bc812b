"""Zip archives: a listing to read, and their members as files of their own."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ingest.index.errors import DocumentError
from ingest.loading import limits
from ingest.loading.attachments import AttachmentFolder, safe_name
from ingest.loading.builder import Builder
from ingest.loading.loaded import Loaded
from ingest.loading.text import clean

MAX_MEMBERS = 10_000
MAX_MEMBER_BYTES = 200_000_000
MAX_TOTAL_BYTES = 1_000_000_000
MAX_RATIO = 200
_RATIO_FROM = 10_000_000
"""Bytes from which on a member's ratio counts; small ones harm nobody."""

_PIECE = 1 << 20


class _LeftOut(Exception):  # noqa: N818 - not an error, a reason
    """Why a member is not unpacked."""


def load(path: Path, name: str, scratch: Path) -> Loaded:
    """Read an archive; members that are not safe to unpack are named with the reason."""
    folder = AttachmentFolder(scratch)
    builder = Builder("archive", name)
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if not members:
            raise DocumentError(f"{name} is an empty archive.", "Add the files themselves.")
        if all(member.flag_bits & 1 for member in members):
            raise limits.protected(name)
        builder.heading(1, name, f"Archive {name}")
        builder.lines(_unpack(archive, members, folder))
    return Loaded(builder.document(), tuple(folder.found))


def _unpack(
    archive: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: AttachmentFolder
) -> Iterator[str]:
    """Unpack the members one by one; yield a line for each."""
    seen: set[str] = set()
    left = MAX_TOTAL_BYTES
    for number, member in enumerate(members):
        shown = " ".join(clean(member.filename).split())
        if number >= MAX_MEMBERS:
            yield f"Left out: {len(members) - number} more files; {MAX_MEMBERS} are taken."
            return
        try:
            name = _safe_path(member)
            if name in seen:
                raise _LeftOut("a second file of this name")
            seen.add(name)
            if member.file_size > left:
                raise _LeftOut("the archive unpacks to too much")
            _check(member)
            folder.add(name, _pieces(archive, member))
            left -= member.file_size
            yield f"{name} ({_size(member.file_size)})"
        except _LeftOut as reason:
            yield f"{shown} (left out: {reason})"
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError):
            yield f"{shown} (left out: damaged)"


def _safe_path(member: zipfile.ZipInfo) -> str:
    """Return where in the archive a member is, if that is within it."""
    name = member.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or name[1:2] == ":":
        raise _LeftOut("its name leads out of the archive")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise _LeftOut("a link")
    if parts[0] == "__MACOSX" or parts[-1] in {".DS_Store", "Thumbs.db"}:
        raise _LeftOut("a note of the file manager")
    return "/".join(safe_name(part, "_") for part in parts)


def _check(member: zipfile.ZipInfo) -> None:
    size = member.file_size
    if member.flag_bits & 1:
        raise _LeftOut("protected by a password")
    if not size:
        raise _LeftOut("empty")
    if size > MAX_MEMBER_BYTES:
        raise _LeftOut(f"larger than {MAX_MEMBER_BYTES // 1_000_000} MB")
    if size > _RATIO_FROM and size > MAX_RATIO * max(member.compress_size, 1):
        raise _LeftOut("packed suspiciously small")


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as file:
        while piece := file.read(_PIECE):
            yield piece


def _size(number: int) -> str:
    if number < 1_000:
        return f"{number} bytes"
    return f"{number / 1e3:.0f} kB" if number < 1_000_000 else f"{number / 1e6:.1f} MB"
