"""The store on Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol

from psycopg import Connection as Plain

from hutch.model.event import ERASED, Event, canonical, instant, text_of
from hutch.ports import Append, Job, Place, Wallclock
from hutch.store.chain import by_stream, event_from, settled
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.postgres.group import Commit, columns
from hutch.store.postgres.listen import EVENTS, Listener
from hutch.store.postgres.queries import query
from hutch.store.postgres.schema import QueueSchema, ensure_current
from hutch.store.postgres.server import Connection, Server
from hutch.store.postgres.writer import Jobs, Writer

LOOK_SECONDS = 1.0
"""How often one who waits for an event looks by itself: for the moments when the listening connection is lost."""


class QueueInside(Jobs, Protocol):
    """The queue in the same database: :mod:`hutch.queue.postgres` is one."""

    def current(self, connection: Plain[Any]) -> bool:
        """Whether its tables are there and as it needs them."""

    def prepare(self, connection: Plain[Any]) -> None:
        """Make or bring them up to date, in the transaction of ``connection``."""

    def open(self, server: Server, listener: Listener) -> None:
        """The database that it is in; called once, connects to nothing."""

    async def close(self) -> None:
        """Give back what it holds, while the server is still open."""


class PostgresStore:
    """The event log in the database at ``url``; its tables are made when it is first used.

    Any number of processes may use it at the same time. ``at`` of an event is what ``clock`` said when it was written;
    order is ``seq`` (and ``position`` over all streams). Raises ``StoreError`` for an address that is none.
    """

    def __init__(self, url: str, jobs: QueueInside, clock: Wallclock = SYSTEM_CLOCK) -> None:
        schema = QueueSchema(jobs.current, jobs.prepare)
        self.server = Server(url, lambda conninfo, place: ensure_current(conninfo, place, schema))
        self._listener = Listener(self.server)
        self._writer = Writer(self.server, jobs, clock)
        self._jobs = jobs
        jobs.open(self.server, self._listener)

    async def commit(
        self, appends: Sequence[Append], jobs: Sequence[Job] = (), *, done: int | None = None
    ) -> list[Event]:
        """See :class:`hutch.ports.Store`. ``Conflict`` also when ``done`` is no job of this process any more.

        Raises ``ValueError`` for text that Postgres can't hold: the character U+0000, or half a surrogate pair.
        """
        ready = settled(appends)
        for append in ready:
            _check_text(append.stream, *(text for d in append.drafts for text in (d.kind, d.actor, text_of(d.data))))
        for job in jobs:
            _check_text(job.kind, job.lock, job.unique, canonical(dict(job.data)))
        written = await self._writer.write(Commit(ready, tuple(jobs), done))
        if written:
            self._listener.tell(EVENTS)
        return written

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        """The stream's events with ``seq > after``, in order; empty for an unknown stream."""
        return [event_from(r) for r in await self.server.rows(query("read_stream"), stream=stream, after=after)]

    async def read_all(self, streams: Sequence[str]) -> list[list[Event]]:
        """The events of each of these streams, in order, by one statement."""
        found = await self.server.rows(query("read_streams"), streams=list(streams))
        return by_stream(map(event_from, found), streams)

    async def streams(self, prefix: str = "") -> list[str]:
        """The names of the streams that begin with ``prefix``, in order of their first event."""
        return list(dict.fromkeys(row.stream for row in await self.server.rows(query("streams"), prefix=prefix)))

    async def since(self, kind: str, at: datetime) -> list[Event]:
        """The events of one kind, in any stream, written at or after ``at``, in writing order."""
        return [event_from(r) for r in await self.server.rows(query("since"), kind=kind, at=instant(at))]

    async def tail(self, position: int = 0, limit: int = 1000) -> list[tuple[int, Event]]:
        """Events of all streams in writing order, each with its position, behind ``position``."""
        found = await self.server.rows(query("tail"), position=position, limit=limit)
        return [(row.position, event_from(row)) for row in found]

    async def places(self, position: int = 0, limit: int = 1000) -> list[Place]:
        """Where those events stand, without what they say."""
        found = await self.server.rows(query("places"), position=position, limit=limit)
        return [Place(row.position, row.stream, row.seq) for row in found]

    async def wait(self, position: int, timeout: float) -> None:
        """Return when an event stands behind ``position``, whoever wrote it, or after ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        with self._listener.woken(EVENTS) as grown:
            while not await self.tail(position, 1) and (left := deadline - loop.time()) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, LOOK_SECONDS)):
                        await grown.wait()
                grown.clear()

    async def erase(self, stream: str, seq: int) -> bool:
        """Put ``ERASED`` in place of an event's data; False if there is no such event.

        For data that the law makes us erase; the chain still proves the rest. Say in an event that it was done. The
        old row is gone from the table once the server has vacuumed it; backups and its write-ahead log are yours.
        """
        return await self._changed("erase", {"data": canonical(dict(ERASED)), "stream": stream, "seq": seq}) == 1

    async def positions(self, stream: str) -> list[int]:
        """Where its events stand among those of all streams, in order."""
        return [row.position for row in await self.server.rows(query("positions"), stream=stream)]

    async def cut(self, stream: str, upto: int) -> int:
        """See :class:`hutch.ports.Store`. The server's vacuum gives the room to what is written next."""
        return await self._changed("cut", {"stream": stream, "upto": upto})

    async def put_back(self, rows: Sequence[tuple[int, Event]]) -> int:
        """See :class:`hutch.ports.Store`."""
        values = columns([event for _, event in rows], 0) | {"position": [position for position, _ in rows]}
        return await self._changed("put_back", values) if rows else 0

    async def _changed(self, name: str, values: Mapping[str, object]) -> int:
        """How many rows a statement changed that may be given again; on the disk when it returns."""

        async def change(connection: Connection) -> int:
            async with connection.transaction():
                await connection.execute("SET LOCAL synchronous_commit TO on")
                return (await connection.execute(query(name), values)).rowcount

        return await self.server.patiently(change)

    async def close(self) -> None:
        """Write what is pending and let go of every connection. Harmless when repeated."""
        await self._writer.close()
        await self._listener.close()
        await self._jobs.close()
        await self.server.close()


def _check_text(*texts: str) -> None:
    for text in texts:
        if "\x00" in text:
            raise ValueError(f"{text[:40]!r} holds the character U+0000, which Postgres can't store")
        text.encode()
