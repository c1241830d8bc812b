"""Every error that a person can meet: what happened, and what to do about it.

    FootnoteError
    ├── InputError            the request itself is wrong (exit code 2)
    ├── DocumentError         this file cannot be read; others can
    ├── FetchError            the page at an address cannot be fetched
    ├── DataFolderError       the data folder cannot be used
    ├── IndexInUseError       another process owns the embedded index
    ├── EmbedderError         the embedding model cannot be loaded or does not fit the index
    ├── StoreError            the vector store failed or cannot be reached
    └── ModelError            the chat model failed or cannot be reached

Foreign exceptions are turned into one of these where they enter the program,
so that every border (command line, endpoints, page) prints the same sentence.
"""


class FootnoteError(Exception):
    """What happened and what to do next, in words for the person at the keyboard.

    Attributes:
        what: what happened, one sentence with its full stop.
        next_step: what to do about it, one sentence with its full stop.
        retryable: whether the same call may succeed later without a change by a person.
    """

    exit_code = 1
    retryable = False

    def __init__(self, what: str, next_step: str, retryable: bool | None = None) -> None:
        super().__init__(what, next_step)
        self.what = what
        self.next_step = next_step
        if retryable is not None:
            self.retryable = retryable

    def __str__(self) -> str:
        return f"{self.what} {self.next_step}"


class InputError(FootnoteError):
    """The request cannot be carried out as it was put."""

    exit_code = 2


class DocumentError(FootnoteError):
    """One document cannot be read; trying the same bytes again will not help."""


class FetchError(FootnoteError):
    """The page at an address cannot be fetched; another may."""


class DataFolderError(FootnoteError):
    """The data folder cannot be created, written or trusted."""

    retryable = True


class IndexInUseError(FootnoteError):
    """Another process owns the embedded index of this data folder."""

    retryable = True


class EmbedderError(FootnoteError):
    """The embedding model cannot be loaded, or is not the one that the index was built with."""


class StoreError(FootnoteError):
    """The vector store failed or cannot be reached."""

    retryable = True


class ModelError(FootnoteError):
    """The chat model failed, stopped or cannot be reached."""

    retryable = True
