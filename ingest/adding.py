"""Taking in what a person names: files of this machine, and pages at addresses."""

from collections.abc import Container, Sequence
from pathlib import Path

from ingest.fetching import Limits, fetched, is_url, page_name
from ingest.index.catalogue import Outcome
from ingest.index.errors import InputError
from ingest.index.index import Index
from ingest.index.tables import Record
from ingest.settings import IngestSettings
from ingest.walking import named_files

Source = Path | str
"""A file, or the address of a page."""


def named_sources(given: Sequence[str]) -> list[tuple[Source, str]]:
    """Return each file (see `named_files`) and each page once, with its document name.

    Raises:
        InputError: a path does not exist or holds no file, or an address cannot be fetched.
    """
    urls = dict.fromkeys(one for one in given if is_url(one))
    paths = [Path(one) for one in given if one not in urls]
    pages = {page_name(url): url for url in urls}
    files: list[tuple[Source, str]] = [*named_files(paths)] if paths else []
    return files + [(url, name) for name, url in pages.items()]


def add_source(
    index: Index, source: Source, name: str, collection: str, settings: IngestSettings
) -> tuple[Record, Outcome]:
    """Take in a file or a page; see `Index.add_file`.

    Raises:
        FootnoteError: it cannot be fetched or read, or is too large.
    """
    if isinstance(source, Path):
        return add_file(index, source, name, collection, settings)
    limits = Limits(settings.max_file_mb, private=settings.private_urls)
    with fetched(source, settings.data_dir, limits) as stream:
        return index.add_file(stream, name, collection)


def add_file(
    index: Index,
    path: Path,
    name: str,
    collection: str,
    settings: IngestSettings,
    *,
    leaving: Container[str] = (),
) -> tuple[Record, Outcome]:
    """Take in a file; see `Index.add_file`.

    Raises:
        InputError: it cannot be read, or is too large.
    """
    try:
        status = path.stat()
        size = status.st_size
        if size > settings.max_file_mb << 20:
            raise InputError(
                f"The file has {size >> 20} MB, more than the {settings.max_file_mb} MB "
                "that are taken.",
                "Split it, or raise FOOTNOTE_MAX_FILE_MB.",
            )
        with path.open("rb") as stream:
            return index.add_file(
                stream, name, collection, leaving=leaving, modified=status.st_mtime
            )
    except OSError as error:
        raise InputError(
            f"The file cannot be read ({error.strerror}).", "Check its permissions."
        ) from error
