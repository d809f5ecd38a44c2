"""One operation of Railway's GraphQL API, tried again where that is safe, its errors classified."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from hutch.providers.railway.config import Config
from hutch.remote import Asked, Refused, Silent, asked_to_wait, exchange, json_of, tried

MESSAGE = 300
DENIED = "not authorized"
VAGUE = "problem processing request"
"""What Railway says of any failure of its own: of a change it tells nothing."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A document of one operation. ``doing`` says what it is for, in the words of an error. ``may_be_null``: its field
    says by null that there is none."""

    doing: str
    name: str
    text: str
    may_be_null: bool = False

    @property
    def change(self) -> bool:
        """Whether it asks for a change."""
        return self.text.startswith("mutation")


async def call(config: Config, operation: Operation, variables: Mapping[str, object]) -> Any:
    """What the operation's field gives. Raises :class:`Refused` or :class:`Silent`, never with a
    token."""
    return await tried(lambda: _once(config, operation, variables), change=operation.change, patience=config.patience)


async def _once(config: Config, operation: Operation, variables: Mapping[str, object]) -> Any:
    doing, token = operation.doing, config.change_token if operation.change else config.token
    own = {"Project-Access-Token": token} if config.project_tokens else {"Authorization": f"Bearer {token}"}
    body = {"query": operation.text, "variables": variables, "operationName": operation.name}
    asked = Asked(doing, "Railway", "POST", config.url, {**own, "User-Agent": "hutch"}, body)
    answer = await exchange(asked, config.timeout)
    return _told(operation, answer.status, answer.headers, json_of(answer.content))


def _told(operation: Operation, status: int, headers: Mapping[str, str], found: object) -> Any:
    """The answer: a value, or errors that come with any status."""
    doing = operation.doing
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = asked_to_wait(headers, time.time())
        raise Refused(f"cannot {doing}: Railway asks to call again in {wait:.0f} s", recoverable=True, wait=wait)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Silent(f"cannot {doing}: Railway answers {status}", sent=True)
    data = found.get("data") if isinstance(found, dict) else None
    errors = found.get("errors") if isinstance(found, dict) else None
    if errors:
        raise _refusal(operation, errors)
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise Refused(f"cannot {doing}: Railway answers {status}")
    value = next(iter(data.values()), None) if isinstance(data, dict) else None
    if value is None and not (operation.may_be_null and data):
        raise Silent(f"cannot {doing}: the answer is not of the expected form", sent=True)
    return value


def _refusal(operation: Operation, errors: object) -> Refused | Silent:
    rows = errors if isinstance(errors, list) else []
    said = "; ".join(str(row.get("message", "")) for row in rows if isinstance(row, dict))[:MESSAGE]
    if DENIED in said.lower():
        return Refused(
            f"cannot {operation.doing}: the token has not the right to it, or has expired, or there is no such thing"
        )
    if VAGUE in said.lower() or not said:
        return Silent(f"cannot {operation.doing}: Railway says “{said or 'nothing'}”", sent=True)
    return Refused(f"cannot {operation.doing}: {said}")
