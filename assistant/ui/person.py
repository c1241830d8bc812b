"""Whose browser it is: a random key in a cookie that scripts cannot read."""

import re
import secrets
from collections.abc import Mapping

from fastapi import Request, Response

from ingest.index.errors import InputError

COOKIE = "footnote_person"

_KEY = re.compile(r"[\w-]{32,64}")
_YEARS = 3 * 365 * 24 * 3600


def person_of(cookies: Mapping[str, str]) -> str:
    """Return the key of the person whose browser sent these cookies.

    Raises:
        InputError: it sent none.
    """
    key = cookies.get(COOKIE, "")
    if not _KEY.fullmatch(key):
        raise InputError(
            "This browser has no key to its conversations.", "Allow cookies and reload the page."
        )
    return key


def asking(request: Request) -> str:
    """Return the person behind a request, for routes to depend on."""
    return person_of(request.cookies)


def introduction(request: Request) -> str | None:
    """Return the cookie that gives a browser its key when it opens the page for the first time."""
    if request.url.path != "/" or _KEY.fullmatch(request.cookies.get(COOKIE, "")):
        return None
    response = Response()
    response.set_cookie(
        COOKIE, secrets.token_urlsafe(32), max_age=_YEARS, httponly=True, samesite="strict"
    )
    return response.headers["Set-Cookie"]
