"""One HTTP POST of JSON, and what its answer means. No redirect is followed, no proxy asked, no answer's body read."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from hutch.model.action import Outcome, Result
from hutch.providers.notify.reach import Door, Networks

BUSY = frozenset({408, 409, 425, 429})
"""Answers below 500 after which it may be tried again."""

SHUT = "leads to an address that messages do not go to: `networks` of the channel names those of your own"


async def post(url: str, data: bytes, headers: Mapping[str, str], timeout: float, networks: Networks = ()) -> Outcome:
    """Post it; ``timeout`` in seconds. What is said of an error names the host alone, never the path: that may hold a
    token."""
    began = time.monotonic()
    door, again = Door(networks), True
    try:
        async with asyncio.timeout(timeout):
            status, said = await _post(url, data, headers, door), ""
    except (aiohttp.ClientError, OSError, ValueError) as error:
        again = not (door.refused or isinstance(error, ValueError))
        status, said = 0, SHUT if door.refused else f"cannot be reached: {why(error)}"
    took = round(time.monotonic() - began, 3)
    if 200 <= status < 300:
        return Outcome(Result.DONE, f"{host_of(url)} took it ({status})", seconds=took)
    what = f"answered {status}" if status else said
    recoverable = status >= 500 or status in BUSY or (not status and again)
    return Outcome(Result.FAILED, f"{host_of(url)} {what}", seconds=took, recoverable=recoverable)


async def _post(url: str, data: bytes, headers: Mapping[str, str], door: Door) -> int:
    """The status. A connection of its own, so that nothing of it is kept for another."""
    connector = aiohttp.TCPConnector(socket_factory=door.socket, force_close=True, use_dns_cache=False)
    async with (
        aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        ) as session,
        session.post(
            url, data=data, headers={**headers, "Content-Type": "application/json"}, allow_redirects=False
        ) as answer,
    ):
        answer.close()
        return answer.status


def why(error: Exception) -> str:
    """An error of the network in a few words; nothing of the address."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(cause, TimeoutError) or not isinstance(cause, OSError):
        return "no answer in time" if isinstance(cause, TimeoutError) else type(cause).__name__
    return os.strerror(cause.errno) if cause.errno and cause.errno > 0 else (cause.strerror or type(cause).__name__)


async def dial(host: str, port: int, timeout: float, networks: Networks) -> Outcome:
    """Whether something listens there, at the first address that may be reached."""
    door, error = Door(networks), OSError("it has no address")
    try:
        async with asyncio.timeout(timeout):
            loop = asyncio.get_running_loop()
            for info in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                try:
                    with door.socket(info) as one:
                        one.setblocking(False)
                        await loop.sock_connect(one, info[4])
                except OSError as found:
                    error = found
                else:
                    return Outcome(Result.DONE, f"{host}:{port} can be reached")
    except OSError as found:
        error = found
    said = SHUT if door.refused else f"cannot be reached: {why(error)}"
    return Outcome(Result.FAILED, f"{host}:{port} {said}", recoverable=not door.refused)


async def dial_url(url: str, timeout: float, networks: Networks = ()) -> Outcome:
    """Whether something listens at that address."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return await dial(parts.hostname or "", port, timeout, networks)


def host_of(url: str) -> str:
    """The host, for people."""
    return urlsplit(url).hostname or "the address"


def as_json(value: object) -> bytes:
    """The same value always gives the same bytes: a signature covers them."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode()


def own_host() -> str:
    """What this machine is called."""
    return socket.gethostname() or "hutch"
