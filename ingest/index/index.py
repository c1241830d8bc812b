"""The index: catalogue, files, embedder and store of one data folder, opened together."""

import threading
from collections.abc import Container
from functools import cached_property, lru_cache
from pathlib import Path
from typing import BinaryIO

from ingest.index.catalogue import Catalogue, Outcome
from ingest.index.collections import Collections
from ingest.index.database import Database, sqlite_url
from ingest.index.documents import Document
from ingest.index.embedding import Embedder, Fingerprint
from ingest.index.errors import DataFolderError, InputError
from ingest.index.files import Files
from ingest.index.ownership import Ownership
from ingest.index.settings import IndexSettings
from ingest.index.store import Store, open_store
from ingest.index.tables import Record, metadata

_EMBEDDER_FACT = "embedder"

MAX_NAME = 400
"""Most characters in a document's or a collection's name."""

_TEXTS_KEPT = 16


class Index:
    """What is stored, and the ways to it.

    Catalogue and files open at once and from any number of processes. The store opens on
    first use, and so does the embedding model; with an embedded store, `own` comes first.

    Args:
        settings: which folder, store, database and model.

    Raises:
        DataFolderError: the folder or the catalogue cannot be opened.
    """

    def __init__(self, settings: IndexSettings) -> None:
        self.settings = settings
        data_dir = settings.data_dir
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
            (data_dir / "owner.lock").touch()
        except OSError as error:
            raise DataFolderError(
                f"The data folder {data_dir} cannot be written ({error.strerror}).",
                "Correct its permissions, or name another with FOOTNOTE_DATA_DIR.",
            ) from error
        self.database = Database(settings.database_url or sqlite_url(data_dir), metadata)
        self.catalogue = Catalogue(self.database)
        self.collections = Collections(self.database)
        self.files = Files(settings.files_url or str(data_dir / "files"))
        self.ownership = Ownership(data_dir)
        self._opening = threading.Lock()
        self._store: Store | None = None
        # A version's text never changes, so it can be kept for as long as there is room.
        self._text = lru_cache(maxsize=_TEXTS_KEPT)(self.files.document)

    @property
    def embedded(self) -> bool:
        """Whether the store lives in this process, so that one process at a time has it."""
        return self.settings.qdrant_url is None

    def own(self, command: str, url: str | None = None) -> None:
        """Claim the store for this process, where a store has one owner.

        Raises:
            IndexInUseError: another process has it.
        """
        if self.embedded:
            self.ownership.take(command, url)

    @cached_property
    def embedder(self) -> Embedder:
        """The embedding model of the settings; not loaded yet."""
        settings = self.settings
        return Embedder(settings.embedding_model, settings.embedding_precision, self._recorded())

    @property
    def store(self) -> Store:
        """The store, opened on first use, from any thread.

        A new index needs the embedding model for that, to learn the vectors' dimension.

        Raises:
            EmbedderError: the model cannot be loaded.
            StoreError: the store cannot be opened.
        """
        with self._opening:
            if self._store is None:
                recorded = self._recorded()
                fingerprint = recorded or self.embedder.fingerprint
                store = open_store(self.settings, fingerprint.dimension)
                if recorded is None:
                    # Only now: a store that did not open must not bind the folder to a model.
                    self.catalogue.settle_fact(_EMBEDDER_FACT, fingerprint.to_json())
                self._store = store
            return self._store

    def add_file(
        self,
        stream: BinaryIO,
        name: str,
        collection: str,
        parent: str | None = None,
        leaving: Container[str] = (),
    ) -> tuple[Record, Outcome]:
        """Take a file in: keep its bytes and queue it. It is searchable once it is `ready`.

        Args:
            parent: id of the document that it came in.
            leaving: ids of documents that are about to be removed; see `Catalogue.add`.

        Raises:
            DataFolderError: its bytes cannot be kept.
            InputError: the name or the collection's name is empty or too long.
        """
        _require_name("document", name)
        _require_name("collection", collection)
        with self.files.receive(stream) as received:
            return self.catalogue.add(
                collection,
                name,
                received.sha256,
                received.size,
                parent=parent,
                keep=received.keep,
                leaving=leaving,
            )

    def give_to_folder(self, collection: str, folder: Path) -> None:
        """Make a collection belong to a folder; see `Collections.give_to_folder`.

        Raises:
            InputError: it is somebody else's, or its name is empty or too long.
        """
        _require_name("collection", collection)
        self.collections.give_to_folder(collection, str(folder))

    def move(self, document_id: str, collection: str) -> tuple[Record, Outcome]:
        """Move a document to a collection; see `Collections.move`.

        Raises:
            InputError: it cannot go there, or the collection's name is empty or too long.
        """
        _require_name("collection", collection)
        return self.collections.move(document_id, collection)

    @property
    def opened(self) -> bool:
        """Whether the store is open, so that a search starts at once."""
        return self._store is not None

    def document(self, document_id: str) -> Document | None:
        """Return the text of a document as searches know it, or None where there is none.

        The texts used last are kept in memory.
        """
        known = self.catalogue.versions([document_id]).get(document_id)
        return self._text(known[0]) if known is not None else None

    def close(self) -> None:
        """Let go of everything, in the order that loses nothing."""
        with self._opening:
            store, self._store = self._store, None
        if store is not None:
            store.close()
        self.ownership.release()
        self.database.close()

    def _recorded(self) -> Fingerprint | None:
        text = self.catalogue.fact(_EMBEDDER_FACT)
        return Fingerprint.from_json(text) if text is not None else None


def _require_name(what: str, value: str) -> None:
    if not value.strip() or len(value) > MAX_NAME or "\0" in value:
        raise InputError(
            f"A {what}'s name takes 1 to {MAX_NAME} characters.", "Choose another name."
        )
