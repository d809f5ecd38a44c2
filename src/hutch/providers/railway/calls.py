"""One operation of Railway's GraphQL API, tried again where that is safe, its errors classified."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp

from hutch.providers.railway.config import Config

ATTEMPTS = 3
"""A read is tried as often. A change is sent again only after an answer that says that it was not looked at: 429."""
FIRST_WAIT = 0.5
"""Seconds before a read is tried again that got no answer; then twice as long."""
MOST_BYTES = 20_000_000
MESSAGE = 300
DENIED = "not authorized"
VAGUE = "problem processing request"
"""What Railway says of any failure of its own: of a change it tells nothing."""


class RailwayRefused(Exception):
    """Railway answered that it did not do it. ``recoverable``: it may do so after ``wait`` seconds."""

    def __init__(self, message: str, recoverable: bool = False, wait: float = 0.0) -> None:
        super().__init__(message)
        self.recoverable = recoverable
        self.wait = wait


class RailwaySilent(Exception):
    """No whole answer. ``sent``: the request went out, so a change may have been made all the same."""

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Operation:
    """A document of one operation. ``doing`` says what it is for, in the words of an error."""

    doing: str
    name: str
    text: str

    @property
    def change(self) -> bool:
        """Whether it asks for a change."""
        return self.text.startswith("mutation")


async def call(config: Config, operation: Operation, variables: Mapping[str, object]) -> Any:
    """What the operation's field gives. Raises :class:`RailwayRefused` or :class:`RailwaySilent`, never with a
    token."""
    pause = FIRST_WAIT
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _once(config, operation, variables)
        except RailwayRefused as error:
            if not error.recoverable or attempt == ATTEMPTS or error.wait > config.patience:
                raise
            pause = error.wait
        except RailwaySilent:
            if operation.change or attempt == ATTEMPTS:
                raise
        await asyncio.sleep(pause)
        pause = max(FIRST_WAIT, pause * 2)
    raise AssertionError("the last attempt returns or raises")


async def _once(config: Config, operation: Operation, variables: Mapping[str, object]) -> Any:
    doing, token = operation.doing, config.change_token if operation.change else config.token
    own = {"Project-Access-Token": token} if config.project_tokens else {"Authorization": f"Bearer {token}"}
    body = {"query": operation.text, "variables": variables, "operationName": operation.name}
    try:
        async with (
            asyncio.timeout(config.timeout),
            aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=None)) as session,
            session.post(
                config.url, json=body, headers={**own, "User-Agent": "hutch"}, allow_redirects=False
            ) as answer,
        ):
            content = await _bounded(answer.content)
    except aiohttp.ClientConnectorError as error:
        raise RailwaySilent(f"cannot {doing}: Railway is not reached: {error}", sent=False) from None
    except TimeoutError:
        raise RailwaySilent(f"cannot {doing}: no whole answer within {config.timeout:g} s", sent=True) from None
    except (aiohttp.ClientError, OSError) as error:
        raise RailwaySilent(f"cannot {doing}: the connection broke: {type(error).__name__}", sent=True) from None
    return _told(operation, answer.status, answer.headers, _json(content))


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    found = bytearray()
    async for piece in content.iter_chunked(65536):
        found += piece
        if len(found) > MOST_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(found)


def _told(operation: Operation, status: int, headers: Mapping[str, str], found: object) -> Any:
    """The answer: a value, or errors that come with any status."""
    doing = operation.doing
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = asked_to_wait(headers, time.time())
        raise RailwayRefused(f"cannot {doing}: Railway asks to call again in {wait:.0f} s", recoverable=True, wait=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise RailwaySilent(f"cannot {doing}: Railway answers {status}", sent=True)
    data = found.get("data") if isinstance(found, dict) else None
    errors = found.get("errors") if isinstance(found, dict) else None
    if errors:
        raise _refusal(operation, errors)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise RailwayRefused(f"cannot {doing}: Railway answers {status}")
    value = next(iter(data.values()), None) if isinstance(data, dict) else None
    if value is None:
        raise RailwaySilent(f"cannot {doing}: the answer is not of the expected form", sent=True)
    return value


def _refusal(operation: Operation, errors: object) -> RailwayRefused | RailwaySilent:
    rows = errors if isinstance(errors, list) else []
    said = "; ".join(str(row.get("message", "")) for row in rows if isinstance(row, dict))[:MESSAGE]
    if DENIED in said.lower():
        return RailwayRefused(
            f"cannot {operation.doing}: the token has not the right to it, or has expired, or there is no such thing"
        )
    if VAGUE in said.lower() or not said:
        return RailwaySilent(f"cannot {operation.doing}: Railway says “{said or 'nothing'}”", sent=True)
    return RailwayRefused(f"cannot {operation.doing}: {said}")


def asked_to_wait(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait, by ``Retry-After`` or by ``X-RateLimit-Reset``, seconds since 1970; 1 where neither is said.

    >>> asked_to_wait({"Retry-After": "7"}, 1000.0)
    7.0
    """
    after, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    if after.isascii() and after.isdigit():
        return float(after)
    if reset.isascii() and reset.isdigit():
        return max(0.0, int(reset) - now)
    return 1.0


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None
