"""The event log and its jobs in memory: the tests of store and queue run the same contract over these."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hutch.model.depth import Depth
from hutch.model.event import ARCHIVED, ERASED, GENESIS, Draft, Event, canonical, seal
from hutch.ports import Append, Conflict, Job, Place, TakenJob, Wallclock
from hutch.testing.clock import FakeClock


@dataclass(slots=True)
class _Entry:
    """A job; ``until`` is set while it is taken."""

    job: Job
    run_at: datetime
    attempts: int = 0
    until: datetime | None = None
    dead: bool = False

    def held(self, now: datetime) -> bool:
        return self.until is not None and self.until > now


@dataclass(slots=True)
class _State:
    """All that a commit may change."""

    log: list[Event] = field(default_factory=list)
    cut: dict[int, Event] = field(default_factory=dict)
    jobs: dict[int, _Entry] = field(default_factory=dict)
    last_job: int = 0

    def copy(self) -> _State:
        return _State(
            list(self.log), dict(self.cut), {key: replace(entry) for key, entry in self.jobs.items()}, self.last_job
        )


class MemoryStore:
    """The event log in memory, with its jobs for :class:`MemoryQueue`."""

    def __init__(self, clock: Wallclock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.state = _State()
        self.woken = asyncio.Event()
        self.grown = asyncio.Event()

    async def commit(
        self, appends: Sequence[Append], jobs: Sequence[Job] = (), *, done: int | None = None
    ) -> list[Event]:
        """See :class:`hutch.ports.Store`. ``Conflict`` also when ``done`` is not taken."""
        await asyncio.sleep(0)  # as the real one, it lets others go first
        after, now = self.state.copy(), self.clock.now().astimezone(UTC)
        if done is not None:
            _finish(after, done)
        written = [event for append in appends for event in _append(after, append, now)]
        for job in jobs:
            _defer(after, job, now)
        self.state = after
        if jobs or done is not None:
            self.woken.set()
        if written:
            self.grown.set()
        return written

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        """The stream's events with ``seq > after``, in order."""
        return [event for event in self.state.log if event.stream == stream and event.seq > after]

    async def read_all(self, streams: Sequence[str]) -> list[list[Event]]:
        """The events of each of these streams."""
        return [await self.read(stream) for stream in streams]

    async def streams(self, prefix: str = "") -> list[str]:
        """The streams that begin with ``prefix``, in order of their first event."""
        return list({event.stream: None for event in self.state.log if event.stream.startswith(prefix)})

    async def since(self, kind: str, at: datetime) -> list[Event]:
        """The events of one kind, in any stream, written at or after ``at``."""
        return [event for event in self.state.log if event.kind == kind and event.at >= at]

    async def erase(self, stream: str, seq: int) -> bool:
        """See :class:`hutch.ports.Store`."""
        places = [n for n, e in enumerate(self.state.log) if (e.stream, e.seq) == (stream, seq)]
        for place in places:
            self.state.log[place] = replace(self.state.log[place], data=ERASED, salt="")
        return bool(places)

    async def positions(self, stream: str) -> list[int]:
        """Where its events stand, in order."""
        return [at for at, event in self._placed() if event.stream == stream]

    async def cut(self, stream: str, upto: int) -> int:
        """See :class:`hutch.ports.Store`."""
        marks = [e for e in self.state.log if (e.stream, e.seq, e.kind) == (stream, upto + 1, ARCHIVED)]
        gone = {at: e for at, e in self._placed() if marks and e.stream == stream and e.seq <= upto}
        self.state.cut |= gone
        self.state.log = [e for e in self.state.log if e not in gone.values()]
        return len(gone)

    async def put_back(self, rows: Sequence[tuple[int, Event]]) -> int:
        """See :class:`hutch.ports.Store`."""
        new = {at: event for at, event in rows if at in self.state.cut}
        there = [*((at, e) for at, e in self._placed()), *new.items()]
        self.state.cut = {at: e for at, e in self.state.cut.items() if at not in new}
        self.state.log = [event for _, event in sorted(there, key=lambda row: row[0])]
        return len(new)

    def _placed(self) -> list[tuple[int, Event]]:
        """The log with its positions, which count from 1; those of what was cut are left out."""
        free = (at for at in count(1) if at not in self.state.cut)
        return [(at, event) for event, at in zip(self.state.log, free, strict=False)]

    async def tail(self, position: int = 0, limit: int = 1000) -> list[tuple[int, Event]]:
        """Events of all streams in writing order; positions count from 1."""
        return [row for row in self._placed() if row[0] > position][:limit]

    async def places(self, position: int = 0, limit: int = 1000) -> list[Place]:
        """Where those events stand, without what they say."""
        return [Place(at, event.stream, event.seq) for at, event in await self.tail(position, limit)]

    async def wait(self, position: int, timeout: float) -> None:
        """Return when the log is longer than ``position``, or after ``timeout`` seconds of real time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while len(self.state.log) <= position:
                    self.grown.clear()
                    await self.grown.wait()

    async def close(self) -> None:
        """Nothing to let go of."""


def _append(state: _State, append: Append, at: datetime) -> list[Event]:
    last = next((event for event in reversed(state.log) if event.stream == append.stream), None)
    seq, prev_hash = (last.seq, last.hash) if last else (0, GENESIS)
    if append.expect is not None and append.expect != seq:
        raise Conflict(f"{append.stream} ends at event {seq}, not at {append.expect}: read it again and decide again")
    written = list(_sealed(append, seq, prev_hash, at))
    state.log.extend(written)
    return written


def _sealed(append: Append, seq: int, prev_hash: str, at: datetime) -> Iterator[Event]:
    for number, draft in enumerate(append.drafts, start=seq + 1):
        stored = Draft(draft.kind, json.loads(canonical(dict(draft.data))), draft.actor)
        salt = secrets.token_hex(16)
        event = seal(stored, stream=append.stream, seq=number, at=at, salt=salt, prev_hash=prev_hash)
        prev_hash = event.hash
        yield event


def _finish(state: _State, job: int) -> None:
    if job not in state.jobs or state.jobs[job].until is None:
        raise Conflict(f"job {job} is not ours any more: its lease was lost, and another may be doing it")
    del state.jobs[job]


def _defer(state: _State, job: Job, now: datetime) -> None:
    state.jobs = {key: entry for key, entry in state.jobs.items() if not _replaces(job, entry)}
    state.last_job += 1
    stored = replace(job, run_at=job.run_at or now, data=json.loads(canonical(dict(job.data))))
    state.jobs[state.last_job] = _Entry(stored, job.run_at or now)


def _replaces(job: Job, entry: _Entry) -> bool:
    waiting = entry.until is None and not entry.dead
    same = (job.kind, job.lock, job.unique) == (entry.job.kind, entry.job.lock, entry.job.unique)
    return waiting and same and bool(job.unique)


class MemoryQueue:
    """The queue of a :class:`MemoryStore`; ``lease`` in seconds. Its waiting goes by the store's clock."""

    def __init__(self, store: MemoryStore, *, lease: float = 15.0) -> None:
        self._store, self._lease = store, timedelta(seconds=lease)
        self._asked: tuple[tuple[str, ...] | None, str | None] = (None, None)

    async def take(self, kinds: Sequence[str], lock: str | None = None) -> TakenJob | None:
        """The due job that has waited longest and whose lock is free, leased to us."""
        await asyncio.sleep(0)
        return self._take(kinds, lock)

    async def take_all(self, kinds: Sequence[str], most: int) -> list[TakenJob]:
        """Up to ``most`` of them, no two of one lock."""
        await asyncio.sleep(0)
        found: list[TakenJob] = []
        while len(found) < most and (taken := self._take(kinds, None)):
            found.append(taken)
        return found

    def _take(self, kinds: Sequence[str], lock: str | None) -> TakenJob | None:
        self._asked, now = (tuple(kinds), lock), self._store.clock.now()
        due = [(entry.run_at, key) for key, entry in self._takable() if entry.run_at <= now]
        if not due:
            return None
        key = min(due)[1]
        entry = self._store.state.jobs[key]
        entry.attempts, entry.until = entry.attempts + 1, now + self._lease
        return TakenJob(key, entry.job, entry.attempts)

    async def extend(self, taken: TakenJob) -> bool:
        """Renew the lease; False when it was lost."""
        entry = self._ours(taken)
        if entry:
            entry.until = self._store.clock.now() + self._lease
        return entry is not None

    async def finish(self, taken: TakenJob) -> None:
        """Remove the job, unless another has it by now."""
        if self._ours(taken):
            del self._store.state.jobs[taken.id]
            self._store.woken.set()

    async def fail(self, taken: TakenJob, retry_at: datetime | None) -> None:
        """Give the job back for ``retry_at``, or keep it as dead."""
        entry = self._ours(taken)
        if entry is None:
            return
        entry.until, entry.dead = None, retry_at is None
        if retry_at is not None:
            entry.run_at, entry.job = retry_at, replace(entry.job, run_at=retry_at)
            if any(_replaces(taken.job, other) for other in self._store.state.jobs.values() if other is not entry):
                del self._store.state.jobs[taken.id]
        self._store.woken.set()

    async def depth(self) -> Depth:
        """How many jobs there are, of all kinds."""
        now, entries = self._store.clock.now(), self._store.state.jobs.values()
        idle = [e for e in entries if not e.dead and e.until is None]
        due = sum(e.run_at <= now for e in idle)
        taken, dead = sum(e.until is not None for e in entries), sum(e.dead for e in entries)
        return Depth(due, len(idle) - due, taken, dead)

    async def wait(self, timeout: float) -> None:
        """Return when a job is due for what was last asked, or when the clock was advanced by ``timeout``."""
        clock = self._store.clock
        end = clock.now() + timedelta(seconds=timeout)
        while (pause := (min(self._next_due(end), end) - clock.now()).total_seconds()) > 0:
            self._store.woken.clear()
            waits = [asyncio.create_task(clock.sleep(pause)), asyncio.create_task(self._wait_woken())]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _cancel(waits)

    async def _wait_woken(self) -> None:
        await self._store.woken.wait()

    def _next_due(self, otherwise: datetime) -> datetime:
        return min((entry.run_at for _, entry in self._takable()), default=otherwise)

    def _takable(self) -> list[tuple[int, _Entry]]:
        kinds, lock = self._asked
        now, entries = self._store.clock.now(), self._store.state.jobs
        shut = {entry.job.lock for entry in entries.values() if entry.held(now)} - {""}
        return [
            (key, entry)
            for key, entry in entries.items()
            if not (entry.dead or entry.held(now) or entry.job.lock in shut)
            and (kinds is None or entry.job.kind in kinds)
            and (lock is None or entry.job.lock == lock)
        ]

    def _ours(self, taken: TakenJob) -> _Entry | None:
        entry = self._store.state.jobs.get(taken.id)
        return entry if entry and entry.until and entry.attempts == taken.attempts else None


async def _cancel(waits: Iterable[asyncio.Task[Any]]) -> None:
    for wait in waits:
        wait.cancel()
        with suppress(asyncio.CancelledError):
            await wait
