"""The zip archives that documents come in: their parts, never more of them than is taken."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.loading import limits

_MAX_PARTS = 100_000


class Container:
    """The parts of an open archive by their names.

    Parts never unpack to more than the archive declares: zipfile stops there.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self.name = name
        members = archive.infolist()
        unpacked = sum(member.file_size for member in members)
        if unpacked > limits.MAX_UNPACKED or len(members) > _MAX_PARTS:
            raise limits.unpacks_too_far(name)
        if any(member.flag_bits & 1 for member in members):
            raise limits.protected(name)
        self.names = [member.filename for member in members]
        self._known = frozenset(self.names)

    def __contains__(self, part: str) -> bool:
        return part in self._known

    def read(self, part: str) -> bytes:
        """Return the bytes of a part.

        Raises:
            KeyError: there is no such part.
        """
        return self._archive.read(part)


@contextmanager
def open_container(path: Path, name: str) -> Iterator[Container]:
    """Open the archive at `path`.

    Raises:
        DocumentError: it is damaged, protected, or unpacks to more than is taken.
    """
    with zipfile.ZipFile(path) as archive:
        yield Container(archive, name)
