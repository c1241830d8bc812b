"""Documents in the index."""

import io
from collections.abc import Callable

import pytest

from ingest.index.catalogue import Record
from ingest.index.index import Index
from ingest.pipeline import Pipeline
from ingest.worker import Worker


@pytest.fixture
def add(index: Index) -> Callable[..., Record]:
    """Return a function (name, text, collection="default") that indexes a document."""
    worker = Worker(index, Pipeline(index, chunk_tokens=64))

    def added(name: str, text: str, collection: str = "default") -> Record:
        record, _ = index.add_file(io.BytesIO(text.encode()), name, collection)
        while worker.step():
            pass
        found = index.catalogue.get(record.id)
        assert found is not None
        assert found.version is not None, found.error
        return found

    return added
