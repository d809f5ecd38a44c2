"""What each replica keeps in memory of the database: read anew when it is told of a change, and now and then anyway."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Any, Final, Protocol

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout, TooManyRequests

from rolerabbit.config import Settings

CHANNEL: Final = "rolerabbit_safeguards"
"""What the triggers of migration 016 notify."""
LISTENING_S: Final = 5.0
"""Seconds between two looks while somebody would tell: a notification can be lost, on a pooler all of them are."""
DEAF_S: Final = 1.0
"""Seconds between two looks while nobody tells."""
GATHER_S: Final = 0.05
"""Seconds in which what follows a notification counts as one with it: a thousand blocks are read once."""
_log = logging.getLogger("rolerabbit.news")


class Kept(Protocol):
    """Something that is kept in memory."""

    async def refresh(self, connection: AsyncConnection[Any]) -> None:
        """Read it if it has changed."""


class News:
    """Listens on a connection of its own: one that was borrowed from the pool would be missing there."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.database_url
        name = f"rolerabbit-news/{settings.release}"
        self._options = {**settings.connect_options, "application_name": name, "autocommit": True}
        self._listening: AsyncConnection[Any] | None = None

    @property
    def listening(self) -> bool:
        """Whether somebody would tell."""
        return self._listening is not None and not self._listening.closed

    async def wait(self) -> None:
        """Until there is news, or it is time to look without."""
        try:
            if self._listening is None or self._listening.closed:
                await self._listen()
                return
            if await _heard(self._listening, LISTENING_S):
                await _heard(self._listening, GATHER_S, everything=True)
        except (psycopg.Error, OSError) as error:
            _log.debug("nobody tells of changes: %s", error)
            await self.close()
            await asyncio.sleep(DEAF_S)

    async def close(self) -> None:
        """Listen no more."""
        opened, self._listening = self._listening, None
        if opened is not None:
            with contextlib.suppress(psycopg.Error, OSError):
                await opened.close()

    async def _listen(self) -> None:
        """What changed before is read by who waited."""
        opened = await AsyncConnection.connect(self._url, **self._options)
        self._listening = opened
        await opened.execute(f"LISTEN {CHANNEL}".encode())


async def _heard(connection: AsyncConnection[Any], seconds: float, everything: bool = False) -> bool:
    heard = False
    async for _ in connection.notifies(timeout=seconds, stop_after=None if everything else 1):
        heard = True
    return heard


async def keep_fresh(pool: AsyncConnectionPool[Any], news: News, kept: Sequence[Kept]) -> None:
    """Until cancelled; while the database doesn't answer, what was known last stays in force."""
    try:
        while True:
            for each in kept:
                try:
                    async with pool.connection() as connection:
                        await each.refresh(connection)
                except (psycopg.Error, PoolTimeout, TooManyRequests) as error:
                    _log.debug("%s was not refreshed: %s", type(each).__name__, error)
            await news.wait()
    finally:
        await news.close()
