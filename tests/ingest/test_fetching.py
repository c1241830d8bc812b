"""Fetching pages: what comes, what is refused, and that nothing hangs or grows without end."""

import gzip
import itertools
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore
import pytest
from site_pages import Site, answer, redirect

from ingest.fetching import Limits, fetched, is_url, page_name
from ingest.index.errors import FetchError, FootnoteError, InputError

# Made for these tests: for pages.example, until 2126.
CERTIFICATE = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgoVjtdIgZAx7KMvKr
/KmME7L4bZgfmTGi0U8UbX6SiRehRANCAASEaY3+tbpBlI5WEbB9ei+tGb+RFX+c
jJRHu8MYWkm7gesj2CUwvTchVfp1UZjN5JVGe30ble0JQ1N+QJHY/tXL
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBoDCCAUegAwIBAgIUe6U2cRXst61YfF7hTYZbyxxFBs8wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNcGFnZXMuZXhhbXBsZTAgFw0yNjExMjMxMDA1NDBaGA8yMTI2
MTAzMDEwMDU0MFowGDEWMBQGA1UEAwwNcGFnZXMuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABIRpjf61ukGUjlYRsH16L60Zv5EVf5yMlEe7wxhaSbuB
6yPYJTC9NyFV+nVRmM3klUZ7fRuV7QlDU35Akdj+1cujbTBrMB0GA1UdDgQWBBRT
rOwAiezDWmvGOzTUXiAfIjq+zDAfBgNVHSMEGDAWgBRTrOwAiezDWmvGOzTUXiAf
Ijq+zDAPBgNVHRMBAf8EBTADAQH/MBgGA1UdEQQRMA+CDXBhZ2VzLmV4YW1wbGUw
CgYIKoZIzj0EAwIDRwAwRAIgbtoYYMn8TKEi/Tf6vNEu0unbbcIzS5UogJ1sj3mP
hFgCICs04To2eB79s+ztlPT9Sn39XRFqyEJk6LLrxHAWZslm
-----END CERTIFICATE-----
"""
PUBLIC = "93.184.215.14"
PAGE = b"<!doctype html><title>Tower</title><p>The tower was built in 1871.</p>"

Resolve = Callable[[dict[str, list[str]]], list[str]]


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as served:
        yield served


@pytest.fixture
def get(tmp_path: Path) -> Callable[..., bytes]:
    """Return a function that fetches an address; private ones are allowed."""

    def fetch(url: str, private: bool = True, **limits: Any) -> bytes:
        given = {"size_mb": 1, "private": private, **limits}
        with fetched(url, tmp_path, Limits(**given)) as stream:
            return stream.read()

    return fetch


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Return a function that sets what hosts resolve to, look-up by look-up.

    The public address is served by this machine. What was connected to is in the list returned.
    """
    real = socket.getaddrinfo
    connect = httpcore.SyncBackend.connect_tcp
    connected: list[str] = []

    def to_here(self: Any, host: str, *arguments: Any) -> httpcore.NetworkStream:
        connected.append(host)
        return connect(self, "127.0.0.1" if host == PUBLIC else host, *arguments)

    def set_up(hosts: dict[str, list[str]]) -> list[str]:
        answers = {host: itertools.cycle(found) for host, found in hosts.items()}

        def look_up(host: str, *arguments: Any, **more: Any) -> Any:
            return real(next(answers[host]) if host in answers else host, *arguments, **more)

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", to_here)
        return connected

    return set_up


# -- what comes --------------------------------------------------------------------------------


def test_the_bytes_of_a_page_come_whole(site: Site, get: Callable[..., bytes]) -> None:
    site.pages["/tower?lang=en"] = answer(PAGE)
    assert get(f"{site.url}/tower?lang=en#top") == PAGE


def test_a_packed_page_is_unpacked(site: Site, get: Callable[..., bytes]) -> None:
    site.pages["/"] = answer(gzip.compress(PAGE), "Content-Encoding: gzip")
    assert get(site.url) == PAGE


def test_nothing_that_belongs_to_a_person_is_sent(
    site: Site, get: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    site.pages["/"] = redirect("/next")
    site.pages["/next"] = answer(PAGE)
    assert get(site.url.replace("//", "//me:secret@")) == PAGE
    assert len(site.asked) == 2
    for head in map(str.lower, site.asked):
        assert "user-agent: footnote" in head
        assert not {"cookie:", "authorization:", "referer:"} & set(head.split())


def test_redirects_are_followed_up_to_a_bound(site: Site, get: Callable[..., bytes]) -> None:
    for hop in range(7):
        site.pages[f"/{hop}"] = redirect(f"{hop + 1}")
    site.pages["/7"] = answer(PAGE)
    assert get(f"{site.url}/2") == PAGE
    with pytest.raises(FetchError, match=r"/1 redirects more than 5 times\. Open it in a browser"):
        get(f"{site.url}/1")


# -- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f.1", "017700000001", "127.1", "0.0.0.0"),
        *("10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
        *("224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1]", "[fd00::1]"),
        *("[ff02::1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[2001::1]", "[::127.0.0.1]"),
        *("[fec0::1]", "[64:ff9b:1::1]", "[2001:db8::1]"),
    ],
)
def test_addresses_of_this_machine_and_its_network_are_refused(
    get: Callable[..., bytes], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", _must_not_connect)
    with pytest.raises(InputError, match="of this machine or of the local network") as refused:
        get(f"http://{host}/", private=False)
    assert "FOOTNOTE_PRIVATE_URLS=true" in str(refused.value)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e"])
def test_addresses_of_the_internet_are_not(
    get: Callable[..., bytes], resolve: Resolve, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    resolve({"pages.example": [address]})
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", _must_not_connect)
    with pytest.raises(AssertionError, match=f"^{address}$"):
        get("http://pages.example/", private=False)


def test_a_redirect_to_this_machine_is_refused(
    site: Site, get: Callable[..., bytes], resolve: Resolve
) -> None:
    connected = resolve({"pages.example": [PUBLIC]})
    site.pages["/"] = redirect(f"{site.url}/secret")
    site.pages["/secret"] = answer(b"secret")
    with pytest.raises(InputError, match=r"127\.0\.0\.1 is an address of this machine"):
        get(f"http://pages.example:{site.port}/", private=False)
    assert (connected, len(site.asked)) == ([PUBLIC], 1)


def test_what_is_connected_to_is_the_address_that_was_checked(
    site: Site, get: Callable[..., bytes], resolve: Resolve
) -> None:
    # A second look-up would lead elsewhere.
    connected = resolve({"pages.example": [PUBLIC, "127.0.0.1"]})
    site.pages["/"] = answer(PAGE)
    assert get(f"http://pages.example:{site.port}/", private=False) == PAGE
    assert connected == [PUBLIC]
    assert f"host: pages.example:{site.port}" in site.asked[0].lower()


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://pages.example/a", "file:///etc/passwd", "http://", "https:///a", "http://[::1"),
        "http://0177.0.0.1/",
    ],
)
def test_other_addresses_are_refused(get: Callable[..., bytes], url: str) -> None:
    assert is_url(url)
    with pytest.raises(InputError, match="is no address"):
        get(url)


def test_a_redirect_to_what_is_no_page_is_refused(site: Site, get: Callable[..., bytes]) -> None:
    for path, target in (("/file", "file:///etc/passwd"), ("/bad", "http://[::1")):
        site.pages[path] = redirect(target)
        with pytest.raises(FetchError, match="redirects to"):
            get(f"{site.url}{path}")


# -- what goes wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("404 Not Found", r"/a answers with 404 Not Found\. Check the address"),
        ("403 Forbidden", "403 Forbidden.*what needs a login has to be saved"),
        ("500 Internal Server Error", r"500 Internal Server Error\. Try again later\."),
        ("799 Whatever", r"answers with 799\."),
        ("304 Not Modified", "304 Not Modified"),
    ],
)
def test_an_answer_without_a_page_is_one_sentence(
    site: Site, get: Callable[..., bytes], status: str, said: str
) -> None:
    site.pages["/a"] = answer(b"sorry", status=status)
    with pytest.raises(FetchError, match=said):
        get(f"{site.url}/a")


def test_a_host_that_is_not_there_is_one_sentence(get: Callable[..., bytes]) -> None:
    with pytest.raises(FetchError, match=r"^The host nowhere\.invalid cannot be found\."):
        get("http://nowhere.invalid/")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(FetchError, match=r"^127\.0\.0\.1 cannot be reached\."):
        get(f"http://127.0.0.1:{port}/")


def test_a_page_that_is_too_large_is_refused(site: Site, get: Callable[..., bytes]) -> None:
    site.pages["/large"] = answer(b"x" * ((1 << 20) + 1))
    site.pages["/fits"] = answer(b"x" * (1 << 20))

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")

    site.pages["/endless"] = endless
    for path in ("/large", "/endless"):
        with pytest.raises(FetchError, match=r"more than the 1 MB.*FOOTNOTE_MAX_FILE_MB"):
            get(f"{site.url}{path}")
    assert len(get(f"{site.url}/fits")) == 1 << 20


def test_a_small_page_that_unpacks_to_a_large_one_is_refused(
    site: Site, get: Callable[..., bytes]
) -> None:
    bomb = gzip.compress(bytes(100 << 20))
    assert len(bomb) < 1 << 20
    site.pages["/"] = answer(bomb, "Content-Encoding: gzip")
    with pytest.raises(FetchError, match="more than the 1 MB"):
        get(site.url)


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "deflate"])
def test_what_was_not_asked_for_is_refused(
    site: Site, get: Callable[..., bytes], encoding: str
) -> None:
    site.pages["/"] = answer(b"anything", f"Content-Encoding: {encoding}")
    with pytest.raises(FetchError, match=f"is packed as {encoding}, which was not asked for"):
        get(site.url)


def test_a_page_that_breaks_off_is_refused(site: Site, get: Callable[..., bytes]) -> None:
    packed = gzip.compress(PAGE)
    site.pages["/short"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    site.pages["/packed"] = answer(packed[:-12], "Content-Encoding: gzip")
    site.pages["/damaged"] = answer(b"no gzip", "Content-Encoding: gzip")
    site.pages["/nonsense"] = b"\0\1\2\r\n\r\n"
    site.pages["/nothing"] = b""
    for path in site.pages:
        with pytest.raises(FetchError, match=r"^127\.0\.0\.1 broke off or sent what is no page\."):
            get(f"{site.url}{path}")


@pytest.mark.parametrize("slow", ["head", "body", "silent"])
def test_a_page_that_takes_too_long_is_given_up(
    site: Site, get: Callable[..., bytes], slow: str
) -> None:
    def trickle(connection: socket.socket) -> None:
        if slow == "silent":
            site.rest(20)
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if slow == "body" else b""))
        while True:
            connection.sendall(b"x")
            site.rest(0.05)

    site.pages["/"] = trickle
    started = time.monotonic()
    with pytest.raises(FetchError, match="did not send the page within 1 seconds"):
        get(site.url, seconds=1.0)
    assert time.monotonic() - started < 3


def test_the_time_of_redirects_counts(site: Site, get: Callable[..., bytes]) -> None:
    def wait(connection: socket.socket) -> None:
        site.rest(0.4)
        connection.sendall(redirect("/"))

    site.pages["/"] = wait
    with pytest.raises(FetchError, match="within 1 seconds"):
        get(site.url, seconds=1.0)


# -- TLS ---------------------------------------------------------------------------------------


@pytest.fixture
def secure_site(tmp_path: Path) -> Iterator[Site]:
    """A site whose certificate is for pages.example, by nobody in particular."""
    (tmp_path / "site.pem").write_text(CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "site.pem")
    with Site(tls) as served:
        served.pages["/"] = answer(PAGE)
        yield served


def test_a_certificate_that_nobody_vouches_for_is_refused(
    secure_site: Site, get: Callable[..., bytes], resolve: Resolve
) -> None:
    resolve({"pages.example": ["127.0.0.1"]})
    with pytest.raises(FetchError, match=r"cannot prove that it is pages\.example \(self"):
        get(f"https://pages.example:{secure_site.port}/")
    assert secure_site.asked == []


def test_the_certificate_has_to_be_for_the_name_that_was_asked_for(
    secure_site: Site,
    get: Callable[..., bytes],
    resolve: Resolve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "site.pem"))
    resolve({"pages.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    assert get(f"https://pages.example:{secure_site.port}/") == PAGE
    with pytest.raises(FetchError, match=r"cannot prove that it is other\.example"):
        get(f"https://other.example:{secure_site.port}/")


def test_a_server_without_tls_is_one_sentence(site: Site, get: Callable[..., bytes]) -> None:
    site.pages["/"] = answer(PAGE)
    with pytest.raises(FootnoteError, match=r"^127\.0\.0\.1 "):
        get(site.url.replace("http:", "https:"), seconds=0.5)


# -- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("https://me:secret@pages.example/a?b=1#c", "https://pages.example/a?b=1"),
        ("https://pages.example", "https://pages.example/"),
        ("https://pages.example?q=1", "https://pages.example/?q=1"),
        (" HTTPS://Pages.Example/A ", "https://pages.example/A"),
    ],
)
def test_a_page_is_named_by_its_address(given: str, name: str) -> None:
    assert page_name(given) == name
    assert page_name(name) == name


def test_an_address_that_is_too_long_for_a_name_is_refused() -> None:
    with pytest.raises(InputError, match="The address has 422 characters"):
        page_name("https://pages.example/" + "a" * 400)


def _must_not_connect(self: Any, host: str, *_: Any) -> httpcore.NetworkStream:
    raise AssertionError(host)
