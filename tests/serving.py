"""The whole application on a port of this machine, for tests that call it from outside."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gradio.routes import App as GradioApp
from working import make_worker

from assistant.app import PageServer, create_app
from assistant.services import Services
from assistant.settings import AssistantSettings
from ingest.index.embedding import Embedder
from ingest.index.index import Index
from ingest.index.tables import Record, State

T = TypeVar("T")

_BUSY = {State.QUEUED, State.RUNNING}


@dataclass(frozen=True)
class Page:
    """A running application.

    Attributes:
        url: where it is, without a slash at its end.
        services: what it works with; `services.index` is the index that it owns.
        server: that answers; `server.pages` is Gradio's part of it.
    """

    url: str
    services: Services
    server: PageServer

    @property
    def index(self) -> Index:
        return self.services.index

    @property
    def gradio(self) -> GradioApp:
        return self.server.pages[0]

    def add(self, path: Path, collection: str = "default") -> Record:
        """Add a file past the page, and wait until it is ready or failed."""
        with path.open("rb") as stream:
            record, _ = self.index.add_file(stream, path.name, collection)
        return self.wait(record.id)

    def wait(self, document_id: str) -> Record:
        """Return a document once it is ready or failed."""

        def found() -> Record | None:
            record = self.index.catalogue.get(document_id)
            return record if record is not None and record.state not in _BUSY else None

        return until(found)

    def clear(self) -> None:
        """Remove every document."""
        catalogue = self.index.catalogue
        for record in catalogue.documents():
            catalogue.remove(record.id)
        until(lambda: not catalogue.documents() and not catalogue.passages())


def until(look: Callable[[], T | None], seconds: float = 20.0) -> T:
    """Return the first true value of `look`, called again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds} s in vain")


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


async def _server(services: Services) -> PageServer:
    # Outside a running loop, Gradio opens loops of its own and never closes them.
    return PageServer(create_app(services))


@contextmanager
def served(settings: AssistantSettings, embedder: Embedder) -> Iterator[Page]:
    """Run the application as `assistant serve` does, in threads of this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        closing(listener),
        closing(Index(settings)) as index,
        closing(Services(settings, index)) as services,
    ):
        index.embedder = embedder
        index.own("assistant serve", url)
        server = asyncio.run(_server(services))
        stop = threading.Event()
        worker = make_worker(index, chunk_tokens=64)
        threads = [
            threading.Thread(target=server.run, args=([listener],), name="page"),
            threading.Thread(target=worker.run, args=(stop, 0.05), name="worker"),
        ]
        for thread in threads:
            thread.start()
        try:
            until(lambda: server.started)
            yield Page(url, services, server)
        finally:
            stop.set()
            server.should_exit = True
            for thread in threads:
                thread.join(timeout=20)
            assert not any(thread.is_alive() for thread in threads)
