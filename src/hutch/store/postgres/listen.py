"""Hears what other processes tell through the database (LISTEN/NOTIFY), on a connection of its own.

A notice only wakes: whoever waits looks for itself, and looks now and then even if nobody calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from psycopg import sql

from hutch.ports import StoreAway
from hutch.store.errors import StoreError
from hutch.store.postgres.errors import Reported
from hutch.store.postgres.server import Connection, Server

EVENTS = "hutch_events"
"""The channel on which every commit of the log is told."""

AGAIN_SECONDS = 1.0
"""Pause before a lost connection is made anew; those who wait poll meanwhile."""


class Listener:
    """Wakes the waiters of this process. It connects when the first one comes."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._waiters: dict[asyncio.Event, str] = {}
        self._channels: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._more = asyncio.Event()

    @contextmanager
    def woken(self, channel: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever something is told on ``channel``, and when nothing may have been heard."""
        event = asyncio.Event()
        self._waiters[event] = channel
        if channel not in self._channels:
            self._channels.add(channel)
            self._more.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="store listener")
        try:
            yield event
        finally:
            del self._waiters[event]

    def tell(self, channel: str) -> None:
        """Wake those of this process."""
        for event, wanted in self._waiters.items():
            if wanted == channel:
                event.set()

    async def close(self) -> None:
        """Stop listening. Harmless when repeated."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait([task])

    async def _listen(self) -> None:
        while True:
            with suppress(*Reported, StoreAway, StoreError):
                connection = await self._server.connect()
                async with connection:
                    await self._follow(connection)
            await asyncio.sleep(AGAIN_SECONDS)

    async def _follow(self, connection: Connection) -> None:
        heard: set[str] = set()
        while True:
            self._more.clear()
            for channel in self._channels - heard:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                heard.add(channel)
                self.tell(channel)  # from now on nothing is missed; what came before, one has to look for
            await self._until_more(connection)

    async def _until_more(self, connection: Connection) -> None:
        """Pass on what is told, until another channel is wanted or the connection breaks."""
        more = asyncio.create_task(self._more.wait())
        notices = asyncio.create_task(self._pass_on(connection))
        try:
            await asyncio.wait([more, notices], return_when=asyncio.FIRST_COMPLETED)
        finally:
            more.cancel()
            notices.cancel()
            await asyncio.wait([more, notices])
        if not notices.cancelled():
            notices.result()

    async def _pass_on(self, connection: Connection) -> None:
        async for notice in connection.notifies():
            self.tell(notice.channel)
