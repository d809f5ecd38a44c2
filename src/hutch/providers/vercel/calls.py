"""One call of Vercel's REST API, tried again where that is safe, its errors classified."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from hutch.providers.vercel.config import Config
from hutch.remote import Asked, Refused, Silent, asked_to_wait, exchange, json_of, tried

MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``doing`` says what it is for, in the words of an error. ``trusted``: only the token for changes may
    read it."""

    doing: str
    path: str
    query: Mapping[str, str]
    body: Mapping[str, object] | None = None
    base: str = ""
    method: str = "POST"
    trusted: bool = False

    @property
    def change(self) -> bool:
        """Whether it asks for a change."""
        return self.body is not None


async def call(config: Config, ask: Ask) -> Mapping[str, Any]:
    """The answer's object. Raises :class:`Refused` or :class:`Silent`, which never name a token."""
    return await tried(lambda: _once(config, ask), change=ask.change, patience=config.patience)


async def _once(config: Config, ask: Ask) -> Mapping[str, Any]:
    token = config.change_token if ask.change or ask.trusted else config.token
    query = {**ask.query, **({"teamId": config.team} if config.team else {})}
    url = f"{ask.base or config.url}{ask.path}" + (f"?{urlencode(query)}" if query else "")
    own = {"Authorization": f"Bearer {token}"}
    asked = Asked(ask.doing, "Vercel", ask.method if ask.change else "GET", url, own, ask.body)
    answer = await exchange(asked, config.timeout)
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        raise _refusal(ask, answer.status, answer.headers, answer.content)
    return _object(ask, answer.content)


def _object(ask: Ask, content: bytes) -> Mapping[str, Any]:
    """The answer to a change may be empty; every other is an object."""
    found = json_of(content)
    if isinstance(found, dict):
        return found
    if ask.change and (found is None and content.strip() in (b"", b"null")):
        return {}
    raise Silent(f"cannot {ask.doing}: the answer is not of the expected form", sent=True)


def _refusal(ask: Ask, status: int, headers: Mapping[str, str], content: bytes) -> Refused | Silent:
    found = json_of(content)
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
