"""Whose name stands in the log for what is done on the page. It is only that: a name, nothing is proved by it."""

from __future__ import annotations

import getpass
import os
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response

from hutch.review.wording import one_line

COOKIE = "hutch-name"
MOST = 80
"""Characters of a name."""

YEAR = 365 * 24 * 3600


def system_user() -> str:
    """HUTCH_ACTOR, else the login name of whoever started the server."""
    try:
        return os.environ.get("HUTCH_ACTOR") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def known(request: Request) -> str:
    """The name that this browser gave before; empty when it gave none."""
    return clean(unquote(request.cookies.get(COOKIE, "")))


def clean(name: str) -> str:
    """One visible line."""
    return one_line(name, MOST)


def remember(response: Response, name: str) -> None:
    """Keep the name in this browser, for our own pages only."""
    response.set_cookie(COOKIE, quote(name), max_age=YEAR, path="/", httponly=True, samesite="strict")
