"""How often somebody may do something: counted in Redis for all replicas, or for this process alone without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from rolerabbit.config import Limit
from rolerabbit.remote import Remote, Unavailable

PREFIX: Final = "rr:rate:"
KEPT: Final = 50_000
"""Counters that one process keeps at most; beyond that those that are over go, then all."""
COUNT: Final = """
local found = {}
for i, key in ipairs(KEYS) do
    local count = redis.call('INCR', key)
    local left = redis.call('PTTL', key)
    if left < 0 then
        left = tonumber(ARGV[i])
        redis.call('PEXPIRE', key, left)
    end
    found[#found + 1] = count
    found[#found + 1] = left
end
return found
"""
TAKE_BACK: Final = """
for _, key in ipairs(KEYS) do
    if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that is passed: whose counter, how far it got, and in how many seconds it starts anew."""

    key: str
    count: int
    limit: Limit
    seconds: int


class Windows:
    """The counters of this process. `clock` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[int, float]] = {}

    def count(self, key: str, window: float) -> tuple[int, float]:
        """Count one more; the count, and the seconds until it starts anew."""
        now = self._clock()
        count, end = self._counts.get(key, (0, 0.0))
        if end <= now:
            self._make_room(now)
            count, end = 0, now + window
        self._counts[key] = (count + 1, end)
        return count + 1, end - now

    def take_back(self, key: str) -> None:
        """Count one less."""
        count, end = self._counts.get(key, (0, 0.0))
        if count > 0:
            self._counts[key] = (count - 1, end)

    def _make_room(self, now: float) -> None:
        if len(self._counts) >= KEPT:
            self._counts = {key: found for key, found in self._counts.items() if found[1] > now}
        if len(self._counts) >= KEPT:
            self._counts.clear()


class Limiter:
    """Counts in fixed windows that begin with the first occurrence."""

    def __init__(self, remote: Remote, windows: Windows | None = None) -> None:
        self._remote = remote
        self._windows = windows or Windows()

    async def hit(self, limits: Mapping[str, Limit]) -> Excess | None:
        """Count one for each key; the limit that is passed furthest ahead in time, if any is."""
        try:
            readings = await self._counted(limits)
        except Unavailable:
            readings = [self._windows.count(key, limit.seconds) for key, limit in limits.items()]
        passed = [
            Excess(key, count, limit, max(1, ceil(left)))
            for (key, limit), (count, left) in zip(limits.items(), readings, strict=True)
            if count > limit.count
        ]
        return max(passed, key=lambda excess: excess.seconds, default=None)

    async def take_back(self, limits: Mapping[str, Limit]) -> None:
        """It did not count after all."""
        for key in limits:
            self._windows.take_back(key)
        try:
            await self._remote.do("EVAL", TAKE_BACK, len(limits), *(PREFIX + key for key in limits))
        except Unavailable:
            return

    async def _counted(self, limits: Mapping[str, Limit]) -> list[tuple[int, float]]:
        keys = [PREFIX + key for key in limits]
        windows = [limit.seconds * 1000 for limit in limits.values()]
        found: list[Any] = await self._remote.do("EVAL", COUNT, len(keys), *keys, *windows)
        return [(int(found[i]), int(found[i + 1]) / 1000) for i in range(0, len(found), 2)]
