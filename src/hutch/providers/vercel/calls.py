"""One call of Vercel's REST API, tried again where that is safe, its errors classified."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import aiohttp

from hutch.providers.vercel.config import Config
from hutch.remote import Refused, Silent, asked_to_wait

ATTEMPTS = 3
"""A read is tried as often. A change is sent again only after an answer that says that it was not looked at: 429."""
FIRST_WAIT = 0.5
"""Seconds before a read is tried again that got no answer; then twice as long."""
MOST_BYTES = 20_000_000
MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``doing`` says what it is for, in the words of an error."""

    doing: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, object] | None = None
    base: str = ""

    @property
    def change(self) -> bool:
        """Whether it asks for a change."""
        return self.body is not None


async def call(config: Config, ask: Ask) -> Mapping[str, Any]:
    """The answer's object. Raises :class:`Refused` or :class:`Silent`, which never name a token."""
    pause = FIRST_WAIT
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _once(config, ask)
        except Refused as error:
            if not error.recoverable or attempt == ATTEMPTS or error.wait > config.patience:
                raise
            pause = error.wait
        except Silent:
            if ask.change or attempt == ATTEMPTS:
                raise
        await asyncio.sleep(pause)
        pause = max(FIRST_WAIT, pause * 2)
    raise AssertionError("the last attempt returns or raises")


async def _once(config: Config, ask: Ask) -> Mapping[str, Any]:
    token = config.change_token if ask.change else config.token
    query = {**ask.query, **({"teamId": config.team} if config.team else {})}
    url = f"{ask.base or config.url}{ask.path}" + (f"?{urlencode(query)}" if query else "")
    try:
        async with (
            asyncio.timeout(config.timeout),
            aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=None)) as session,
            session.request(
                "POST" if ask.change else "GET",
                url,
                json=ask.body,
                headers={"Authorization": f"Bearer {token}"},
                allow_redirects=False,
            ) as answer,
        ):
            content = await _bounded(answer.content)
    except aiohttp.ClientConnectorError as error:
        raise Silent(f"cannot {ask.doing}: Vercel is not reached: {error}", sent=False) from None
    except TimeoutError:
        raise Silent(f"cannot {ask.doing}: no whole answer within {config.timeout:g} s", sent=True) from None
    except (aiohttp.ClientError, OSError) as error:
        said = f"cannot {ask.doing}: the connection broke: {type(error).__name__}"
        raise Silent(said, sent=True) from None
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(ask, answer.status, answer.headers, content)
    return _object(ask, content)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    found = bytearray()
    async for piece in content.iter_chunked(65536):
        found += piece
        if len(found) > MOST_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(found)


def _object(ask: Ask, content: bytes) -> Mapping[str, Any]:
    """The answer to a change may be empty; every other is an object."""
    found = _json(content)
    if isinstance(found, dict):
        return found
    if ask.change and (found is None and content.strip() in (b"", b"null")):
        return {}
    raise Silent(f"cannot {ask.doing}: the answer is not of the expected form", sent=True)


def _refusal(ask: Ask, status: int, headers: Mapping[str, str], content: bytes) -> Refused | Silent:
    found = _json(content)
    told = found.get("error") if isinstance(found, dict) else None
    error = told if isinstance(told, dict) else {}
    code, message = str(error.get("code") or status), str(error.get("message") or "")[:MESSAGE]
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = asked_to_wait(headers, time.time())
        said = f"cannot {ask.doing}: Vercel asks to call again in {wait:.0f} s ({code})"
        return Refused(said, recoverable=True, wait=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Silent(f"cannot {ask.doing}: Vercel answers {status} ({code})", sent=True)
    if status == HTTPStatus.UNAUTHORIZED or error.get("invalidToken"):
        return Refused(f"cannot {ask.doing}: Vercel does not know the token, or it has expired ({code})")
    if status == HTTPStatus.FORBIDDEN:
        return Refused(f"cannot {ask.doing}: the token has not the right to it ({code})")
    return Refused(f"cannot {ask.doing}: {code}{f': {message}' if message else ''}")


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except ValueError:
        return None
