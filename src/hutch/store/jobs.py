"""The jobs beside the events: deferred in the same transaction, taken under a lease."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Row,
    and_,
    case,
    delete,
    exists,
    func,
    insert,
    literal_column,
    not_,
    select,
    update,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from hutch.model.depth import Depth
from hutch.model.event import canonical, instant, parse_instant
from hutch.ports import Job, TakenJob, Wallclock
from hutch.store.chain import lost_lease
from hutch.store.database import Database
from hutch.store.owner import is_gone, this_process
from hutch.store.tables import jobs

WAITING, TAKEN, DEAD = "waiting", "taken", "dead"

_Columns = ReadOnlyColumnCollection[str, Column[Any]]
_OWNERS = select(jobs.c.owner).where(jobs.c.state == TAKEN).distinct()


class JobTable:
    """Leases on the jobs of one database, for this process. ``lease`` is in seconds."""

    def __init__(self, database: Database, clock: Wallclock) -> None:
        self._database, self._clock = database, clock

    @property
    def clock(self) -> Wallclock:
        """The clock by which jobs are due and leases end."""
        return self._clock

    def listening(self, callback: Callable[[], None]) -> AbstractContextManager[None]:
        """Inside, ``callback`` is called, from another thread, when this process made a job takable."""
        return self._database.listening(callback)

    async def take(self, kinds: Sequence[str], lock: str | None, lease: float, most: int = 1) -> list[TakenJob]:
        """Lease the first due jobs whose locks are free, in one transaction; where there is none nothing is written."""
        now = self.clock.now()
        if not await self._database.read(lambda connection: _candidates(connection, kinds, lock, now)):
            return []
        return await self._database.write(lambda connection: _take(connection, kinds, lock, now, lease, most))

    async def next_due(self, kinds: Sequence[str] | None, lock: str | None, within: float) -> datetime | None:
        """When the first of the jobs that are free, and whose lock is free, is or was due; None where that is more than
        ``within`` seconds ahead. ``kinds`` None: any."""
        now = self.clock.now()
        due = await self._database.read(lambda connection: _next_due(connection, kinds, lock, now, within))
        return parse_instant(due) if due else None

    async def depth(self) -> Depth:
        """How many jobs there are, by what they wait for."""
        now = instant(self.clock.now())
        return await self._database.read(lambda connection: _depth(connection, now))

    async def extend(self, taken: TakenJob, lease: float) -> bool:
        """Renew the lease from now; False when the job was taken by another or is gone."""
        until = self.clock.now() + timedelta(seconds=lease)
        renewal = update(jobs).where(_ours(taken)).values(lease_until=instant(until))
        return await self._database.write(lambda connection: connection.execute(renewal).rowcount == 1)

    async def finish(self, taken: TakenJob) -> None:
        """Remove the job, unless somebody else has it by now."""
        await self._database.write(lambda connection: connection.execute(delete(jobs).where(_ours(taken))), wakes=True)

    async def fail(self, taken: TakenJob, retry_at: datetime | None) -> None:
        """Give the job back for ``retry_at``, or keep it as dead; nothing, if somebody else has it by now."""
        await self._database.write(lambda connection: _fail(connection, taken, retry_at), wakes=True)


def defer(connection: Connection, job: Job, now: datetime) -> None:
    """Add a job, in place of a waiting one with the same kind, lock and unique key."""
    if job.unique:
        connection.execute(delete(jobs).where(_twin(job)))
    row = {"kind": job.kind, "lock": job.lock, "unique_key": job.unique, "run_at": instant(job.run_at or now)}
    rest = {"data": canonical(dict(job.data)), "state": WAITING, "attempts": 0, "owner": "", "lease_until": ""}
    connection.execute(insert(jobs).values(row | rest))


def finish_in_commit(connection: Connection, job: int) -> None:
    """Finish a job beside the events that it made. Raises ``Conflict`` if this process does not hold it."""
    held = (jobs.c.id == job) & (jobs.c.state == TAKEN) & (jobs.c.owner == this_process())
    if connection.execute(delete(jobs).where(held)).rowcount != 1:
        raise lost_lease(job)


def _take(
    connection: Connection, kinds: Sequence[str], lock: str | None, now: datetime, lease: float, most: int
) -> list[TakenJob]:
    """Of those of one lock the first: it shuts out the others."""
    found: list[TakenJob] = []
    until = instant(now + timedelta(seconds=lease))
    values = {"state": TAKEN, "attempts": jobs.c.attempts + 1, "owner": this_process(), "lease_until": until}
    while (room := most - len(found)) > 0:
        rows = _candidates(connection, kinds, lock, now, room)
        first: dict[str, Any] = {}
        for row in rows:
            first.setdefault(row.lock or f"#{row.id}", row)
        connection.execute(update(jobs).where(jobs.c.id.in_([row.id for row in first.values()])).values(values))
        found += [TakenJob(row.id, _job(row), row.attempts + 1) for row in first.values()]
        if len(rows) < room:
            break
    return found


def _candidates(
    connection: Connection, kinds: Sequence[str], lock: str | None, now: datetime, most: int = 1
) -> Sequence[Row[tuple[object, ...]]]:
    due = and_(_takable(connection, kinds, lock, now), jobs.c.run_at <= instant(now))
    return connection.execute(select(*jobs.c).where(due).order_by(jobs.c.run_at, jobs.c.id).limit(most)).all()


def _next_due(
    connection: Connection, kinds: Sequence[str] | None, lock: str | None, now: datetime, within: float
) -> str | None:
    """State by state, so that the index gives the first, and not beyond the time that matters: thousands of timers, of
    other kinds too, cost as little as one."""
    soon = jobs.c.run_at <= instant(now + timedelta(seconds=within))
    takable = and_(_takable(connection, kinds, lock, now), soon)
    first = select(jobs.c.run_at).where(takable).order_by(jobs.c.run_at).limit(1)
    found = (connection.scalar(first.where(jobs.c.state == state)) for state in (WAITING, TAKEN))
    return min((str(due) for due in found if due), default=None)


def _takable(
    connection: Connection, kinds: Sequence[str] | None, lock: str | None, now: datetime
) -> ColumnElement[bool]:
    """Neither held nor dead, and no job with the same lock is held; an empty lock shuts nobody out."""
    gone = [owner for owner in connection.scalars(_OWNERS) if is_gone(owner)]
    other = jobs.alias()
    lock_held = exists().where(other.c.lock == jobs.c.lock, other.c.lock != "", _held(other.c, now, gone))
    wanted = [] if kinds is None else [jobs.c.kind.in_(kinds)]
    narrowed = [] if lock is None else [jobs.c.lock == lock]
    return and_(jobs.c.state.in_((WAITING, TAKEN)), not_(_held(jobs.c, now, gone)), not_(lock_held), *wanted, *narrowed)


def _held(job: _Columns, now: datetime, gone: Sequence[str]) -> ColumnElement[bool]:
    return and_(job.state == TAKEN, job.lease_until > instant(now), job.owner.not_in(gone))


def _ours(taken: TakenJob) -> ColumnElement[bool]:
    """Still in the hands that took it: each taking has its own number."""
    return and_(jobs.c.id == taken.id, jobs.c.state == TAKEN, jobs.c.attempts == taken.attempts)


def _twin(job: Job) -> ColumnElement[bool]:
    """The waiting job with the same kind, lock and unique key; only for a job that has a unique key.

    The conditions of the partial index are written out, not bound: only so does SQLite use it.
    """
    partial = and_(jobs.c.state == literal_column("'waiting'"), jobs.c.unique_key != literal_column("''"))
    return and_(partial, jobs.c.kind == job.kind, jobs.c.lock == job.lock, jobs.c.unique_key == job.unique)


def _fail(connection: Connection, taken: TakenJob, retry_at: datetime | None) -> None:
    if retry_at is None:
        connection.execute(update(jobs).where(_ours(taken)).values(state=DEAD, owner="", lease_until=""))
    elif _superseded(connection, taken.job):
        connection.execute(delete(jobs).where(_ours(taken)))
    else:
        back = {"state": WAITING, "run_at": instant(retry_at), "owner": "", "lease_until": ""}
        connection.execute(update(jobs).where(_ours(taken)).values(back))


def _superseded(connection: Connection, job: Job) -> bool:
    """A waiting job took its place while it was in our hands."""
    newer = select(jobs.c.id).where(_twin(job))
    return bool(job.unique) and connection.scalar(newer) is not None


def _job(row: Row[tuple[object, ...]]) -> Job:
    return Job(row.kind, row.lock, parse_instant(row.run_at), json.loads(row.data), row.unique_key)


def _depth(connection: Connection, now: str) -> Depth:
    due = case((jobs.c.run_at <= now, 1), else_=0)
    query = select(jobs.c.state, due, func.count()).group_by(jobs.c.state, due)
    counts = {(state, ready): count for state, ready, count in connection.execute(query)}
    waiting = (counts.get((WAITING, 1), 0), counts.get((WAITING, 0), 0))
    taken, dead = (counts.get((state, 1), 0) + counts.get((state, 0), 0) for state in (TAKEN, DEAD))
    return Depth(*waiting, taken, dead)
