"""Keeps a server that doesn't answer from slowing every request: after some failures it is left alone for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 2
"""Failures in a row that open it."""
PAUSE_S: Final = 1.0


class Breaker:
    """Open after `FAILURES` in a row; then one try a `PAUSE_S` passes until one succeeds.

    `clock` gives monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._closed_again = 0.0

    @property
    def open(self) -> bool:
        """Whether the server counts as gone."""
        return self._failures >= FAILURES

    def allows(self) -> bool:
        """Whether to try now. While open, the one that may try keeps the others from it for the pause."""
        if not self.open:
            return True
        now = self._clock()
        if now < self._closed_again:
            return False
        self._closed_again = now + PAUSE_S
        return True

    def succeeded(self) -> None:
        """It answered."""
        self._failures = 0

    def failed(self) -> None:
        """It did not answer."""
        self._failures += 1
        if self.open:
            self._closed_again = self._clock() + PAUSE_S
