"""A web site on this machine that answers as a test wants: well, badly, slowly or without end."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

Answer = bytes | Callable[[socket.socket], None]
"""Bytes as they go over the wire, or what sends them itself until the connection breaks."""


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def redirect(to: str) -> bytes:
    """Return an answer that sends the client elsewhere, with a cookie."""
    return answer(b"", f"Location: {to}", "Set-Cookie: who=me", status="302 Found")


class Site:
    """Serves `pages`, by path, until the block ends.

    Attributes:
        pages: what each path answers.
        asked: heads of the requests so far.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Answer] = {}
        self.asked: list[str] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def rest(self, seconds: float) -> None:
        """Wait, or end at once when the site does."""
        if self._stopped.wait(seconds):
            raise OSError

    def __enter__(self) -> "Site":
        self._start(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, target: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._start(self._serve, connection)

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain:
            plain.settimeout(10)
            connection = self._tls.wrap_socket(plain, server_side=True) if self._tls else plain
            with connection:
                head = b""
                while b"\r\n\r\n" not in head and (block := connection.recv(1 << 16)):
                    head += block
                if not head:
                    return
                self.asked.append(head.decode("latin-1"))
                path = self.asked[-1].split(" ")[1]
                page = self.pages.get(path, answer(b"", status="404 Not Found"))
                if isinstance(page, bytes):
                    connection.sendall(page)
                else:
                    page(connection)
