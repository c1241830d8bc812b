"""Documents in the index."""

import io
from collections.abc import Callable

import pytest
from working import make_worker

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
