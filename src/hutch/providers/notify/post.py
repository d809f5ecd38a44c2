"""One HTTP POST of JSON, and what its answer means. No redirect is followed and no proxy asked."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from hutch.model.action import Outcome, Result

BUSY = frozenset({408, 409, 425, 429})
"""Answers below 500 after which it may be tried again."""


class _Stay(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer: the message is not sent to a place that nobody configured."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """None: it is not followed."""


async def post(url: str, data: bytes, headers: Mapping[str, str], timeout: float) -> Outcome:
    """Post it; ``timeout`` in seconds. What is said of an error names the host alone, never the path: that may hold a
    token."""
    began = time.monotonic()
    status, said = await asyncio.to_thread(_post, url, data, headers, timeout)
    took = round(time.monotonic() - began, 3)
    if 200 <= status < 300:
        return Outcome(Result.DONE, f"{host_of(url)} took it ({status})", seconds=took)
    what = f"answered {status}" if status else said
    recoverable = not status or status >= 500 or status in BUSY
    return Outcome(Result.FAILED, f"{host_of(url)} {what}", seconds=took, recoverable=recoverable)


def _post(url: str, data: bytes, headers: Mapping[str, str], timeout: float) -> tuple[int, str]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay())
    request = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json"})  # noqa: S310
    try:
        with opener.open(request, timeout=timeout) as answer:
            return int(answer.status), ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, ""
    except (http.client.HTTPException, OSError) as error:
        return 0, f"cannot be reached: {why(error)}"


def why(error: Exception) -> str:
    """An error of the network in a few words; nothing of the address."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError) or not isinstance(cause, OSError):
        return "no answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__
    return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else (cause.strerror or type(cause).__name__)


async def dial(host: str, port: int, timeout: float) -> Outcome:
    """Whether something listens there."""
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except (TimeoutError, OSError) as error:
        return Outcome(Result.FAILED, f"{host}:{port} cannot be reached: {why(error)}", recoverable=True)
    return Outcome(Result.DONE, f"{host}:{port} can be reached")


async def dial_url(url: str, timeout: float) -> Outcome:
    """Whether something listens at that address."""
    parts = urlsplit(url)
    return await dial(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), timeout)


def host_of(url: str) -> str:
    """The host, for people."""
    return urlsplit(url).hostname or "the address"


def as_json(value: object) -> bytes:
    """The same value always gives the same bytes: a signature covers them."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def own_host() -> str:
    """What this machine is called."""
    return socket.gethostname() or "hutch"
