"""Files that were inside another file, under names that are safe to show and to join."""

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from ingest.loading.loaded import Attachment
from ingest.loading.text import clean

_MAX_NAME = 200
_RESERVED = dict.fromkeys([*range(32), 127])


class AttachmentFolder:
    """Writes attachments into a scratch folder, under numbers; names stay data."""

    def __init__(self, scratch: Path) -> None:
        self._folder = scratch / "attachments"
        self._taken: set[str] = set()
        self.found: list[Attachment] = []

    def add(self, name: str, data: bytes | Iterable[bytes]) -> Attachment:
        """Write one attachment.

        Args:
            name: safe, parts separated by `/`; if it is taken, a number is added to it.
            data: its bytes, whole or in pieces.
        """
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{len(self.found)}"
        with path.open("wb") as file:
            for piece in [data] if isinstance(data, bytes) else data:
                file.write(piece)
        attachment = Attachment(self._unique(name), path)
        self.found.append(attachment)
        return attachment

    def _unique(self, name: str) -> str:
        unique, number = name, 1
        while unique in self._taken:
            number += 1
            path = PurePosixPath(name)
            unique = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
        self._taken.add(unique)
        return unique


def safe_name(name: str, instead: str) -> str:
    """Return the last part of `name` without characters that no file name has.

    Args:
        name: as somebody else wrote it.
        instead: what is returned if nothing of it is left.
    """
    last = clean(name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    last = " ".join(last.translate(_RESERVED).split()).strip()
    if last in {"", ".", ".."}:
        return instead
    path = PurePosixPath(last)
    return last if len(last) <= _MAX_NAME else path.stem[:_MAX_NAME] + path.suffix[:20]
