"""The index: catalogue, files, embedder and store of one data folder, opened together."""

import threading
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import BinaryIO, TypeVar

from ingest.index.catalogue import Catalogue, Outcome
from ingest.index.collections import Collections
from ingest.index.database import Database, sqlite_url
from ingest.index.dates import whole_seconds
from ingest.index.documents import Document
from ingest.index.embedding import Embedder, Fingerprint, other_model
from ingest.index.errors import DataFolderError, InputError, StoreError
from ingest.index.files import Files
from ingest.index.generation import Generation
from ingest.index.ownership import Ownership
from ingest.index.rebuilds import EMBEDDER_FACT, GENERATION_FACT, Rebuild, Rebuilds
from ingest.index.settings import DEFAULT_MODEL, IndexSettings
from ingest.index.store import Store, open_store, remove_store
from ingest.index.tables import Record, metadata

R = TypeVar("R")

MAX_NAME = 400
"""Most characters in a document's or a collection's name."""

MOST_EMBEDDED = 250_000
"""Passages past which an embedded index is better off on a Qdrant server: the flat search of one
process takes longer with each, and was measured up to here (bench/search.py)."""

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
        self.rebuilds = Rebuilds(self.database)
        self.files = Files(settings.files_url or str(data_dir / "files"))
        self.ownership = Ownership(data_dir)
        self._changing = threading.Lock()
        self._following = threading.Lock()
        self._current: Generation | None = None
        self._ending: list[Generation] = []
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
            # The owner before may have switched since this process looked.
            self.follow()

    @property
    def outgrown(self) -> str:
        """What to say at the start where an embedded index is too large; empty where it is not."""
        if not self.embedded or (count := self.catalogue.passages()) <= MOST_EMBEDDED:
            return ""
        return (
            f"The index holds {count:,} passages. A Qdrant server searches more than "
            f"{MOST_EMBEDDED:,} faster than one process: `ingest transfer URL` copies it there."
        )

    @property
    def current(self) -> Generation:
        """The generation that this process works with; nothing of it is opened yet.

        Whoever needs more than one call of it takes it from `in_use` or `steadily`.
        """
        with self._changing:
            if self._current is None:
                number, recorded = self._recorded()
                known = recorded.model if recorded is not None else DEFAULT_MODEL
                settings = self.settings
                model = settings.embedding_model or known
                embedder = Embedder(model, settings.embedding_precision, recorded)
                self._current = Generation(number, embedder, partial(self._open, number))
            return self._current

    @property
    def generation_number(self) -> int:
        """The number of the generation that counts, by the catalogue."""
        return self._recorded()[0]

    @property
    def fingerprint(self) -> Fingerprint | None:
        """What the index was built with; None where nothing was written yet."""
        return self._recorded()[1]

    @property
    def embedder(self) -> Embedder:
        """The embedding model of the index; not loaded yet."""
        return self.current.embedder

    @embedder.setter
    def embedder(self, embedder: Embedder) -> None:
        """Work with a model that is loaded already; before the store is opened."""
        self.current.embedder = embedder

    @property
    def store(self) -> Store:
        """The store, opened on first use, from any thread.

        A new index needs the embedding model for that, to learn the vectors' dimension.

        Raises:
            EmbedderError: the model cannot be loaded.
            StoreError: the store cannot be opened.
        """
        return self.current.store

    @contextmanager
    def in_use(self) -> Iterator[Generation]:
        """Yield the generation that counts now; it stays open for the length of the block.

        Raises:
            FootnoteError: another process has switched to one that cannot be opened here.
        """
        if not self.embedded:
            self.follow()
        while not (current := self.current).enter():
            pass  # another took its place in this moment
        try:
            yield current
        finally:
            current.exit()

    def steadily(self, action: Callable[[Generation], R]) -> R:
        """Return what `action` returns for the generation that counts.

        Where another process removes that generation meanwhile, because it has switched to
        the next one, `action` is called again with that one.
        """
        while True:
            with self.in_use() as generation:
                try:
                    return action(generation)
                except StoreError:
                    if self.embedded or not self.follow():
                        raise

    def follow(self) -> bool:
        """Go over to the generation that the catalogue names; False where this one is it.

        Raises:
            FootnoteError: its model cannot be loaded, or its store cannot be opened.
        """
        if not self._is_behind():
            return False
        with self._following:
            number, recorded = self._recorded()
            if not self._is_behind() or recorded is None:
                return False  # another thread has gone over meanwhile
            embedder = Embedder(recorded.model, "auto", recorded)
            following = Generation(number, embedder, partial(self._open, number))
            embedder.load()
            _ = following.store
            self.go_over(following)
            return True

    def go_over(self, following: Generation) -> None:
        """Work with another generation from now on; what is under way ends on the one before."""
        with self._changing:
            before, self._current = self._current, following
            if before is not None:
                self._ending.append(before)
        if before is not None:
            before.leave()

    def begin(self, rebuild: Rebuild) -> Generation:
        """Return the generation that is to be built; nothing of it is opened yet."""
        embedder = Embedder(rebuild.model, rebuild.precision, rebuild.fingerprint)
        opening = partial(self._open, rebuild.number)
        return Generation(rebuild.number, embedder, opening)

    def remove(self, number: int) -> bool:
        """Remove the store of a generation that counts no longer; False while it is in use.

        Raises:
            StoreError: it cannot be removed.
        """
        with self._changing:
            self._ending = [one for one in self._ending if not one.ended]
            if any(one.number == number for one in self._ending):
                return False
        remove_store(self.settings, number)
        return True

    def add_file(
        self,
        stream: BinaryIO,
        name: str,
        collection: str,
        parent: str | None = None,
        *,
        leaving: Container[str] = (),
        modified: float | None = None,
    ) -> tuple[Record, Outcome]:
        """Take a file in: keep its bytes and queue it. It is searchable once it is `ready`.

        Args:
            parent: id of the document that it came in.
            leaving: ids of documents that are about to be removed; see `Catalogue.add`.
            modified: when it was last changed, in seconds since the epoch; None takes now.

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
                modified=None if modified is None else whole_seconds(modified),
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
        return self._current is not None and self._current.opened

    def document(self, document_id: str) -> Document | None:
        """Return the text of a document as searches know it, or None where there is none.

        The texts used last are kept in memory.
        """
        known = self.catalogue.versions([document_id]).get(document_id)
        return self._text(known[0]) if known is not None else None

    def close(self) -> None:
        """Let go of everything, in the order that loses nothing."""
        with self._changing:
            current, self._current = self._current, None
            closing, self._ending = [*self._ending, *([current] if current else [])], []
        for generation in closing:
            generation.close()
        self.ownership.release()
        self.database.close()

    def _is_behind(self) -> bool:
        current = self._current
        return current is not None and current.number != self.generation_number

    def _open(self, number: int, embedder: Embedder) -> Store:
        counts, recorded = self._recorded()
        if number != counts:
            store = open_store(self.settings, embedder.fingerprint.dimension, number)
            wanted = self.rebuilds.wanted()
            if wanted is None or wanted.number != number:
                # It was removed meanwhile, and opening has perhaps made it again.
                store.close()
                remove_store(self.settings, number)
                raise StoreError(
                    "The index was built anew meanwhile.",
                    "What was begun is begun again by itself.",
                )
            return store
        fingerprint = recorded or embedder.fingerprint
        store = open_store(self.settings, fingerprint.dimension, number)
        if recorded is None:
            # Only now: a store that did not open must not bind the folder to a model.
            settled = self.catalogue.settle_fact(EMBEDDER_FACT, fingerprint.to_json())
            if settled != fingerprint.to_json():
                store.close()
                raise other_model(Fingerprint.from_json(settled), str(fingerprint), embedder.name)
        return store

    def _recorded(self) -> tuple[int, Fingerprint | None]:
        """Return the number of the generation that counts, and what it was built with."""
        facts = self.catalogue.facts([GENERATION_FACT, EMBEDDER_FACT])
        text = facts.get(EMBEDDER_FACT)
        number = int(facts.get(GENERATION_FACT, "1"))
        return number, Fingerprint.from_json(text) if text is not None else None


def _require_name(what: str, value: str) -> None:
    if not value.strip() or len(value) > MAX_NAME or "\0" in value:
        raise InputError(
            f"A {what}'s name takes 1 to {MAX_NAME} characters.", "Choose another name."
        )
