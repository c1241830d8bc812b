"""Connections to addresses that anyone may have given.

A host is looked up once, what is found is checked, and the connection goes to that very
address: a second look-up could answer differently. TLS still verifies the host's name.
"""

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpcore

from ingest.index.errors import FetchError, InputError

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address in its last 32 bits
_NOT_GLOBAL = tuple(
    ipaddress.IPv6Network(network)
    # Local NAT64 (RFC 8215), Teredo (RFC 4380) and site-local (RFC 3879).
    for network in ("64:ff9b:1::/48", "2001::/32", "fec0::/10")
)


@dataclass(slots=True)
class CheckedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that were checked, and never past the deadline.

    Attributes:
        deadline: on the monotonic clock.
        private: whether addresses of this machine and the local network are allowed.
    """

    deadline: float
    private: bool = False
    inner: httpcore.NetworkBackend = field(default_factory=httpcore.SyncBackend)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = _addresses(host, port)
        if not self.private and not all(map(_is_public, addresses)):
            raise InputError(
                f"{host} is an address of this machine or of the local network.",
                "Set FOOTNOTE_PRIVATE_URLS=true if such pages may be read.",
            )
        for place, address in enumerate(addresses, 1):
            bound = _bound(timeout, self.deadline)
            try:
                stream = self.inner.connect_tcp(address, port, bound, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if place == len(addresses):
                    raise
            else:
                return _TimedStream(stream, self.deadline)
        raise httpcore.ConnectError(f"{host} has no address")


@dataclass(slots=True)
class _TimedStream(httpcore.NetworkStream):
    """A connection of which no call lasts past the deadline."""

    inner: httpcore.NetworkStream
    deadline: float

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, _bound(timeout, self.deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, _bound(timeout, self.deadline))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        bound = _bound(timeout, self.deadline)
        return _TimedStream(
            self.inner.start_tls(ssl_context, server_hostname, bound), self.deadline
        )

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


def _bound(timeout: float | None, deadline: float) -> float:
    """Return the seconds that a call may take.

    Raises:
        ReadTimeout: there are none left.
    """
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left if timeout is None else min(timeout, left)


def _addresses(host: str, port: int) -> list[str]:
    """Look a host up, in whatever form its address is written; the system bounds the time."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(
            f"The host {host} cannot be found.",
            "Check the address and the network connection.",
        ) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _is_public(address: str) -> bool:
    """Whether an address belongs to the internet, and not to this machine or its network."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if any(ip in network for network in _NOT_GLOBAL):
            return False
        inside = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
        ip = inside or ip
    return ip.is_global and not (ip.is_multicast or ip.is_reserved)
