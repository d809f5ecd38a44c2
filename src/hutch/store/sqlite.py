"""The store on one SQLite file (DESIGN §4, "Embedded")."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection

from hutch.model.event import Event
from hutch.ports import Append, Job, Place, Wallclock
from hutch.store import log
from hutch.store.chain import settled
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.database import Database
from hutch.store.jobs import JobTable, defer, finish_in_commit

LOOK_SECONDS = 0.25
"""How often events that other processes wrote are looked for while somebody waits for one."""


class SqliteStore:
    """The event log in the file at ``path``, which is made if it is missing. Raises ``StoreError``.

    Several processes may use one file at the same time. ``at`` of an event is what ``clock`` said when it was
    written, even if that clock stepped back: order is ``seq`` (and ``position`` over all streams).
    """

    def __init__(self, path: Path, clock: Wallclock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._database = Database(Path(path))
        self.jobs = JobTable(self._database, clock)

    async def commit(
        self, appends: Sequence[Append], jobs: Sequence[Job] = (), *, done: int | None = None
    ) -> list[Event]:
        """See :class:`hutch.ports.Store`. ``Conflict`` also when ``done`` is no job of this process any more."""
        ready = settled(appends)

        def write(connection: Connection) -> list[Event]:
            now = self._clock.now().astimezone(UTC)
            if done is not None:
                finish_in_commit(connection, done)
            written = log.append_all(connection, ready, now)
            for job in jobs:
                defer(connection, job, now)
            return written

        return await self._database.write(write, wakes=bool(jobs) or done is not None)

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        """The stream's events with ``seq > after``, in order; empty for an unknown stream."""
        return await self._database.read(lambda connection: log.read_stream(connection, stream, after))

    async def read_all(self, streams: Sequence[str]) -> list[list[Event]]:
        """The events of each of these streams, in order: one look in a thread for all."""
        return await self._database.read(lambda connection: log.read_streams(connection, streams))

    async def streams(self, prefix: str = "") -> list[str]:
        """The names of the streams that begin with ``prefix``, in order of their first event."""
        return await self._database.read(lambda connection: log.stream_names(connection, prefix))

    async def since(self, kind: str, at: datetime) -> list[Event]:
        """The events of one kind, in any stream, written at or after ``at``, in writing order."""
        return await self._database.read(lambda connection: log.read_since(connection, kind, at))

    async def tail(self, position: int = 0, limit: int = 1000) -> list[tuple[int, Event]]:
        """Events of all streams in writing order, each with its position, behind ``position``."""
        return await self._database.read(lambda connection: log.read_tail(connection, position, limit))

    async def places(self, position: int = 0, limit: int = 1000) -> list[Place]:
        """Where those events stand, without what they say."""
        return await self._database.read(lambda connection: log.read_places(connection, position, limit))

    async def wait(self, position: int, timeout: float) -> None:
        """Return when an event stands behind ``position``, or after ``timeout`` seconds.

        What this process writes is seen at once, what another one writes within ``LOOK_SECONDS``.
        """
        loop, grown = asyncio.get_running_loop(), asyncio.Event()
        deadline = loop.time() + timeout

        def wake() -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(grown.set)

        with self._database.watching(wake):
            while not await self.tail(position, 1) and (left := deadline - loop.time()) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, LOOK_SECONDS)):
                        await grown.wait()
                grown.clear()

    async def erase(self, stream: str, seq: int) -> bool:
        """Put ``ERASED`` in place of an event's data, in the file too; False if there is no such event.

        For data that the law makes us erase; the chain still proves the rest. Say in an event that it was done.
        """
        erased = await self._database.write(lambda connection: log.erase(connection, stream, seq))
        await self._database.checkpoint()
        return erased

    async def positions(self, stream: str) -> list[int]:
        """Where its events stand among those of all streams, in order."""
        return await self._database.read(lambda connection: log.positions(connection, stream))

    async def cut(self, stream: str, upto: int) -> int:
        """See :class:`hutch.ports.Store`. The file keeps its size; what is written next fills what became free."""
        return await self._database.write(lambda connection: log.cut(connection, stream, upto))

    async def put_back(self, rows: Sequence[tuple[int, Event]]) -> int:
        """See :class:`hutch.ports.Store`."""
        return await self._database.write(lambda connection: log.put_back(connection, rows))

    async def close(self) -> None:
        """Write what is pending and let go of the file. Harmless when repeated."""
        await self._database.close()
