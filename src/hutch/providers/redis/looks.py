"""The frame of a check: what a look brought becomes a finding, and so does the server's trouble."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Finding, Seen, Status
from hutch.providers.redis.errors import UNREACHABLE, Kind, RedisError


@dataclass(frozen=True, slots=True)
class Probe:
    """A check: a look with its name, target and clock. A :class:`RedisError` becomes a finding."""

    name: str
    target: str
    look: Callable[[], Awaitable[Seen]]
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        started, at = time.monotonic(), self.now()
        try:
            seen = await self.look()
        except RedisError as error:
            seen = failure(error, self.target)
        return seen.by(self.name, self.target, at, time.monotonic() - started)


def failure(error: RedisError, where: str) -> Seen:
    """A look that failed: bad when the server itself is in trouble, else "could not tell" with the reason."""
    code = _CODES.get(error.kind)
    if code is None:
        return Seen(Status.UNKNOWN, f"could not look: {error}", reason=str(error))
    data = {"code": code, "why": str(error.kind), "where": where}
    return Seen(Status.BAD, _HEADLINES[error.kind], data, evidence=(str(error),), reason=str(error))


_CODES = {
    **dict.fromkeys(UNREACHABLE, "redis.unreachable"),
    Kind.FULL: "redis.clients_exhausted",
    Kind.BUSY: "redis.slow_command",
}
_HEADLINES = {
    Kind.REFUSED: "the server can't be reached",
    Kind.SILENT: "the server does not answer",
    Kind.AUTH: "the server refuses this login",
    Kind.LOADING: "the server is loading its data and answers nothing yet",
    Kind.FULL: "the server takes no further client: maxclients is reached",
    Kind.BUSY: "a script runs in the server, and nothing else until it ends",
}
