"""Waiting that goes on though we are cancelled: for what has to be finished before the cancellation may count."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Firm:
    """Waits to the end, and notes that we were cancelled meanwhile."""

    def __init__(self) -> None:
        self._cancelled: asyncio.CancelledError | None = None

    async def wait(self, future: asyncio.Future[Any], seconds: float | None = None) -> bool:
        """Whether it was done within so many seconds, however often we are cancelled; it is not cancelled itself."""
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.time() + seconds
        while not future.done() and (end is None or loop.time() < end):
            try:
                await asyncio.wait({future}, timeout=None if end is None else end - loop.time())
            except asyncio.CancelledError as error:
                self._cancelled = error
        return future.done()

    def heard(self) -> None:
        """Be cancelled now, if we were meanwhile."""
        if self._cancelled is not None:
            raise self._cancelled


@contextmanager
def firm() -> Iterator[Firm]:
    """A block whose waits are not cut short: a cancellation counts once all of it is done."""
    waits = Firm()
    yield waits
    waits.heard()
