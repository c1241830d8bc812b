"""What stands in front of the page and the endpoints: whom they answer, and what each answer says.

A plain ASGI application: an answer that is streamed passes through it piece by piece, with
nothing between.
"""

import re
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import PlainTextResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assistant.ui.page import EARLY_BOX, HEAD
from assistant.ui.person import introduction

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio's components evaluate their templates, and its page has inline scripts.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
"""Nothing that a document or a model writes can reach another machine."""

_BODY_TAG = re.compile(rb"<body\b[^>]*>")

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuses calls that are not the page's or a program's own; adds headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        refusal = _refusal(request)
        app = self._app if refusal is None else PlainTextResponse(refusal, status_code=403)
        await app(scope, receive, _Answer(request, send).send)


class _Answer:
    """One answer on its way out.

    Args:
        send: takes it on.
    """

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        self._page: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        """Take the answer's next part on; the page as a whole, with what is ours in it."""
        if message["type"] == "http.response.start":
            headers = self._with_headers(message)
            if self._is_page(headers):
                self._page = message
                return
        elif self._page is not None and message["type"] == "http.response.body":
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = _with_ours(self._body)
            MutableHeaders(scope=self._page)["Content-Length"] = str(len(body))
            await self._send(self._page)
            message = {"type": "http.response.body", "body": body}
        await self._send(message)

    def _with_headers(self, start: Message) -> MutableHeaders:
        headers = MutableHeaders(scope=start)
        # Gradio lets other pages of this machine read what it answers; their ports are anybody's.
        del headers["access-control-allow-origin"]
        del headers["access-control-allow-credentials"]
        if cookie := introduction(self._request):
            headers.append("Set-Cookie", cookie)
        # What a person stored is served under a policy stricter than the page's.
        headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        return headers

    def _is_page(self, headers: MutableHeaders) -> bool:
        return (
            self._request.method == "GET"
            and self._request.scope["path"] == "/"
            and headers.get("content-type", "").startswith("text/html")
            and "content-encoding" not in headers
        )


def _refusal(request: Request) -> str | None:
    """Return why a request is not answered: another site's page makes it, or it would have this
    server fetch something on its behalf."""
    origin = request.headers.get("origin")
    if (
        request.method not in _SAFE_METHODS
        and origin is not None
        and urlsplit(origin).netloc != request.headers.get("host")
    ):
        return "This page takes no calls from other sites."
    path = request.scope["path"]
    if "/file=http" in path or "/proxy=" in path:
        return "This page fetches nothing from other machines."
    return None


def _with_ours(page: bytes) -> bytes:
    """Return the page with our tags in its head, and a box to type in above all else."""
    page = page.replace(b"<head>", b"<head>" + HEAD.encode(), 1)
    return _BODY_TAG.sub(lambda tag: tag[0] + EARLY_BOX.encode(), page, count=1)
