"""100,000 open promises: what looking at those that are due costs, and how late they are told on a busy machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import yaml

from bench.measure import Figure, Goal, Ratio, line, parts, per_round, percentile, spread
from bench.room import scratch
from hutch.bootstrap.stores import VARIABLE
from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.commands.worker import Worker
from hutch.model import incident as model
from hutch.model.event import Event, parse_instant
from hutch.model.severity import Severity
from hutch.ports import Append, Job
from rolerabbit.embedded.postgres import Postgres

SIZES = (100, 3_000, 100_000)
"""Open clocks; each incident has two."""

BATCH = 256
"""Incidents in one commit while the store is filled."""

LEAD = 5
"""Seconds from the writing of the promises whose lateness is measured to when the first is due."""

TICK = 10
"""Incidents whose clocks are due at once."""

HOW = (
    "A tick: {tick} incidents have a promise that is overdue; the worker takes the job of each, says it on the "
    "timeline (one durable commit), sets the next timer, finds nothing more to do and asks when the next is due. The "
    "same in turn on a store with {few} other clocks open and on one with {many:,}, over SQLite and Postgres. "
    "Lateness: with {many:,} open, {rings} promises fall due over some seconds while {hogs} other processes compute "
    "without a pause; how much later than its due time each is said, as the 99th percentile over one second."
)


def measure(quick: bool) -> Figure:
    """Both stores filled with few and with many, ticks in turn, then the lateness on the fuller one."""
    sizes, rounds, rings = ((20, 200), 2, 10) if quick else (SIZES, 15, 200)
    few, many = sizes[0], sizes[-1]
    ratios, lines = [], []
    with scratch() as folder, Postgres.temporary(durable=True) as postgres:
        for name in ("SQLite", "Postgres"):
            urls = {size: postgres.createdb(f"open_{size}") if name == "Postgres" else "" for size in sizes}
            found, late = asyncio.run(_each(folder / name, urls, rounds, rings))
            value = per_round(found, lambda r: r[_open(many)] / r[_open(few)])
            ticks = {size: [r[_open(size)] for r in found] for size in sizes}
            lines.append(line(f"a tick on {name}", "clocks open", "s", ticks))
            ratios.append(
                Ratio(f"tick on {name}", f"with {few} clocks open", value, Goal(1.5), parts(found, *found[0]))
            )
            said = spread([percentile(late, 99)])
            ratios.append(Ratio(f"lateness p99 on {name}", "one second", said, Goal(1), {"late (s)": spread(late)}))
    how = HOW.format(tick=TICK, few=few, many=many, rings=rings, hogs=HOGS)
    return Figure("clocks", "Open promises", how, tuple(ratios), {"clocks open": many}, tuple(lines))


def _open(size: int) -> str:
    return f"tick, {size:,} open (s)"


async def _each(
    folder: Path, urls: Mapping[int, str], rounds: int, rings: int
) -> tuple[list[dict[str, float]], list[float]]:
    rooms = {size: await Room.made(folder / str(size), url, size) for size, url in urls.items()}
    try:
        await asyncio.gather(*(room.tick() for room in rooms.values()))  # what a first use costs
        found = []
        for number in range(rounds):
            order = list(rooms) if number % 2 else list(rooms)[::-1]
            took = {size: await rooms[size].tick() for size in order}
            found.append({_open(size): took[size] for size in rooms})
        return found, await rooms[max(rooms)].lateness(rings)
    finally:
        for room in rooms.values():
            await room.context.close()


@dataclass(slots=True, eq=False)
class Room:
    """A store with open clocks, and a worker that is stepped by hand."""

    context: Context
    worker: Worker = field(init=False)
    made_so_far: int = 0

    def __post_init__(self) -> None:
        self.worker = Worker(self.context)

    @classmethod
    async def made(cls, folder: Path, url: str, clocks: int) -> Room:
        """So many clocks that are due in days, each incident with its timer."""
        room = cls(opened(folder, url))
        for start in range(0, clocks // 2, BATCH):
            far = room.context.clock.now() + timedelta(days=2)
            await room.declare([(far, far)] * min(BATCH, clocks // 2 - start))
        return room

    async def declare(self, moments: Sequence[tuple[datetime, datetime | None]]) -> list[str]:
        """An incident for each, in one commit: when it was detected, when its clocks are looked at (None: at once)."""
        names = [f"INC-2026-{self.made_so_far + number:06d}" for number in range(len(moments))]
        self.made_so_far += len(moments)
        data = {"title": "It is slow", "service": "shop", "runbook": "", "summary": "", "source": "person"}
        appends, jobs = list[Append](), list[Job]()
        for name, (detected, timer) in zip(names, moments, strict=True):
            drafts = incidents.declaration(self.context, data, Severity.SEV1, detected)
            appends.append(Append(model.stream_of(name), drafts, expect=0))
            jobs.append(incidents.clock_job(name, timer))
        await self.context.store.commit(appends, jobs)
        return names

    async def tick(self) -> float:
        """Seconds for the clocks that are due now, until the next due time is known."""
        await self.declare([(self.context.clock.now() - timedelta(hours=1), None)] * TICK)
        began = time.perf_counter()
        for _ in range(TICK):
            if not await self.worker.step():
                raise RuntimeError("a clock that is due was not looked at")
        await self.worker.step()
        await self.context.queue.wait(0.001)
        return time.perf_counter() - began

    async def lateness(self, rings: int) -> list[float]:
        """Seconds between the due time of each promise and the event that says it, with the processors busy."""
        policy = self.context.config.policy[Severity.SEV1]
        now = self.context.clock.now()
        due_in = policy.response_due(now) - now
        dues = [now + timedelta(seconds=LEAD + number * 4 / rings) for number in range(rings)]
        names = await self.declare([(due - due_in, due) for due in dues])
        if self.context.clock.now() >= dues[0]:
            raise RuntimeError(f"writing {rings} promises took more than {LEAD} s: the first are late already")
        stop = asyncio.Event()
        work = asyncio.create_task(self.worker.run(stop))
        with busy():
            await asyncio.sleep((dues[-1] - self.context.clock.now()).total_seconds())
            said = await self._said(names)
        stop.set()
        await work
        return [(e.at - parse_instant(str(e.data["due"]))).total_seconds() for e in said]

    async def _said(self, names: list[str]) -> list[Event]:
        """What is said of their promises, once it is said of all."""
        for _ in range(60):
            await asyncio.sleep(1)
            streams = await self.context.store.read_all([model.stream_of(name) for name in names])
            said = [e for events in streams for e in events if e.kind == "clock.overdue"]
            if len(said) >= len(names):
                return said
        raise RuntimeError(f"{len(names) - len(said)} of {len(names)} promises were not said to be overdue")


def opened(folder: Path, url: str) -> Context:
    """A Hutch in a new folder: over the database at ``url``, or with an empty one over a file there."""
    folder.mkdir(parents=True)
    path = folder / "hutch.yaml"
    path.write_text(yaml.safe_dump({"services": {"shop": {}}, "diagnose_every": "0s"}), encoding="utf-8")
    before = os.environ.pop(VARIABLE, None)
    os.environ |= {VARIABLE: url} if url else {}
    try:
        return open_context(path)
    finally:
        os.environ.pop(VARIABLE, None)
        os.environ |= {VARIABLE: before} if before else {}


HOGS = 2
"""Processes that compute while lateness is measured."""


@contextmanager
def busy() -> Iterator[None]:
    """Others compute for as long as the block lasts."""
    words = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(words, stdin=subprocess.DEVNULL) for _ in range(HOGS)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()
