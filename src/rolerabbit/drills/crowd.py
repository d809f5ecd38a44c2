"""Requests at a steady rate from threads, for as long as a fault stands, counted by what came of them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from math import ceil
from typing import Final

PER_THREAD: Final = 8.0
"""Requests a second that one thread makes at most."""


class Crowd:
    """Calls ``act`` at about ``rate`` a second; what it returns is counted. It runs in several threads.

    ``threads``: as many of them, and so requests at once at most; 0: as many as the rate needs.
    """

    def __init__(self, rate: float, act: Callable[[], str], threads: int = 0) -> None:
        self._act = act
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        size = threads or max(1, ceil(rate / PER_THREAD))
        pause = size / rate
        self._threads = [
            threading.Thread(target=self._run, args=(pause, number * pause / size), daemon=True)
            for number in range(size)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def counts(self) -> dict[str, int]:
        """How often each outcome came."""
        with self._lock:
            return dict(self._counts)

    @property
    def total(self) -> int:
        """How many there were."""
        return sum(self.counts.values())

    def count(self, outcome: str) -> int:
        """How often this outcome came."""
        return self.counts.get(outcome, 0)

    def close(self) -> None:
        """No more; those under way are finished."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, pause: float, offset: float) -> None:
        due = time.monotonic() + offset
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            outcome = self._act()
            with self._lock:
                self._counts[outcome] += 1
            due = max(due + pause, time.monotonic())
