"""One process at a time has the embedded index, and whoever comes second learns who."""

import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from ingest.index.errors import IndexInUseError
from ingest.index.index import Index
from ingest.index.ownership import Owner, Ownership
from ingest.settings import IngestSettings

OwnerProcess = Callable[..., subprocess.Popen[str]]


def test_nobody_owns_a_new_folder(tmp_path: Path) -> None:
    assert Ownership(tmp_path).current() is None


def test_the_owner_is_known_until_it_lets_go(tmp_path: Path) -> None:
    mine, other = Ownership(tmp_path), Ownership(tmp_path)
    mine.take("assistant serve", "http://127.0.0.1:7860")
    assert other.current() == Owner(os.getpid(), "assistant serve", "http://127.0.0.1:7860")
    mine.release()
    assert other.current() is None
    other.take("ingest add")
    other.release()


def test_a_second_process_learns_who_has_it(tmp_path: Path, owner_process: OwnerProcess) -> None:
    owner = owner_process(tmp_path, "assistant serve", "http://127.0.0.1:7860")
    with pytest.raises(IndexInUseError) as refused:
        Ownership(tmp_path).take("ingest worker")
    who = f"`assistant serve` (process {owner.pid}) at http://127.0.0.1:7860"
    assert str(refused.value) == (
        f"The data folder {tmp_path} is in use by {who}. "
        "Stop that process, wait until it is done, or choose another FOOTNOTE_DATA_DIR."
    )


@pytest.mark.parametrize("note", ["", "{", "[]", '{"pid": 1}'])
def test_a_damaged_note_still_refuses(
    tmp_path: Path, owner_process: OwnerProcess, note: str
) -> None:
    owner_process(tmp_path, "assistant serve")
    (tmp_path / "owner.json").write_text(note)
    with pytest.raises(IndexInUseError, match="in use by another process"):
        Ownership(tmp_path).take("ingest worker")


def test_a_killed_owner_owns_nothing(tmp_path: Path, owner_process: OwnerProcess) -> None:
    owner = owner_process(tmp_path, "assistant serve")
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    mine = Ownership(tmp_path)
    assert mine.current() is None
    mine.take("ingest worker")
    mine.release()


def test_closing_an_index_gives_it_back(settings: IngestSettings) -> None:
    with closing(Index(settings)) as first, closing(Index(settings)) as second:
        first.own("first")
        with pytest.raises(IndexInUseError, match="`first`"):
            second.own("second")
        first.close()
        second.own("second")


def test_a_server_has_no_single_owner(
    settings: IngestSettings, owner_process: OwnerProcess
) -> None:
    shared = settings.model_copy(update={"qdrant_url": "http://127.0.0.1:9"})
    with closing(Index(shared)) as index:
        owner_process(settings.data_dir, "ingest worker")
        index.own("assistant serve")
