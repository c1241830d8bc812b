"""Documents in the index."""

import io
from collections.abc import Callable

import pytest
from town import HARBOUR, TOWER
from working import make_worker

from assistant.answering import Answerer
from assistant.models import ChatModels
from assistant.settings import AssistantSettings
from ingest.index.index import Index
from ingest.index.tables import Record


@pytest.fixture
def add(index: Index) -> Callable[..., Record]:
    """Return a function (name, text, collection="default") that indexes a document."""
    worker = make_worker(index, chunk_tokens=64)

    def added(name: str, text: str, collection: str = "default") -> Record:
        record, _ = index.add_file(io.BytesIO(text.encode()), name, collection)
        worker.drain()
        found = index.catalogue.get(record.id)
        assert found is not None
        assert found.version is not None, found.error
        return found

    return added


@pytest.fixture
def town(add: Callable[..., Record]) -> None:
    """The town's documents are in the index."""
    add("tower.txt", TOWER)
    add("harbour.txt", HARBOUR)


@pytest.fixture
def answerer(index: Index) -> Answerer:
    """Answers from the index with default settings."""
    settings = AssistantSettings(data_dir=index.settings.data_dir)
    return Answerer(index, ChatModels(settings), settings)
