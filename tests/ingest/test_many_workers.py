"""Many workers share one queue: each document is worked on by one, and the dead are replaced.

Runs where FOOTNOTE_TEST_DATABASE_URL names a PostgreSQL database of the tests' own.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from io import BytesIO
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ingest.index.embedding import Embedder
from ingest.index.index import Index
from ingest.index.tables import State, metadata
from ingest.settings import IngestSettings

pytestmark = pytest.mark.slow

DATABASE = os.environ.get("FOOTNOTE_TEST_DATABASE_URL", "")
DOCUMENTS, WORKERS, KILLED = 500, 4, 2

STORE = """
import sys
from multiprocessing.managers import BaseManager
from pathlib import Path
from ingest.index.edge_store import EdgeStore

class Shared(EdgeStore):
    def texts(self, *arguments):
        return list(super().texts(*arguments))

class Stores(BaseManager):
    pass

store = Shared(Path(sys.argv[2]), int(sys.argv[3]))
Stores.register("store", lambda: store)
server = Stores(address=sys.argv[1], authkey=b"tests").get_server()
print("serving", flush=True)
server.serve_forever()
"""
"""Keeps a store that other processes share, as a Qdrant server does."""

WORKER = """
import sys
from multiprocessing.managers import BaseManager

import ingest.index.index
import ingest.worker
from ingest.__main__ import app
from ingest.queue import Queue

class Stores(BaseManager):
    pass

Stores.register("store")
stores = Stores(address=sys.argv[1], authkey=b"tests")
stores.connect()
ingest.index.index.open_store = lambda settings, dimension, number: stores.store()
ingest.worker.LEASE = 4.0
finish = Queue.finish

def tell(self, done, generation):
    finished = finish(self, done, generation)
    with open(sys.argv[2], "a") as log:
        log.writelines(f"{key}\\n" for key in finished)
    return finished

Queue.finish = tell
app(["worker"])
"""


@pytest.fixture
def database() -> str:
    """The address of an empty database."""
    engine = sa.create_engine(DATABASE)
    metadata.drop_all(engine)
    engine.dispose()
    return DATABASE


@pytest.fixture
def store(tmp_path: Path, embedder: Embedder) -> Iterator[Any]:
    """A store that other processes reach at `tmp_path / "store"`."""
    address = str(tmp_path / "store")
    dimension = str(embedder.fingerprint.dimension)
    serving = subprocess.Popen(
        [sys.executable, "-c", STORE, address, str(tmp_path / "edge"), dimension],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert serving.stdout is not None
    assert serving.stdout.readline() == "serving\n"

    class Stores(BaseManager):
        store: Any

    Stores.register("store")
    stores = Stores(address=address, authkey=b"tests")
    stores.connect()
    yield stores.store()
    serving.kill()
    serving.communicate()


@pytest.mark.skipif(not DATABASE, reason="no PostgreSQL; .ci/run starts one")
@pytest.mark.timeout(300)
def test_each_document_is_finished_once_though_workers_are_killed(
    database: str, store: Any, tmp_path: Path
) -> None:
    settings = IngestSettings(
        data_dir=tmp_path / "data",
        database_url=database,
        # Not called: the workers have the store above in its place.
        qdrant_url="http://127.0.0.1:9",
        _env_file=None,
    )
    log = tmp_path / "finished"
    log.touch()
    environment = {
        **os.environ,
        "FOOTNOTE_DATA_DIR": str(settings.data_dir),
        "FOOTNOTE_DATABASE_URL": database,
        "FOOTNOTE_QDRANT_URL": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-c", WORKER, str(tmp_path / "store"), str(log)]
    with closing(Index(settings)) as index:
        for number in range(DOCUMENTS):
            text = f"Letter {number} tells of hare number {number * number} in the field."
            index.add_file(BytesIO(text.encode()), f"{number}.txt", "letters")
        workers = [
            subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            for _ in range(WORKERS)
        ]
        try:
            for number, victim in enumerate(workers[:KILLED], 1):
                while len(log.read_text().split()) < number * DOCUMENTS // 10:
                    time.sleep(0.02)
                victim.send_signal(signal.SIGKILL)
            while index.catalogue.unfinished():
                assert all(worker.poll() is None for worker in workers[KILLED:])
                time.sleep(0.2)
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        finished = Counter(log.read_text().split())
        records = index.catalogue.documents()
        assert {record.state for record in records} == {State.READY}
        assert len(records) == DOCUMENTS
        assert set(finished.values()) == {1}
        # Who is killed may have finished some documents and not written it down.
        assert len(finished) > DOCUMENTS * 0.9
        assert store.editions() == {(record.id, record.sha256): 1 for record in records}
