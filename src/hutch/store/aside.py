"""Tables beside the log, for what is no event: each over an engine of its own, used in a thread, and never in the way.

In a SQLite file that is not synced at each write, or on Postgres in a schema of their own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.exc import SQLAlchemyError

T = TypeVar("T")


class Aside:
    """One such table, made at its first use. ``what`` is said in the log where it cannot be used."""

    def __init__(self, engine: Callable[[], Engine], metadata: MetaData, what: str, log: logging.Logger) -> None:
        self._make, self._metadata, self._what, self._log = engine, metadata, what, log
        self._engine: Engine | None = None
        self._turn = asyncio.Lock()
        self._making = threading.Lock()

    async def close(self) -> None:
        """Let go of the table. Harmless when it was never used."""
        async with self._turn:
            if self._engine:
                await asyncio.to_thread(self._engine.dispose)

    async def _try(self, work: Callable[[Connection], T], otherwise: T) -> T:
        async with self._turn:
            try:
                return await asyncio.to_thread(self._within, work)
            except (SQLAlchemyError, OSError) as error:
                cause = getattr(error, "orig", None) or error
                self._log.warning("%s: %s: %s", self._what, type(cause).__name__, str(cause).partition("\n")[0])
                return otherwise

    def _within(self, work: Callable[[Connection], T]) -> T:
        with self._making:  # a caller that was cancelled leaves its thread at work
            if self._engine is None:
                engine = self._make()
                self._metadata.create_all(engine)
                self._engine = engine
        with self._engine.begin() as connection:
            return work(connection)
