"""Keeping a collection equal to a folder: what is compared, and what follows from it.

The content of a file decides whether it changed; its size and times only tell whether it has
to be read again. Nothing is believed at first sight: a file that was just written may be
written further, and a file that was just missing may have been missed while it was renamed.
So what is seen has to stay the same for a moment before it counts.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.adding import add_file
from ingest.index.catalogue import Outcome
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.tables import Record, State
from ingest.settings import IngestSettings
from ingest.walking import Listing, list_folder

REST_SECONDS = 1.0
"""How long a file has to stay as it is before it counts."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a document.

    Attributes:
        what: added, changed, renamed, removed, duplicate, refused; or waiting, for the folder.
        name: the document's.
        detail: its name before, or why it was refused, or the twin's name.
    """

    what: str
    name: str
    detail: str = ""


@dataclass(slots=True)
class _Seen:
    """A file as it was seen.

    Attributes:
        look: size and times; other ones mean that it may have changed.
        since: when it was first seen like this, on the monotonic clock.
        sha256: its content, once that is in the catalogue or is known to be there.
        refused: whether it cannot be taken in as it is.
    """

    look: tuple[int, int, int]
    since: float
    sha256: str | None = None
    refused: bool = False

    @property
    def rests(self) -> bool:
        return time.monotonic() - self.since >= REST_SECONDS


class Mirror:
    """A folder and the collection that is kept equal to it.

    Args:
        index: where the collection is; the work is only queued.
        folder: an absolute path.
        collection: of which the folder is the owner.
        settings: for the largest file that is taken.
        tell: called with each thing that happens.

    Attributes:
        queued: ids of the documents that were queued; whoever reads them may take them out.
    """

    def __init__(
        self,
        index: Index,
        folder: Path,
        collection: str,
        settings: IngestSettings,
        tell: Callable[[Event], None],
    ) -> None:
        self.queued: set[str] = set()
        self._index = index
        self._folder = folder
        self._collection = collection
        self._settings = settings
        self._tell = tell
        self._files: dict[str, _Seen] = {}
        self._missing: dict[str, float] = {}
        self._populated: tuple[int, int] | None = None
        self._told = ""

    def compare(self) -> bool:
        """Bring the collection in line with the folder, as far as both are at rest.

        Returns:
            Whether to compare again soon.

        Raises:
            DataFolderError: the catalogue or the files cannot be used.
        """
        records = {
            record.name: record
            for record in self._index.catalogue.documents(self._collection)
            if record.parent is None
        }
        if (listing := self._listing(len(records))) is None:
            return True
        moving = self._look(listing)
        leaving = self._leaving(listing, records)
        gone = {record.id: record for record in leaving}
        staying = {record.sha256 for record in records.values() if record.id not in gone}
        added = []
        for name, path in listing.files.items():
            seen = self._files.get(name)
            if seen is None or seen.refused or not seen.rests:
                continue
            record = records.get(name)
            if seen.sha256 is not None:
                # Where another name in the collection has the content, it is kept there.
                known = seen.sha256 in staying if record is None else seen.sha256 == record.sha256
            else:
                known = record is not None and self._has_content(seen, path, record)
            if not known and (new := self._add(seen, path, name, gone)) is not None:
                added.append(new)
        self._remove(gone, {*records.values(), *added})
        return moving or bool(added or self._missing)

    # -- looking ---------------------------------------------------------------------------

    def _listing(self, known: int) -> Listing | None:
        """Return what is in the folder, or None where that cannot be told."""
        before = self._identity()
        listing = list_folder(self._folder) if before is not None else None
        if listing is None or self._identity() != before:
            self._waiting(f"{self._folder} is gone; its documents stay, and it is waited for.")
            return None
        if listing.files:
            self._populated = before
        elif known and self._populated != before:
            # What is empty from the start may be a disk that is not mounted.
            self._waiting(f"{self._folder} is empty; its {known} documents stay until it is not.")
            return None
        self._told = ""
        return listing

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self._folder.stat()
        except OSError:
            return None
        return (status.st_dev, status.st_ino) if self._folder.is_dir() else None

    def _look(self, listing: Listing) -> bool:
        """Note how the files look now; return whether some are not at rest."""
        now = time.monotonic()
        for name in self._files.keys() - listing.files.keys():
            del self._files[name]
        moving = False
        for name, path in listing.files.items():
            try:
                status = path.stat()
            except OSError:
                moving = True
                continue
            look = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            seen = self._files.get(name)
            if seen is None or seen.look != look:
                seen = self._files[name] = _Seen(look, now)
            moving = moving or not seen.rests
        return moving

    def _leaving(self, listing: Listing, records: Mapping[str, Record]) -> list[Record]:
        """Return the documents whose files are gone for good."""
        now = time.monotonic()
        absent = {name for name in records if name not in listing.files and listing.tells_of(name)}
        self._missing = {name: self._missing.get(name, now) for name in absent}
        gone = [name for name, since in self._missing.items() if now - since >= REST_SECONDS]
        return [records[name] for name in gone]

    def _has_content(self, seen: _Seen, path: Path, record: Record) -> bool:
        """Whether a file that was not read yet holds what its document holds."""
        if record.size != seen.look[0]:
            return False
        try:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError:
            return False  # adding it says why
        seen.sha256 = digest
        return digest == record.sha256

    # -- changing --------------------------------------------------------------------------

    def _add(self, seen: _Seen, path: Path, name: str, gone: Mapping[str, Record]) -> Record | None:
        try:
            record, outcome = add_file(
                self._index, path, name, self._collection, self._settings, leaving=gone
            )
        except InputError as error:
            seen.refused = True
            self._tell(Event("refused", name, str(error)))
            return None
        seen.sha256 = record.sha256
        if outcome == Outcome.DUPLICATE:
            self._tell(Event("duplicate", name, record.name))
            return record
        self.queued.add(record.id)
        if record.replaces is not None and record.replaces in gone:
            self._tell(Event("renamed", name, gone[record.replaces].name))
        elif outcome != Outcome.UNCHANGED:
            self._tell(Event("changed" if outcome == Outcome.REPLACED else "added", name))
        return record

    def _remove(self, gone: Mapping[str, Record], records: set[Record]) -> None:
        """Remove what is gone, but for what goes by itself when its new name is ready."""
        replaced = {
            record.replaces
            for record in records
            if record.state != State.FAILED and record.id not in gone
        }
        for record in gone.values():
            if record.id not in replaced:
                self._index.catalogue.remove(record.id)
                self._tell(Event("removed", record.name))

    def _waiting(self, words: str) -> None:
        if self._told != words:
            self._told = words
            self._tell(Event("waiting", "", words))


def owned_folder(index: Index, folder: Path, collection: str | None) -> tuple[Path, str]:
    """Return a folder's full path and its collection, which belongs to it from now on.

    Args:
        collection: None for one that is called like the folder.

    Raises:
        InputError: there is no such folder, or the collection is somebody else's.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Check the path.")
    folder = folder.resolve()
    name = collection or folder.name
    if not name:
        raise InputError(f"{folder} has no name.", "Name a collection with --collection.")
    if index.settings.data_dir.resolve().is_relative_to(folder):
        raise InputError(
            f"The data folder {index.settings.data_dir} lies in {folder}.",
            "Watch another folder, or move the data folder with FOOTNOTE_DATA_DIR.",
        )
    index.give_to_folder(name, folder)
    return folder, name
