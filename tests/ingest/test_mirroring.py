"""A collection equal to a folder: what each change of the folder makes of it."""

import os
import time
from io import BytesIO
from pathlib import Path

import pytest
from working import make_worker

import ingest.mirroring
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.tables import Record, State
from ingest.mirroring import Event, Mirror, owned_folder
from ingest.settings import IngestSettings

REST = 0.1
HARE, TORTOISE = "The hare ran over the field.", "The tortoise walked on."


@pytest.fixture(autouse=True)
def _short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.mirroring, "REST_SECONDS", REST)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fables"
    (folder / "old").mkdir(parents=True)
    (folder / "hare.txt").write_text(HARE)
    (folder / "old" / "tortoise.txt").write_text(TORTOISE)
    return folder


class Follower:
    """A mirror whose events are collected, and a worker beside it."""

    def __init__(self, index: Index, folder: Path, settings: IngestSettings) -> None:
        self.index = index
        self.events: list[Event] = []
        self.worker = make_worker(index)
        self.mirror = Mirror(index, folder, "fables", settings, self.events.append)

    def look(self) -> list[Event]:
        """Compare twice, with a rest between, as often as is asked for; return what happened."""
        self.events.clear()
        self.mirror.compare()
        time.sleep(REST)
        self.mirror.compare()
        return list(self.events)

    def work(self) -> None:
        self.worker.drain()

    def settle(self) -> list[Event]:
        """Compare and work until nothing is left to do."""
        events = self.look()
        self.work()
        events += self.look()
        self.work()
        assert self.look() == []
        assert not self.mirror.compare()
        return events

    @property
    def records(self) -> dict[str, Record]:
        return {record.name: record for record in self.index.catalogue.documents("fables")}


@pytest.fixture
def follower(index: Index, folder: Path, settings: IngestSettings) -> Follower:
    """A mirror of the folder whose documents are ready."""
    follower = Follower(index, folder, settings)
    events = follower.settle()
    assert events == [Event("added", "hare.txt"), Event("added", "old/tortoise.txt")]
    assert {one.state for one in follower.records.values()} == {State.READY}
    return follower


def test_added_changed_and_removed_files_are_followed(follower: Follower, folder: Path) -> None:
    before = follower.records["hare.txt"]
    (folder / "fox.txt").write_text("The fox wanted grapes.")
    (folder / "hare.txt").write_text("The hare slept.")
    (folder / "old" / "tortoise.txt").unlink()
    assert follower.settle() == [
        Event("added", "fox.txt"),
        Event("changed", "hare.txt"),
        Event("removed", "old/tortoise.txt"),
    ]
    assert set(follower.records) == {"fox.txt", "hare.txt"}
    assert follower.records["hare.txt"].id == before.id
    assert follower.records["hare.txt"].sha256 != before.sha256


def test_the_same_size_and_other_content_is_a_change(follower: Follower, folder: Path) -> None:
    path = folder / "hare.txt"
    times = path.stat()
    path.write_text(HARE.replace("hare", "hart"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert follower.settle() == [Event("changed", "hare.txt")]


def test_a_touched_file_is_no_change(follower: Follower, folder: Path) -> None:
    os.utime(folder / "hare.txt")
    assert follower.settle() == []


def test_a_start_reads_and_changes_nothing_that_is_as_it_was(
    follower: Follower, folder: Path, settings: IngestSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Index, "add_file", None)  # nobody may call it
    again = Follower(follower.index, folder, settings)
    assert again.settle() == []


def test_a_renamed_file_is_searched_all_the_time_and_keeps_its_vectors(
    follower: Follower, folder: Path
) -> None:
    old = follower.records["hare.txt"]
    (folder / "hare.txt").rename(folder / "old" / "rabbit.txt")
    assert follower.look() == [Event("renamed", "old/rabbit.txt", "hare.txt")]
    # It may take the worker as long as it wants.
    assert follower.look() == []
    catalogue = follower.index.catalogue
    assert old.id in catalogue.versions([old.id])
    follower.work()
    new = follower.records["old/rabbit.txt"]
    assert (new.state, new.embedded, new.chunks) == (State.READY, 0, 1)
    assert catalogue.versions([old.id, new.id]).keys() == {new.id}
    assert follower.settle() == []


def test_a_renamed_folder_is_followed_as_well(follower: Follower, folder: Path) -> None:
    (folder / "old").rename(folder / "ancient")
    events = follower.settle()
    assert events == [Event("renamed", "ancient/tortoise.txt", "old/tortoise.txt")]
    assert set(follower.records) == {"ancient/tortoise.txt", "hare.txt"}


def test_a_file_renamed_over_another_takes_its_place(follower: Follower, folder: Path) -> None:
    (folder / "hare.txt").rename(folder / "old" / "tortoise.txt")
    assert follower.settle() == [Event("renamed", "old/tortoise.txt", "hare.txt")]
    [record] = follower.records.values()
    assert (record.name, record.embedded) == ("old/tortoise.txt", 0)


def test_a_file_renamed_twice_before_it_is_worked_on_is_there_once(
    follower: Follower, folder: Path
) -> None:
    (folder / "hare.txt").rename(folder / "rabbit.txt")
    follower.look()
    (folder / "rabbit.txt").rename(folder / "coney.txt")
    follower.settle()
    assert set(follower.records) == {"coney.txt", "old/tortoise.txt"}
    assert follower.records["coney.txt"].embedded == 0


def test_files_that_swap_their_names_are_followed(follower: Follower, folder: Path) -> None:
    before = {name: record.sha256 for name, record in follower.records.items()}
    (folder / "hare.txt").rename(folder / "x")
    (folder / "old" / "tortoise.txt").rename(folder / "hare.txt")
    (folder / "x").rename(folder / "old" / "tortoise.txt")
    follower.settle()
    after = {name: record.sha256 for name, record in follower.records.items()}
    assert after == {
        "hare.txt": before["old/tortoise.txt"],
        "old/tortoise.txt": before["hare.txt"],
    }


def test_a_copy_is_kept_once_until_the_first_one_goes(follower: Follower, folder: Path) -> None:
    (folder / "twin.txt").write_text(HARE)
    assert follower.settle() == [Event("duplicate", "twin.txt", "hare.txt")]
    assert set(follower.records) == {"hare.txt", "old/tortoise.txt"}
    (folder / "hare.txt").unlink()
    assert follower.settle() == [Event("renamed", "twin.txt", "hare.txt")]
    assert set(follower.records) == {"twin.txt", "old/tortoise.txt"}


def test_a_copy_becomes_a_document_when_the_first_one_changes(
    follower: Follower, folder: Path
) -> None:
    (folder / "twin.txt").write_text(HARE)
    follower.settle()
    (folder / "hare.txt").write_text("Another hare.")
    follower.settle()
    assert set(follower.records) == {"hare.txt", "old/tortoise.txt", "twin.txt"}


def test_a_file_that_is_being_written_is_not_read(follower: Follower, folder: Path) -> None:
    with (folder / "long.txt").open("w") as file:
        for part in range(8):
            file.write(f"Part {part}. ")
            file.flush()
            follower.mirror.compare()
            time.sleep(REST / 2)
        assert "long.txt" not in follower.records
    follower.settle()
    assert follower.records["long.txt"].size == 8 * len("Part 0. ")


def test_a_file_that_is_missing_for_a_moment_stays(follower: Follower, folder: Path) -> None:
    follower.events.clear()
    (folder / "hare.txt").rename(folder / ".hidden")
    follower.mirror.compare()
    (folder / ".hidden").rename(folder / "hare.txt")
    time.sleep(REST)
    follower.mirror.compare()
    assert follower.events == []


def test_a_folder_that_is_gone_takes_nothing_with_it(follower: Follower, folder: Path) -> None:
    folder.rename(folder.with_name("away"))
    [event] = follower.look()
    assert event.what == "waiting"
    assert event.detail.startswith(f"{folder} is gone; its documents stay")
    assert follower.look() == []  # it is said once
    assert len(follower.records) == 2
    folder.with_name("away").rename(folder)
    assert follower.settle() == []


def test_an_empty_folder_in_its_place_takes_nothing_with_it(
    follower: Follower, folder: Path, settings: IngestSettings
) -> None:
    folder.rename(folder.with_name("away"))
    folder.mkdir()  # as where a disk is not mounted
    [event] = follower.look()
    assert event.detail == f"{folder} is empty; its 2 documents stay until it is not."
    again = Follower(follower.index, folder, settings)
    assert [event.what for event in again.look()] == ["waiting"]
    assert len(follower.records) == 2


def test_a_folder_that_was_emptied_empties_its_collection(follower: Follower, folder: Path) -> None:
    (folder / "hare.txt").unlink()
    (folder / "old" / "tortoise.txt").unlink()
    assert [event.what for event in follower.settle()] == ["removed", "removed"]
    assert follower.records == {}


def test_what_cannot_be_looked_at_stays(
    follower: Follower, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("old"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert follower.settle() == []
    (folder / "hare.txt").unlink()
    assert follower.settle() == [Event("removed", "hare.txt")]
    assert set(follower.records) == {"old/tortoise.txt"}


def test_a_file_that_cannot_be_taken_is_told_of_once(
    follower: Follower, folder: Path, settings: IngestSettings
) -> None:
    settings.max_file_mb = 1
    (folder / "large.txt").write_bytes(b"x" * (2 << 20))
    [event] = follower.look()
    assert (event.what, event.name) == ("refused", "large.txt")
    assert event.detail.startswith("The file has 2 MB, more than the 1 MB")
    assert follower.look() == []
    (folder / "large.txt").write_text("It is small now.")
    assert follower.look() == [Event("added", "large.txt")]


def test_what_was_put_there_otherwise_goes_and_what_was_removed_comes_back(
    follower: Follower,
) -> None:
    follower.index.add_file(BytesIO(b"A stranger."), "stranger.txt", "fables")
    follower.index.catalogue.remove(follower.records["hare.txt"].id)
    events = follower.settle()
    assert events == [Event("added", "hare.txt"), Event("removed", "stranger.txt")]


def test_attachments_are_left_to_what_they_came_in(follower: Follower) -> None:
    parent = follower.records["hare.txt"].id
    follower.index.add_file(BytesIO(b"A note."), "hare.txt/note.txt", "fables", parent)
    assert follower.settle() == []
    assert "hare.txt/note.txt" in follower.records


def test_a_folder_has_a_collection_of_its_name_that_nobody_else_has(
    index: Index, folder: Path, tmp_path: Path
) -> None:
    assert owned_folder(index, folder, None) == (folder, "fables")
    assert owned_folder(index, folder, "tales") == (folder, "tales")
    index.add_file(BytesIO(b"A note."), "note.txt", "fables")
    assert owned_folder(index, folder, None) == (folder, "fables")
    other = tmp_path / "other" / "fables"
    other.mkdir(parents=True)
    for given, collection, said in (
        (other, None, f"The collection fables belongs to the folder {folder}."),
        (tmp_path, "all", "The data folder .* lies in"),
        (folder / "none", None, "There is no folder"),
        (folder / "hare.txt", None, "There is no folder"),
        (folder, "x" * 401, "name takes 1 to 400"),
    ):
        with pytest.raises(InputError, match=said):
            owned_folder(index, given, collection)
