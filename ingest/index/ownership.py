"""Who owns a data folder: the embedded index has one process at a time."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ingest.index.errors import IndexInUseError


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that has the index open.

    Attributes:
        command: what it was started as, in words: `assistant serve`.
        url: where it takes calls, None if it takes none.
    """

    pid: int
    command: str
    url: str | None


class Ownership:
    """The lock on a data folder; the operating system drops it when its process ends."""

    def __init__(self, data_dir: Path) -> None:
        self._lock = FileLock(data_dir / "owner.lock", blocking=False)
        self._note = data_dir / "owner.json"

    def take(self, command: str, url: str | None = None) -> None:
        """Become the owner.

        Raises:
            IndexInUseError: another process is.
        """
        try:
            self._lock.acquire()
        except Timeout:
            owner = self._noted()
            who = f"`{owner.command}` (process {owner.pid})" if owner else "another process"
            where = f" at {owner.url}" if owner and owner.url else ""
            raise IndexInUseError(
                f"The data folder {self._note.parent} is in use by {who}{where}.",
                "Stop that process, wait until it is done, or choose another FOOTNOTE_DATA_DIR.",
            ) from None
        self._note.write_text(json.dumps(asdict(Owner(os.getpid(), command, url))))

    def current(self) -> Owner | None:
        """Return the owner, or None when nobody is."""
        try:
            self._lock.acquire()
        except Timeout:
            return self._noted()
        self._lock.release()
        return None

    def release(self) -> None:
        """Stop being the owner."""
        self._lock.release()

    def _noted(self) -> Owner | None:
        try:
            return Owner(**json.loads(self._note.read_text()))
        except (OSError, ValueError, TypeError):
            return None
