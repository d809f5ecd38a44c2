"""Writes the log: whatever waits while one transaction commits goes into the next one, together.

A transaction costs two round trips, however many callers share it. It lets go of the log's end before it is on the
disk; its callers are answered when it is. So the processes do not wait for each other's disk, and share its flushes.
Who builds on an event that is not there yet is written behind it, and is not answered before it either. If the
connection breaks while it commits, its fate is found out before anything is tried again: nothing is lost and nothing
is written twice.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from hutch.model.event import Event
from hutch.ports import Conflict, Job, StoreAway, StoreFull, Wallclock
from hutch.store.errors import StoreError
from hutch.store.postgres.errors import Reported, away, explained, is_away, is_clash
from hutch.store.postgres.group import Answer, Commit, Decision, columns, decide, jobs_of, streams_of
from hutch.store.postgres.queries import query
from hutch.store.postgres.server import AWAY_SECONDS, CLASHES, RETRY_SECONDS, Connection, Server

GROUP = 256
"""At most so many commits share one transaction."""


class Jobs(Protocol):
    """What the log needs of the queue in the same database, on the connection of its own transaction."""

    async def held(self, connection: Connection, ids: Sequence[int]) -> set[int]:
        """Which of these jobs this process holds; they stay so until the transaction ends."""

    async def finish_all(self, connection: Connection, ids: Sequence[int]) -> None:
        """These jobs are done."""

    async def defer(self, connection: Connection, jobs: Sequence[Job], now: datetime) -> None:
        """Add jobs; ``now`` tells which are for later."""

    def committed(self, finished: Sequence[int] = ()) -> None:
        """After the commit: these jobs are gone, and others may be takable now."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A caller."""

    commit: Commit
    answer: asyncio.Future[Answer]


@dataclass(slots=True)
class _Try:
    """One attempt; with ``sent`` its COMMIT may have reached the server."""

    decision: Decision | None = None
    xid: str = ""
    sent: bool = False


class Writer:
    """One connection that writes, for all callers of this process."""

    def __init__(self, server: Server, jobs: Jobs, clock: Wallclock) -> None:
        self._server, self._jobs, self._clock = server, jobs, clock
        self._waiting: deque[_Waiting] = deque()
        self._group: list[_Waiting] = []
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    async def write(self, commit: Commit) -> list[Event]:
        """Durable on return; a cancelled caller's commit is written all the same.

        Raises ``Conflict``, ``StoreFull``, ``StoreAway`` and ``StoreError``.
        """
        mine = _Waiting(commit, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._task is None:
            self._task = asyncio.create_task(self._drain(), name="store writer")
            self._task.add_done_callback(self._drained)
        answer = await asyncio.shield(mine.answer)
        if isinstance(answer, Conflict):
            raise answer
        return answer

    async def close(self) -> None:
        """Write what waits and let go of the connection."""
        while self._task:
            await asyncio.wait([self._task])
        await self._drop()

    # -------------------------------------------------------------- one group after another

    async def _drain(self) -> None:
        while self._waiting:
            self._group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
            await self._serve(self._group)
        self._task = None  # in one go with finding nothing: who comes now begins anew

    def _drained(self, task: asyncio.Task[None]) -> None:
        """After a defect, or at the end of the loop, nobody is left waiting for an answer that never comes."""
        error = None if task.cancelled() else task.exception()
        if error is None and not task.cancelled():
            return
        self._task, unanswered = None, [one for one in (*self._group, *self._waiting) if not one.answer.done()]
        for one in unanswered:
            one.answer.set_exception(error) if error else one.answer.cancel()
        self._waiting.clear()

    async def _serve(self, group: list[_Waiting]) -> None:
        """Answer everybody. A commit that the server refuses takes no other with it."""
        try:
            answers = await self._settled([one.commit for one in group])
        except StoreError as error:
            if len(group) == 1:
                _refuse(group, error)
            else:
                for one in group:
                    await self._serve([one])
        except (StoreFull, StoreAway) as error:
            _refuse(group, error)
        else:
            for one, answer in zip(group, answers, strict=True):
                if not one.answer.cancelled():
                    one.answer.set_result(answer)

    async def _settled(self, commits: Sequence[Commit]) -> Sequence[Answer]:
        """Write them, whatever becomes of the connection meanwhile."""
        deadline, clashes, doubt = time.monotonic() + AWAY_SECONDS, 0, _Try()
        while True:
            current = _Try()
            try:
                connection = await self._connected()
                if doubt.sent and await self._landed(connection, doubt):
                    await connection.execute(query("flush"))
                    return self._told(doubt)
                doubt = current
                await self._transact(connection, commits, current)
                return self._told(current)
            except Reported as error:
                await self._drop()
                clashes += is_clash(error)
                if not is_away(error) and not 0 < clashes < CLASHES:
                    raise explained(self._server.place, error) from error
                if time.monotonic() > deadline:
                    raise away(self._server.place, error) from error
            await asyncio.sleep(RETRY_SECONDS if not clashes else 0)

    def _told(self, done: _Try) -> Sequence[Answer]:
        assert done.decision
        if done.decision.jobs or done.decision.finished:
            self._jobs.committed(done.decision.finished)
        return done.decision.answers

    # -------------------------------------------------------------- one transaction

    async def _transact(self, connection: Connection, commits: Sequence[Commit], current: _Try) -> None:
        end = await self._decided(connection, commits, current)
        found = current.decision
        assert found
        async with connection.pipeline():
            if found.finished:
                await self._jobs.finish_all(connection, found.finished)
            if found.jobs:
                await self._jobs.defer(connection, found.jobs, self._now())
            if found.events:
                await connection.execute(query("append"), columns(found.events, end) | {"end": end + len(found.events)})
            current.sent = True
            await connection.execute("COMMIT")
            await connection.execute(query("flush"))

    async def _decided(self, connection: Connection, commits: Sequence[Commit], current: _Try) -> int:
        """Take the log's end, look, and decide; the end's position."""
        streams, jobs = streams_of(commits), jobs_of(commits)
        async with connection.pipeline():
            await connection.execute("BEGIN")
            locked = await connection.execute(query("lock_end"))
            heads = await connection.execute(query("heads"), {"streams": streams})
            position, current.xid = await _row(locked)
            ends = {stream: (seq, digest) for stream, seq, digest in await heads.fetchall()}
        held = await self._jobs.held(connection, jobs) if jobs else set()
        current.decision = decide(commits, ends, held, self._now())
        return int(position)

    async def _landed(self, connection: Connection, doubt: _Try) -> bool:
        """Whether a transaction whose COMMIT was not answered was committed. It is over once we hold the log's end."""
        assert doubt.decision
        async with connection.transaction(force_rollback=True):
            await connection.execute(query("lock_end"))
            if doubt.decision.events:  # a salt is in each hash: no other event has it, on whatever server we are now
                last = doubt.decision.events[-1]
                place = {"stream": last.stream, "seq": last.seq, "hash": last.hash}
                return bool((await _row(await connection.execute(query("event_stands"), place)))[0])
            fate = await connection.execute(query("transaction_fate"), {"xid": doubt.xid})
            return bool((await _row(fate))[0] == "committed")

    def _now(self) -> datetime:
        return self._clock.now().astimezone(UTC)

    async def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = await self._server.connect(lightly=True)
        return self._connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()


async def _row(cursor: Any) -> tuple[Any, ...]:
    """The one row of a query that always has one."""
    row: tuple[Any, ...] = await cursor.fetchone()
    return row


def _refuse(group: Sequence[_Waiting], error: Exception) -> None:
    for one in group:
        if not one.answer.cancelled():
            one.answer.set_exception(error)
