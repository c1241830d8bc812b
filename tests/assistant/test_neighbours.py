"""The map by neighbours: drawn beside everything else, kept, and absent where its extra is."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from serving import until
from stand_in import install_umap

from assistant.ui.neighbours import KEPT, Neighbours
from assistant.ui.neighbours_child import embedded, scaled
from assistant.ui.projection import Projection, project
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.tables import Record

Add = Callable[..., Record]

SHIPS = "The ship left the harbour.\n\nThe crew of the ship loaded the cargo.\n\n" * 40
BREAD = "Knead the dough for bread.\n\nBake the bread in the oven with flour.\n\n" * 40

StandIn = Callable[[str], None]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """Return a function that installs another `umap`, which does `body` first."""
    return lambda body: install_umap(monkeypatch, tmp_path / "packages", body)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "maps"


@pytest.fixture
def drawn(index: Index, add: Add) -> Projection:
    add("bread.md", BREAD)
    add("ships.md", SHIPS)
    found = project(index, None)
    assert len(found.chunk_ids) > 15
    return found


@pytest.fixture
def neighbours(index: Index, folder: Path) -> Iterator[Neighbours]:
    with closing(Neighbours(index, folder)) as made:
        yield made


def wait(neighbours: Neighbours, drawn: Projection) -> npt.NDArray[np.int16]:
    def arrived() -> tuple[npt.NDArray[np.int16]] | None:
        found = neighbours.places(drawn)
        return None if isinstance(found, float) else (found,)

    return until(arrived, 60)[0]


def test_without_the_extra_it_is_not_offered(
    neighbours: Neighbours, drawn: Projection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    assert not neighbours.offered(drawn)
    with pytest.raises(InputError, match=r"pip install 'footnote-assistant\[umap\]'"):
        neighbours.places(drawn)


def test_too_few_passages_have_no_neighbours(
    neighbours: Neighbours, index: Index, add: Add, stand_in: StandIn
) -> None:
    stand_in("pass")
    add("one.md", "One passage.")
    assert not neighbours.offered(project(index, None))


def test_it_is_drawn_beside_and_kept(
    neighbours: Neighbours, drawn: Projection, stand_in: StandIn, index: Index, folder: Path
) -> None:
    stand_in("time.sleep(1)")
    began = time.monotonic()
    first = neighbours.places(drawn)
    assert isinstance(first, float)
    assert time.monotonic() - began < 0.5
    places = wait(neighbours, drawn)
    assert places.shape == (len(drawn.chunk_ids), 2)
    vectors = index.store.vectors(drawn.chunk_ids)
    stacked = np.stack([vectors[one] for one in drawn.chunk_ids]).astype(np.float16)
    unit = stacked.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    assert np.abs(places - scaled(unit[:, :2]).astype(int)).max() <= 1
    assert [path.suffix for path in folder.iterdir()] == [".npy"]
    stand_in("raise RuntimeError('not again')")
    assert np.array_equal(wait(Neighbours(index, folder), drawn), places)


def test_a_change_of_the_documents_needs_a_new_one(
    neighbours: Neighbours, drawn: Projection, stand_in: StandIn, index: Index, add: Add
) -> None:
    stand_in("pass")
    wait(neighbours, drawn)
    add("more.md", "Something else.")
    assert isinstance(neighbours.places(project(index, None)), float)


def test_a_failure_is_told_and_can_be_tried_again(
    neighbours: Neighbours, drawn: Projection, stand_in: StandIn
) -> None:
    stand_in("raise MemoryError('no room for it')")
    with pytest.raises(InputError, match="failed: MemoryError: no room for it"):
        wait(neighbours, drawn)
    stand_in("pass")
    assert len(wait(neighbours, drawn)) == len(drawn.chunk_ids)


def test_the_end_of_the_program_ends_it(
    neighbours: Neighbours, drawn: Projection, stand_in: StandIn
) -> None:
    stand_in("time.sleep(600)")
    neighbours.places(drawn)
    child = until(lambda: neighbours._child)
    neighbours.close()
    assert child.wait(5) != 0


def test_only_the_last_maps_stay_on_disk(
    neighbours: Neighbours, drawn: Projection, stand_in: StandIn, folder: Path
) -> None:
    stand_in("pass")
    folder.mkdir()
    for number in range(KEPT + 3):
        (folder / f"old{number}.npy").write_bytes(b"")
        os.utime(folder / f"old{number}.npy", (number, number))
    wait(neighbours, drawn)
    until(lambda: len(list(folder.glob("*.npy"))) == KEPT)
    assert not (folder / "old0.npy").exists()
    assert (folder / f"old{KEPT + 2}.npy").exists()


@pytest.mark.skipif(find_spec("umap") is None, reason="the extra `umap` is not installed")
@pytest.mark.timeout(300)
def test_neighbours_stand_together_in_the_real_one(drawn: Projection, index: Index) -> None:
    vectors = index.store.vectors(drawn.chunk_ids)
    stacked = np.stack([vectors[one] for one in drawn.chunk_ids])
    places = scaled(embedded(stacked)).astype(float)
    groups = [places[one.first : one.first + one.count] for one in drawn.parts]
    apart = float(np.linalg.norm(groups[0].mean(0) - groups[1].mean(0)))
    for group in groups:
        assert np.linalg.norm(group - group.mean(0), axis=1).mean() < apart
    assert np.array_equal(scaled(embedded(stacked)), places)
