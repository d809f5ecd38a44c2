"""Says of a repeated event whether it is worth a note now. Pure but for the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

KEPT: Final = 10_000
"""Keys that are remembered at most; beyond that everything is forgotten, and noted once more."""


class Seldom:
    """Lets each key pass once in ``seconds``. ``clock`` gives monotonic seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._passed: dict[str, float] = {}

    def may(self, key: str) -> bool:
        """Whether this one passes."""
        now = self._clock()
        if now - self._passed.get(key, -self._seconds) < self._seconds:
            return False
        if len(self._passed) >= KEPT:
            self._passed.clear()
        self._passed[key] = now
        return True
