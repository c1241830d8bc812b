"""`assistant serve`: puts the whole program together and runs it.

The only module that knows both rooms: where the store is embedded, the process that
serves the page is the one that indexes.
"""

import inspect
import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assistant.settings import AssistantSettings
from ingest.index.errors import FootnoteError, InputError
from ingest.index.index import Index
from ingest.index.memory import settle_memory
from ingest.index.priority import step_back
from ingest.index.settings import read_settings
from ingest.pipeline import Pipeline
from ingest.settings import IngestSettings
from ingest.walking import named_files
from ingest.worker import Worker

if TYPE_CHECKING:
    from assistant.services import Services

log = logging.getLogger(__name__)

EXAMPLES_COLLECTION = "examples"

_EXAMPLES_FACT = "examples"

_OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "LANGSMITH_TRACING": "false",
}
"""What keeps the libraries from calling home."""


def serve(settings: AssistantSettings, examples: Path | None = None) -> None:
    """Serve the page until stopped.

    Args:
        examples: files or a folder to add where the data folder is new.

    Raises:
        FootnoteError: the address is taken, or the data folder cannot be used.
    """
    os.environ.update(_OFFLINE)
    from assistant.services import Services

    listener = _listen(settings.host, settings.port)
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    url = f"http://{host}:{settings.port}"
    with closing(listener), closing(Index(settings)) as index:
        index.own("assistant serve", url)
        add = None if examples is None else partial(_add_examples, index, examples)
        if add is not None:
            # Whoever removes them, has removed them until they ask for them.
            if index.catalogue.fact(_EXAMPLES_FACT) is None and not index.catalogue.totals():
                add()
            index.catalogue.settle_fact(_EXAMPLES_FACT, "offered")
        _run_page(Services(settings, index, add), listener, url)


def _add_examples(index: Index, examples: Path) -> None:
    for path, name in named_files([examples]):
        with path.open("rb") as stream:
            index.add_file(stream, name, EXAMPLES_COLLECTION)


def _run_page(services: "Services", listener: socket.socket, url: str) -> None:
    os.environ.setdefault("GRADIO_TEMP_DIR", str(services.settings.data_dir / "uploads"))
    with _no_stub_files():
        from assistant.app import PageServer, create_app
    server = PageServer(create_app(services))
    stop = threading.Event()

    def background() -> None:
        # Importing torch holds the interpreter for seconds; the page is served first.
        while not (server.started or stop.wait(0.05)):
            pass
        print(f"Footnote is at {url}  (stop with Ctrl-C)", flush=True)  # noqa: T201
        _load_and_work(services, stop)

    thread = threading.Thread(target=background, name="worker", daemon=True)
    thread.start()
    try:
        server.run(sockets=[listener])
    finally:
        # A document at hand is let go; the next start takes it up again.
        stop.set()
        thread.join(timeout=10)
        services.close()


def _load_and_work(services: "Services", stop: threading.Event) -> None:
    """Load the model, open the store and, unless workers do it elsewhere, index."""
    index = services.index
    step_back()
    try:
        index.embedder.load()
        _ = index.store
        if index.outgrown:
            log.warning("%s", index.outgrown)
    except FootnoteError as error:
        log.warning("%s", error)
    services.models.prepare()
    settle_memory()
    if services.settings.workers:
        Worker(index, Pipeline(index, read_settings(IngestSettings))).run(stop)


@contextmanager
def _no_stub_files() -> Iterator[None]:
    """Keep Gradio from rewriting its own type stubs, a second of every import of it.

    It does without them where `inspect.getfile` finds no file for a component's class.
    """
    original = inspect.getfile

    def getfile(object: Any) -> str:
        if isinstance(object, type) and object.__module__.startswith("gradio."):
            raise OSError
        return original(object)

    inspect.getfile = getfile
    try:
        yield
    finally:
        inspect.getfile = original


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InputError(
            f"The page cannot listen at {host}:{port} ({error.strerror}).",
            "Stop what listens there, or choose another FOOTNOTE_PORT.",
        ) from error
    return listener
