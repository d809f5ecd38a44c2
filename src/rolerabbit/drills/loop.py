"""Work that a fault repeats in a thread until it is undone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg
import redis


class Loop:
    """Repeats ``work`` until closed, ``pause()`` seconds apart; what a server refuses is tried again."""

    def __init__(self, work: Callable[[], object], pause: Callable[[], float]) -> None:
        self._work, self._pause = work, pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, and wait for the end."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(redis.RedisError, psycopg.Error):
                self._work()
            self._stop.wait(self._pause())
