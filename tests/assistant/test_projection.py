"""The map's picture: what is alike stands together, and a question finds its place in it."""

from collections.abc import Callable

import numpy as np
import pytest

from assistant.ui import projection
from assistant.ui.projection import project
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.tables import Record

Add = Callable[..., Record]

SHIPS = (
    "The ship left the harbour.\n\nThe crew of the ship loaded the cargo at the harbour.\n\n" * 8
)
BREAD = "Knead the dough for bread.\n\nBake the bread in the oven with flour and yeast.\n\n" * 8


def test_alike_passages_stand_together(index: Index, add: Add) -> None:
    add("bread.md", BREAD)
    add("ships.md", SHIPS)
    drawn = project(index, None)
    assert [part.name for part in drawn.parts] == ["bread.md", "ships.md"]
    assert len(drawn.chunk_ids) == len(drawn.places) == index.catalogue.passages()
    groups = [drawn.places[one.first : one.first + one.count].mean(0) for one in drawn.parts]
    apart = float(np.linalg.norm(groups[0] - groups[1]))
    for group, part in zip(groups, drawn.parts, strict=True):
        own = drawn.places[part.first : part.first + part.count]
        assert np.linalg.norm(own - group, axis=1).max() < apart / 2
    question = drawn.place(index.embedder.embed_question("How is bread baked?"))
    distances = [np.linalg.norm(np.array(question) - group) for group in groups]
    assert distances[0] < distances[1]


def test_the_points_are_the_passages(index: Index, add: Add) -> None:
    add("bread.md", BREAD)
    drawn = project(index, None)
    vectors = index.store.vectors(drawn.chunk_ids)
    for chunk_id, place in zip(drawn.chunk_ids, drawn.places, strict=True):
        assert np.abs(np.array(drawn.place(vectors[chunk_id])) - place).max() < 200


def test_one_collection_alone(index: Index, add: Add) -> None:
    add("bread.md", BREAD, "kitchen")
    add("ships.md", SHIPS, "coast")
    assert [part.name for part in project(index, "coast").parts] == ["ships.md"]


def test_no_documents_and_one_passage(index: Index, add: Add) -> None:
    assert project(index, None).places.shape == (0, 2)
    add("one.md", "One passage.")
    assert project(index, None).places.shape == (1, 2)


def test_too_many_are_told(index: Index, add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    add("bread.md", BREAD)
    monkeypatch.setattr(projection, "MOST_POINTS", 1)
    with pytest.raises(InputError, match="The map holds 1 passages at most"):
        project(index, None)
