"""The queue on Postgres: procrastinate's tables, functions and notices, beside the event log.

A commit defers its jobs on its own connection, so events and jobs are one transaction. A process that takes jobs is one
of procrastinate's workers; its heart beats whenever it takes a job or renews one. Nothing rescues the jobs of a worker
that is gone by itself: whoever takes looks for them first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar
from weakref import WeakKeyDictionary

from procrastinate import sql as library
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager, get_channel_for_queues
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg import AsyncConnection, errors
from psycopg import Connection as Plain

from hutch.model.depth import Depth
from hutch.ports import Job, StoreAway, TakenJob, Wallclock
from hutch.queue import schema
from hutch.queue.queries import query
from hutch.queue.rows import is_timer, queueing_lock, row_of, rows_of, taken_from

T = TypeVar("T")
Connection = AsyncConnection[Any]

BEAT_SECONDS = 2.0
"""How often a worker's heart beats at most; a job under way is to be renewed as often."""

STALLED_SECONDS = 6.0
"""After so long without a beat a worker is gone and its jobs wait again."""

POLL_SECONDS = 0.5
"""How often one who waits looks by itself: a finished job and a dead worker send no notice."""

LOOK_SECONDS = 1.0
"""How often jobs of dead workers are looked for."""

FORGOTTEN_SECONDS = 600.0
"""After so long without a beat a worker's row goes; it makes a new one should it come back."""

CHANNEL = next(iter(get_channel_for_queues()))
"""Where the library tells that a job was deferred."""

Asked = tuple[list[str] | None, str | None]
_ANY: Asked = (None, None)


class Database(Protocol):
    """The store's database: ``patiently`` repeats the work while the server is away."""

    def borrowed(self) -> AbstractAsyncContextManager[Connection]:
        """A connection in autocommit mode, for a moment."""

    async def patiently(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """``work`` on a connection in autocommit mode."""


class Notices(Protocol):
    """Hears notices of the database."""

    def woken(self, channel: str) -> AbstractContextManager[asyncio.Event]:
        """An event that is set whenever something is told on ``channel``."""

    def tell(self, channel: str) -> None:
        """Wake those of this process."""


class ProcrastinateQueue:
    """The jobs of one database, for the workers of one process, which are one worker of procrastinate's.

    ``stalled`` in seconds by the server's clock, as the due times are; ``beat`` and ``look`` by ours.
    """

    def __init__(
        self,
        clock: Wallclock,
        *,
        stalled: float = STALLED_SECONDS,
        beat: float = BEAT_SECONDS,
        look: float = LOOK_SECONDS,
    ) -> None:
        self._clock, self._stalled, self._pace, self._look = clock, stalled, beat, look
        self._library = PsycopgConnector()
        self._manager = JobManager(self._library)
        self._asked: WeakKeyDictionary[asyncio.Task[Any], Asked] = WeakKeyDictionary()
        self._taking = asyncio.Lock()
        self._known: dict[int, float] = {}
        self._worker: int | None = None
        self._beaten = self._looked = float("-inf")
        self._doubtful = False

    # -------------------------------------------------------------- for the store

    def open(self, server: Database, listener: Notices) -> None:
        """The database that it is in; connects to nothing."""
        self._server, self._listener = server, listener

    def current(self, connection: Plain[Any]) -> bool:
        """Whether its tables are there and as it needs them."""
        return schema.current(connection)

    def prepare(self, connection: Plain[Any]) -> None:
        """Make or bring them up to date, in the transaction of ``connection``."""
        schema.prepare(connection)

    async def held(self, connection: Connection, ids: Sequence[int]) -> set[int]:
        """Which of these jobs this process holds; they stay so until the transaction ends."""
        values = {"ids": list(ids), "worker": self._worker}
        return {row[0] for row in await (await connection.execute(query("held"), values)).fetchall()}

    async def finish_all(self, connection: Connection, ids: Sequence[int]) -> None:
        """These jobs are done: part of the transaction that ``connection`` is in."""
        await connection.execute(query("finish_all"), {"ids": list(ids)})

    async def defer(self, connection: Connection, jobs: Sequence[Job], now: datetime) -> None:
        """Add jobs, each in place of a waiting one with the same unique key, in the transaction of ``connection``."""
        rows = rows_of(jobs, now)
        unique = [row.queueing_lock for row in rows if row.queueing_lock]
        if unique:
            await connection.execute(query("remove_twins"), {"queueing_locks": unique})
        await self._manager.batch_defer_jobs_async(rows, connection=connection)

    def committed(self, finished: Sequence[int] = ()) -> None:
        """Jobs were deferred by this process, or these finished: something may be takable now."""
        for job in finished:
            self._known.pop(job, None)
        self._listener.tell(CHANNEL)

    async def close(self) -> None:
        """Give back what is still held, at once, and go."""
        worker, self._worker = self._worker, None
        if worker is not None:
            with suppress(StoreAway):  # then it is found to be gone by its heart
                await self._ask("unregister_worker", worker_id=worker)

    # -------------------------------------------------------------- the queue

    async def take(self, kinds: Sequence[str], lock: str | None = None) -> TakenJob | None:
        """The due job that has waited longest, of these kinds and whose lock is free; None when there is none."""
        return next(iter(await self._take(kinds, lock, 1)), None)

    async def take_all(self, kinds: Sequence[str], most: int) -> list[TakenJob]:
        """Up to ``most`` of them, no two of one lock, in one transaction."""
        return await self._take(kinds, None, most)

    async def _take(self, kinds: Sequence[str], lock: str | None, most: int) -> list[TakenJob]:
        task = asyncio.current_task()
        if task is not None:
            self._asked[task] = (list(kinds), lock)
        async with self._taking:
            await self._alive()
            rows = await self._taken(list(kinds), lock, most)
            self._known |= {row["id"]: time.monotonic() for row in rows}
            return [taken_from(row) for row in rows]

    async def extend(self, taken: TakenJob) -> bool:
        """Beat; False when the job was lost and somebody else may have it."""
        ours = await self._if_ours(taken, _nothing)
        if ours:
            self._known[taken.id] = time.monotonic()
            await self._beat()
        else:
            self._known.pop(taken.id, None)
        return ours

    async def finish(self, taken: TakenJob) -> None:
        """Remove the job; nothing happens if it was lost and another has it."""

        async def done(connection: Connection) -> None:
            await self.finish_all(connection, [taken.id])

        await self._if_ours(taken, done)
        self._let_go(taken)

    async def fail(self, taken: TakenJob, retry_at: datetime | None) -> None:
        """Give the job back for ``retry_at``; None keeps it as failed, for the record."""

        async def gone(connection: Connection) -> None:
            await connection.execute(query("drop"), {"id": taken.id})

        async def again(connection: Connection) -> None:
            await self.finish_all(connection, [taken.id])
            await self._put_back(connection, taken, retry_at or self._clock.now())

        await self._if_ours(taken, gone if retry_at is None else again)
        self._let_go(taken)

    async def wait(self, timeout: float) -> None:
        """Return when a job is due for what this task last tried to take, at latest after ``timeout`` seconds.

        A task that took nothing yet waits for any job.
        """
        loop, current = asyncio.get_running_loop(), asyncio.current_task()
        kinds, lock = self._asked.get(current, _ANY) if current is not None else _ANY
        deadline = loop.time() + timeout
        with self._listener.woken(CHANNEL) as told:
            while (left := deadline - loop.time()) > 0:
                told.clear()
                due = await self._next_due(kinds, lock)
                if due is not None and due <= 0:
                    return
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, POLL_SECONDS, due or POLL_SECONDS)):
                        await told.wait()

    # -------------------------------------------------------------- how

    async def _alive(self) -> None:
        """We are registered, our heart beats, and what dead workers held waits again."""
        if self._worker is None:
            await self._ask("prune_stalled_workers", seconds_since_heartbeat=FORGOTTEN_SECONDS)
            await self._register()
        self._forget()
        if time.monotonic() - self._beaten >= self._pace:
            await self._beat()
        if time.monotonic() - self._looked >= self._look:
            self._looked = time.monotonic()
            await self._run("rescue", stalled=self._stalled)

    def _forget(self) -> None:
        """What was taken here and is not renewed any more waits again: our heart beats for all that we hold."""
        old = time.monotonic() - self._stalled
        kept = {job: at for job, at in self._known.items() if at > old}
        self._doubtful |= len(kept) < len(self._known)
        self._known = kept

    async def _beat(self) -> None:
        if self._worker is not None:
            await self._ask("update_heartbeat", worker_id=self._worker)
            self._beaten = time.monotonic()

    async def _taken(self, kinds: list[str], lock: str | None, most: int) -> Sequence[Mapping[str, Any]]:
        """The rows of jobs that are ours now; timers that are due are woken on the way."""
        while True:
            rows = await self._fetched(kinds, lock, most)
            timers = [row["id"] for row in rows if is_timer(row)]
            if timers:
                await self._run("wake", ids=timers, worker=self._worker)
            self._doubtful = False
            if not timers:
                return rows

    async def _fetched(self, kinds: list[str], lock: str | None, most: int) -> Sequence[Mapping[str, Any]]:
        """Rows more that stand as taken by us, timers or others; until they are said to be known, they are in doubt."""
        text = query("take") if lock is None else query("take_of_lock")
        values = {"kinds": kinds, "most": most} if lock is None else {"kinds": kinds, "lock": lock}

        async def fetch(connection: Connection) -> Sequence[Mapping[str, Any]]:
            if self._doubtful:
                known = {"worker": self._worker, "known": sorted(self._known)}
                await connection.execute(query("give_back_unknown"), known)
            self._doubtful = True
            mine = {**values, "worker": self._worker}
            found: list[dict[str, Any]] = await self._library.execute_query_all_async_with_connection(
                connection, text, **mine
            )
            return found

        async def registered(connection: Connection) -> Sequence[Mapping[str, Any]]:
            try:
                return await fetch(connection)
            except ConnectorException as error:
                if not isinstance(error.__cause__, errors.ForeignKeyViolation):
                    raise
            await self._register()  # we were stopped for so long that we were forgotten
            return await fetch(connection)

        return await self._server.patiently(registered)

    async def _register(self) -> None:
        self._worker = int((await self._ask("register_worker"))[0]["worker_id"])
        await self._beat()

    async def _if_ours(self, taken: TakenJob, work: Callable[[Connection], Awaitable[None]]) -> bool:
        """``work`` in one transaction with the proof that the job is still in the hands that took it."""
        values = {"id": taken.id, "worker": self._worker, "attempts": taken.attempts}

        async def whole(connection: Connection) -> bool:
            async with connection.transaction():
                ours = await (await connection.execute(query("ours"), values)).fetchone()
                if ours:
                    await work(connection)
                return ours is not None

        return await self._server.patiently(whole)

    async def _put_back(self, connection: Connection, taken: TakenJob, at: datetime) -> None:
        """The same job again in a row of its own, unless another took its place while it was in our hands."""
        again = Job(taken.job.kind, taken.job.lock, at, taken.job.data, taken.job.unique)
        twin = queueing_lock(again)
        if twin:
            found = await (await connection.execute(query("twin_waits"), {"queueing_lock": twin})).fetchone()
            if found and found[0]:
                return
        row = row_of(again, self._clock.now(), taken.attempts)
        await self._manager.batch_defer_jobs_async([row], connection=connection)

    def _let_go(self, taken: TakenJob) -> None:
        self.committed([taken.id])

    async def depth(self) -> Depth:
        """How many jobs there are, of all kinds."""

        async def ask(connection: Connection) -> Depth:
            row = await (await connection.execute(query("depth"))).fetchone()
            return Depth(*row) if row else Depth()

        return await self._server.patiently(ask)

    async def _next_due(self, kinds: list[str] | None, lock: str | None) -> float | None:
        """Seconds until a job is due that may be taken; None when there is none before it is looked again anyway."""
        values = {"kinds": kinds, "lock": lock, "stalled": self._stalled, "within": POLL_SECONDS}

        async def ask(connection: Connection) -> float | None:
            row = await (await connection.execute(query("next_due"), values)).fetchone()
            return row[0] if row else None

        return await self._server.patiently(ask)

    async def _ask(self, name: str, **values: object) -> list[dict[str, Any]]:
        """One of the library's own queries."""

        async def ask(connection: Connection) -> list[dict[str, Any]]:
            text = library.queries[name]
            found: list[dict[str, Any]] = await self._library.execute_query_all_async_with_connection(
                connection, text, **values
            )
            return found

        return await self._server.patiently(ask)

    async def _run(self, name: str, **values: object) -> None:
        async def run(connection: Connection) -> None:
            await connection.execute(query(name), values)

        await self._server.patiently(run)


async def _nothing(_connection: Connection) -> None:
    """For asking alone."""
