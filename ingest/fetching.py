"""Pages and files at `http(s)://` addresses.

An address may come from anyone, and what answers there may be anything. So the host is looked
up once, checked, and connected to at the very address that was checked (a second look-up
could answer differently); redirects are followed by hand and checked again; size and time
have bounds; and nothing that belongs to a person is sent: no cookies, no credentials.
"""

import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import httpcore
import httpx

from ingest.checked_network import CheckedNetwork
from ingest.index.errors import DataFolderError, FetchError, FootnoteError, InputError
from ingest.index.index import MAX_NAME

MAX_REDIRECTS = 5

_SCHEMES = ("http", "https")
_FOUND = range(200, 300)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip"})
"""What a page may be packed in. It is unpacked block by block, and a block of gzip holds at
most a thousand times its size; other encodings hold more, and several of them multiply."""

_HEADERS: Mapping[bytes | str, bytes | str] = {
    "User-Agent": "footnote (+https://pypi.org/project/footnote-assistant/)",
    "Accept": "text/html,application/xhtml+xml,application/pdf;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What fetching one page may take.

    Attributes:
        size_mb: most megabytes, unpacked.
        seconds: for all of it, redirects included.
        connect_seconds: until a server answers at all.
        private: whether addresses of this machine and the local network are allowed.
    """

    size_mb: int
    seconds: float = 60.0
    connect_seconds: float = 10.0
    private: bool = False


def is_url(given: str) -> bool:
    """Whether what a person gave is an address and no path."""
    scheme, found, _ = given.partition("://")
    return bool(found) and scheme.isalnum()


def page_name(given: str) -> str:
    """Return the document name of an address: without fragment and credentials.

    Raises:
        InputError: it is not an address that can be fetched, or it is too long.
    """
    url = str(_public_part(_parsed(given)))
    if len(url) > MAX_NAME:
        raise InputError(
            f"The address has {len(url)} characters, more than the {MAX_NAME} of a name.",
            "Save the page to a file and add that.",
        )
    return url


@contextmanager
def fetched(given: str, folder: Path, limits: Limits) -> Iterator[BinaryIO]:
    """Yield the bytes at an address, fetched whole into a temporary file.

    Args:
        folder: where the temporary file lies; it is gone when the context ends.

    Raises:
        InputError: the address is not one that may be fetched.
        FetchError: nothing came from it, or not within the limits.
        DataFolderError: the temporary file cannot be written.
    """
    url = _parsed(given)
    deadline = time.monotonic() + limits.seconds
    try:
        file = TemporaryFile(dir=folder)  # noqa: SIM115  it is yielded
    except OSError as error:
        raise _unwritable(folder, error) from error
    with file:
        backend = CheckedNetwork(deadline, limits.private)
        context = httpx.create_ssl_context()
        extensions = {"timeout": {"connect": limits.connect_seconds}}
        with httpcore.ConnectionPool(ssl_context=context, network_backend=backend) as pool:
            for _ in range(MAX_REDIRECTS + 1):
                url = _public_part(url)
                asked = pool.stream("GET", str(url), headers=_HEADERS, extensions=extensions)
                with _own_errors(url, limits), asked as response:
                    if (target := _redirected(url, response)) is None:
                        _receive(url, response, file, limits, folder)
                        break
                    url = target
            else:
                raise FetchError(
                    f"{_public_part(_parsed(given))} redirects more than {MAX_REDIRECTS} times.",
                    "Open it in a browser and add the address where you arrive.",
                )
        file.seek(0)
        yield file


def _parsed(given: str) -> httpx.URL:
    try:
        url = httpx.URL(given.strip())
    except httpx.InvalidURL as error:
        raise InputError(f"{given} is no address ({error}).", "Correct it.") from error
    if url.scheme not in _SCHEMES or not url.host:
        raise InputError(
            f"{given} is no address of a page.", "Give one that begins with https:// or http://."
        )
    return url


def _public_part(url: httpx.URL) -> httpx.URL:
    """Return an address without what is nobody's business: credentials, and the fragment."""
    # Its own path makes the empty one a slash.
    return url.copy_with(fragment=None, userinfo=b"", raw_path=url.raw_path)


def _redirected(url: httpx.URL, response: httpcore.Response) -> httpx.URL | None:
    """Return where a response sends us, or None where it is what was asked for.

    Raises:
        FetchError: it is neither.
    """
    headers = httpx.Headers(response.headers)
    if response.status in _REDIRECTS and "location" in headers:
        try:
            target = url.join(headers["location"])
        except httpx.InvalidURL as error:
            raise FetchError(
                f"{url} redirects to what is no address.", "Check it in a browser."
            ) from error
        if target.scheme not in _SCHEMES or not target.host:
            raise FetchError(
                f"{url} redirects to {target}, which is no page.",
                "Open it in a browser and save what you see to a file.",
            )
        return target
    if response.status in _FOUND:
        return None
    try:
        meaning = f"{response.status} {HTTPStatus(response.status).phrase}"
    except ValueError:
        meaning = str(response.status)
    raise FetchError(
        f"{url} answers with {meaning}.",
        "Try again later."
        if response.status >= 500 or response.status == HTTPStatus.TOO_MANY_REQUESTS
        else "Check the address in a browser; what needs a login has to be saved to a file.",
    )


def _receive(
    url: httpx.URL, response: httpcore.Response, file: BinaryIO, limits: Limits, folder: Path
) -> None:
    encoding = httpx.Headers(response.headers).get("content-encoding", "").strip().lower()
    if encoding not in _ENCODINGS:
        raise FetchError(
            f"{url} is packed as {encoding[:40]}, which was not asked for.",
            "Save the page to a file and add that.",
        )
    most, size = limits.size_mb << 20, 0
    blocks: Iterable[bytes] = response.iter_stream()
    for block in _unpacked(blocks) if "gzip" in encoding else blocks:
        size += len(block)
        if size > most:
            raise FetchError(
                f"{url} has more than the {limits.size_mb} MB that are taken.",
                "Download it and split it, or raise FOOTNOTE_MAX_FILE_MB.",
            )
        try:
            file.write(block)
        except OSError as error:
            raise _unwritable(folder, error) from error


def _unpacked(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what blocks of gzip hold, a megabyte at a time at most."""
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 16)
    for block in blocks:
        rest = block
        while rest and not decoder.eof:
            yield decoder.decompress(rest, 1 << 20)
            rest = decoder.unconsumed_tail
    yield decoder.flush()
    if not decoder.eof:
        raise httpcore.RemoteProtocolError("the packed page ended too soon")


@contextmanager
def _own_errors(url: httpx.URL, limits: Limits) -> Iterator[None]:
    host = url.host
    try:
        yield
    except FootnoteError:
        raise
    except (httpcore.ConnectTimeout, httpcore.ConnectError) as error:
        # Chained: httpcore keeps the system's exception as the cause of its own.
        if isinstance(reason := error.__cause__ or error.__context__, ssl.SSLError):
            words = getattr(reason, "verify_message", "") or reason.reason or "no TLS"
            raise FetchError(
                f"{host} cannot prove that it is {host} ({words}).",
                "Check the address; a page that you trust all the same can be saved to a file.",
            ) from error
        raise FetchError(
            f"{host} cannot be reached.", "Check the address and the network connection."
        ) from error
    except httpcore.TimeoutException as error:
        raise FetchError(
            f"{host} did not send the page within {limits.seconds:.0f} seconds.",
            "Try again later, or save the page to a file and add that.",
        ) from error
    except (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        zlib.error,
        UnicodeError,
    ) as error:
        raise FetchError(
            f"{host} broke off or sent what is no page.",
            "Try again later, or save the page to a file and add that.",
        ) from error


def _unwritable(folder: Path, error: OSError) -> DataFolderError:
    return DataFolderError(
        f"The data folder {folder} cannot be written ({error.strerror or error}).",
        "Free some space or correct its permissions, then run the same command again.",
    )
