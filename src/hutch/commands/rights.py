"""Whether a service's platforms answer all that they may be asked: each verb that looks, once, for little."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hutch.commands.context import Service
from hutch.model.platform import LogQuery, Platform, Unanswered

SHORT = timedelta(minutes=1)
"""How far back the logs are asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One verb of one platform; ``error`` is why it was not answered, and names the right that is missing.
    ``recoverable``: the platform was not reached."""

    provider: str
    verb: str
    error: str = ""
    recoverable: bool = False


async def asked(service: Service, now: datetime) -> list[Asked]:
    """Every verb of every platform of the service; platforms at the same time, the verbs of one after another."""
    on = [(name, c.platform) for name, c in service.connections.items() if c.platform]
    found = await asyncio.gather(*(_of(name, platform, now) for name, platform in on))
    return [one for rows in found for one in rows]


async def _of(provider: str, platform: Platform, now: datetime) -> list[Asked]:
    return [
        await _verb(provider, "service.status", platform.standing()),
        await _verb(provider, "deploy.list", platform.deployments()),
        await _verb(provider, "logs.search", platform.logs(LogQuery(since=now - SHORT, limit=1))),
    ]


async def _verb(provider: str, verb: str, call: Awaitable[object]) -> Asked:
    try:
        await call
    except Unanswered as error:
        return Asked(provider, verb, str(error), error.recoverable)
    return Asked(provider, verb)
