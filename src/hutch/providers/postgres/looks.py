"""The frame of a check: what a look brought becomes a finding, and so does the server's trouble."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Finding, Seen, Status
from hutch.providers.postgres.errors import CAUSE_CODES, Kind, PostgresError
from hutch.providers.postgres.sessions import Session

SHOWN_GROUPS = 5
"""Lines of evidence for groups of sessions; the largest ones."""
NEEDS_MONITOR = "this login can't look into other roles' sessions: grant it pg_monitor"


@dataclass(frozen=True, slots=True)
class Probe:
    """A check: a look with its name, target and clock. A :class:`PostgresError` becomes a finding."""

    name: str
    target: str
    database: str
    look: Callable[[], Awaitable[Seen]]
    now: Callable[[], datetime]
    matters: bool = True

    async def __call__(self) -> Finding:
        started, at = time.monotonic(), self.now()
        try:
            seen = await self.look()
        except PostgresError as error:
            seen = failure(error, self.database)
        return seen.by(self.name, self.target, at, time.monotonic() - started, self.matters)


@dataclass(slots=True)
class Seldom:
    """A look at what changes slowly: while all is well it is not repeated within ``every`` seconds."""

    look: Callable[[], Awaitable[Seen]]
    every: float
    now: Callable[[], float] = time.monotonic
    _last: tuple[float, Seen] | None = None

    async def __call__(self) -> Seen:
        if self._last and self.now() - self._last[0] < self.every and self._last[1].status is Status.OK:
            return self._last[1]
        seen = await self.look()
        self._last = (self.now(), seen)
        return seen


def failure(error: PostgresError, database: str) -> Seen:
    """A look that failed: bad when the server itself is in trouble, else "could not tell" with the reason."""
    code = CAUSE_CODES.get(error.kind)
    if code is None:
        return Seen(Status.UNKNOWN, f"could not look: {error}", reason=str(error))
    data = {"code": code, "database": database}
    return Seen(Status.BAD, _HEADLINES[error.kind], data, evidence=(str(error),), reason=str(error))


_HEADLINES = {
    Kind.UNREACHABLE: "the server can't be reached",
    Kind.AUTH: "the server refuses this login",
    Kind.EXHAUSTED: "the server has no connection left",
    Kind.FULL: "the server's disk is full",
    Kind.DAMAGED: "the server met damaged pages",
}


def described(session: Session) -> str:
    """One session on one line, for evidence and previews."""
    who = f"{session.role} {session.application or '(no application name)'}"
    return f"pid {session.pid}: {who}, {session.state} for {session.idle_seconds:.0f} s, last: {session.query}"
