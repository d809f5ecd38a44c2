"""A clock that stands still, and secrets that nobody keeps."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands still until it is advanced; a sleeper wakes when its time has come."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The time that was set."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Return when the clock was advanced by ``seconds``."""
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + timedelta(seconds=seconds), sleeper))
        self.advance(0)
        await sleeper

    def advance(self, seconds: float) -> None:
        """Let time pass; those who wake run when the caller next awaits."""
        self._now += timedelta(seconds=seconds)
        for _, sleeper in (due := [s for s in self._sleepers if s[0] <= self._now]):
            if not sleeper.done():
                sleeper.set_result(None)
        self._sleepers = [s for s in self._sleepers if s not in due]


class FakeSecrets:
    """Secrets from a mapping of references (``env:NAME``) to values."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})

    def resolve(self, reference: str) -> str:
        """The value. Raises ``LookupError`` that names the reference only."""
        if reference not in self._values:
            raise LookupError(f"no secret {reference}")
        return self._values[reference]

    def mask(self, text: str) -> str:
        """``text`` with every known value replaced by ``•••``, the longest first."""
        for value in sorted(filter(None, self._values.values()), key=len, reverse=True):
            text = text.replace(value, "•••")
        return text
