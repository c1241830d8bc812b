"""A generation of the index: an embedding model and the store of the vectors it made.

An index has one generation that counts. While `ingest reindex` builds the next one, this one
goes on answering; then the catalogue names the next, and this one ends with its last search.
"""

import threading
from collections.abc import Callable

from ingest.index.embedding import Embedder
from ingest.index.store import Store


class Generation:
    """Opened on first use; calls from several threads are safe.

    Args:
        number: 1 for an index's first.
        embedder: makes its vectors; not loaded yet.
        open_store: opens the store of these vectors.
    """

    def __init__(
        self, number: int, embedder: Embedder, open_store: Callable[[Embedder], Store]
    ) -> None:
        self.number = number
        self.embedder = embedder
        self._open_store = open_store
        self._opening = threading.Lock()
        self._counting = threading.Lock()
        self._store: Store | None = None
        self._users = 0
        self._left = False
        self._closed = False

    @property
    def store(self) -> Store:
        """The store, opened on first use.

        Raises:
            EmbedderError: it is new, so that the model has to be loaded, and that cannot be.
            StoreError: it cannot be opened.
        """
        with self._opening:
            if self._store is None:
                self._store = self._open_store(self.embedder)
            return self._store

    @property
    def opened(self) -> bool:
        """Whether the store is open."""
        return self._store is not None

    def enter(self) -> bool:
        """Keep the store open until `exit`; False where another has taken its place already."""
        with self._counting:
            self._users += not self._left
            return not self._left

    def exit(self) -> None:
        """Undo one `enter`."""
        with self._counting:
            self._users -= 1
            last = self._left and not self._users
        if last:
            self.close()

    @property
    def ended(self) -> bool:
        """Whether it was left, and its store is closed."""
        return self._closed

    def leave(self) -> None:
        """Close the store as soon as nobody uses it: another generation takes its place."""
        with self._counting:
            self._left = True
            last = not self._users
        if last:
            self.close()

    def close(self) -> None:
        """Close the store now. Closing twice is closing once."""
        with self._opening:
            store, self._store = self._store, None
        if store is not None:
            store.close()
        self._closed = True
