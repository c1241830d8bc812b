"""`ingest watch` as people run it: as a command, beside a file system that changes."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

import ingest.mirroring
import ingest.watching
from ingest.index.index import Index
from ingest.index.tables import Record
from ingest.mirroring import Event, Mirror
from ingest.settings import IngestSettings
from ingest.watching import Watch

HARE = "The hare ran over the field."

OwnerProcess = Callable[..., subprocess.Popen[str]]


class Running:
    """`ingest watch --json` as a process."""

    def __init__(self, folder: Path, data_dir: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ingest", "watch", str(folder), "--json", *arguments],
            env={**os.environ, "FOOTNOTE_DATA_DIR": str(data_dir)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._killer = threading.Timer(90, self._process.kill)  # a line may never come
        self._killer.start()

    def next(self) -> tuple[str, str]:
        """Wait for something to happen; return what, and to which document."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate()
        event: dict[str, Any] = json.loads(line)
        return event["event"], event["name"]

    def end(self, number: int) -> tuple[int, str, str]:
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        """Wait for the command to end; return exit code and what was printed."""
        out, err = self._process.communicate(timeout=30)
        self._killer.cancel()
        return self._process.returncode, out, err

    def kill(self) -> None:
        self._killer.cancel()
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "fables"
    folder.mkdir()
    (folder / "hare.txt").write_text(HARE)
    return folder


def names(settings: IngestSettings) -> dict[str, str]:
    with closing(Index(settings)) as index:
        return {one.name: one.state.value for one in index.catalogue.documents("fables")}


@pytest.mark.slow
def test_the_command_follows_a_folder_until_it_is_stopped(
    folder: Path, settings: IngestSettings
) -> None:
    running = Running(folder, settings.data_dir)
    try:
        assert running.next() == ("added", "hare.txt")
        assert running.next() == ("ready", "hare.txt")
        (folder / "hare.txt").rename(folder / "rabbit.txt")
        (folder / "empty.txt").touch()
        assert running.next() == ("added", "empty.txt")
        assert running.next() == ("renamed", "rabbit.txt")
        assert {running.next(), running.next()} == {
            ("failed", "empty.txt"),
            ("ready", "rabbit.txt"),
        }
        (folder / "empty.txt").unlink()
        assert running.next() == ("removed", "empty.txt")
        code, out, err = running.end(signal.SIGINT)
    finally:
        running.kill()
    assert (code, out) == (0, "")
    assert err.startswith(f"Keeping the collection fables equal to {folder}. ")
    assert err.count("\n") == 1
    assert names(settings) == {"rabbit.txt": "ready"}


@pytest.mark.slow
def test_the_command_leaves_the_work_to_who_owns_the_index(
    folder: Path, settings: IngestSettings, owner_process: OwnerProcess
) -> None:
    settings.data_dir.mkdir()
    owner_process(settings.data_dir, "assistant serve")
    running = Running(folder, settings.data_dir)
    try:
        assert running.next() == ("added", "hare.txt")
        (folder / "fox.txt").write_text("The fox wanted grapes.")
        assert running.next() == ("added", "fox.txt")
        assert running.end(signal.SIGTERM)[:2] == (0, "")
    finally:
        running.kill()
    assert names(settings) == {"fox.txt": "queued", "hare.txt": "queued"}


def test_a_collection_that_is_somebody_else_s_is_refused(
    folder: Path, settings: IngestSettings
) -> None:
    with closing(Index(settings)) as index:
        index.add_file(BytesIO(b"A note."), "note.txt", "fables")
    running = Running(folder, settings.data_dir)
    code, out, err = running.wait()
    assert (code, out) == (2, "")
    assert err == (
        "The collection fables holds documents that were added otherwise. Choose another with "
        "--collection, or empty this one with `ingest remove --collection fables --all`.\n"
    )


# -- noticing ----------------------------------------------------------------------------------


@contextmanager
def watched(index: Index, folder: Path, settings: IngestSettings) -> "Iterator[Queue[Event]]":
    """Watch a folder on a thread, without a worker; yield what happens."""
    happened: Queue[Event] = Queue()
    stop = threading.Event()
    mirror = Mirror(index, folder, "fables", settings, happened.put)
    watch = Watch(
        mirror,
        index,
        settings,
        folder,
        on_ended=_no_record,
        on_trouble=lambda words: happened.put(Event("trouble", "", words)),
    )
    thread = threading.Thread(target=watch.run, args=(stop,))
    thread.start()
    try:
        yield happened
    finally:
        stop.set()
        thread.join(10)
    assert not thread.is_alive()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest.mirroring, "REST_SECONDS", 0.1)
    monkeypatch.setattr(ingest.watching, "_TICK_SECONDS", 0.1)


def test_changes_are_noticed_after_the_folder_was_away(
    index: Index, folder: Path, settings: IngestSettings
) -> None:
    with watched(index, folder, settings) as happened:
        assert happened.get(timeout=10) == Event("added", "hare.txt")
        folder.rename(folder.with_name("away"))
        assert happened.get(timeout=10).what == "waiting"
        folder.with_name("away").rename(folder)
        (folder / "fox.txt").write_text("The fox wanted grapes.")
        assert happened.get(timeout=10) == Event("added", "fox.txt")
        (folder / "deep" / "er").mkdir(parents=True)
        (folder / "deep" / "er" / "crow.txt").write_text("The crow had cheese.")
        assert happened.get(timeout=10) == Event("added", "deep/er/crow.txt")
        assert happened.empty()


def test_a_system_that_tells_of_nothing_is_asked_again_and_again(
    index: Index, folder: Path, settings: IngestSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError("No space left for another watch")

    monkeypatch.setattr(ingest.watching, "watch", refuse)
    monkeypatch.setattr(ingest.watching, "_BLIND_SECONDS", 0.2)
    with watched(index, folder, settings) as happened:
        trouble = happened.get(timeout=10)
        assert "does not tell of changes" in trouble.detail
        assert "No space left for another watch" in trouble.detail
        assert happened.get(timeout=10) == Event("added", "hare.txt")
        (folder / "fox.txt").write_text("The fox wanted grapes.")
        assert happened.get(timeout=10) == Event("added", "fox.txt")


def _no_record(record: Record) -> None:
    raise AssertionError(record)
