"""Does the probes of one place, thousands from one process, each at its own time.

A probe's turns are spread over its interval by its name, the same in every process and after every start, and never
drift. Each is done by the process whose its service's probes are at that moment. One whose last
turn has not ended leaves out the next; a look that holds no time limit of its own is given up, and so is its place in
the queue only when it has really ended.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import logging
import resource
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from hutch.commands.context import Context
from hutch.commands.shares import Shares
from hutch.model.duty import probing
from hutch.model.probe import ProbeConfig, Probed, Sighting
from hutch.ports import Probe

MOST = 1000
"""Looks under way at once; fewer where the process may open few files."""

BACKSTOP = 1.0
"""Seconds beyond a probe's own time limit after which its look is given up."""

FLUSH = 1.0
"""Seconds between two writings of what was seen."""

REMEMBERED = 5000
"""Latenesses that the figures are made of."""

NAMED = 5
"""Probes that are named where turns are left out: when the machine stands still, it is all of them."""

FORGOTTEN = timedelta(days=1)
"""What nobody has renewed for so long belongs to no probe any more."""

log = logging.getLogger("hutch.probes")


def offset(name: str, location: str, every: float) -> float:
    """Seconds into its interval at which a probe has its turn: by its name and place alone.

    >>> 0 <= offset("front page", "local", 30.0) < 30
    True
    """
    number = int.from_bytes(hashlib.sha256(f"{location}/{name}".encode()).digest()[:8], "big")
    return number / 2**64 * every


def allowed_at_once() -> int:
    """Looks that may be under way, by the files that this process may open."""
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MOST if soft == resource.RLIM_INFINITY else max(16, min(MOST, soft // 2))


@dataclass(slots=True)
class Turn:
    """One probe of this place, and when it is due next; ``skipped`` counts turns left out since it last began."""

    config: ProbeConfig
    probe: Probe
    every: float
    running: bool = False
    skipped: int = 0


@dataclass(slots=True)
class Figures:
    """How well the times are kept; latenesses in seconds."""

    late: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    done: int = 0
    skipped: int = 0

    def late_p99(self) -> float:
        """The lateness that 99 of 100 looks stay below."""
        ordered = sorted(self.late)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else 0.0


class Prober:
    """The probes that are for ``location``. ``tick`` is a clock in seconds that never steps; ``shares`` says which of
    them are this process's to do."""

    def __init__(
        self,
        context: Context,
        location: str,
        *,
        at_once: int | None = None,
        tick: Callable[[], float] = time.monotonic,
        shares: Shares | None = None,
    ) -> None:
        self.context, self.location, self.tick = context, location, tick
        self.shares = shares or Shares()
        scale = context.config.time_scale
        self.turns = [
            Turn(config, context.open_probe(config), config.every.total_seconds() / scale)
            for config in context.config.probes
            if location in config.locations
        ]
        for turn in self.turns:
            self.shares.works[probing(location, turn.config.service)] = self._hand_over
        self.figures = Figures()
        self._room = asyncio.Semaphore(at_once or allowed_at_once())
        self._unwritten: dict[str, Sighting] = {}
        self._left_out: list[str] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Do them until it is cancelled."""
        writing = asyncio.create_task(self._write(), name="sightings")
        try:
            await self._schedule()
        finally:
            for task in (*self._under_way, writing):
                task.cancel()
            await asyncio.gather(*self._under_way, writing, return_exceptions=True)
            await self.flush()

    async def _schedule(self) -> None:
        began, phase = self.tick(), self.context.clock.now().timestamp()
        queue = [
            (began + (offset(t.config.name, self.location, t.every) - phase) % t.every, n)
            for n, t in enumerate(self.turns)
        ]
        heapq.heapify(queue)
        while queue:
            due, number = queue[0]
            if (pause := due - self.tick()) > 0:
                await self.context.clock.sleep(pause)
                continue
            turn = self.turns[number]
            if not self._mine(turn.config.service):
                turn.skipped = 0
                heapq.heapreplace(queue, (due + (1 + max(0, (self.tick() - due) // turn.every)) * turn.every, number))
                continue
            missed = max(0, int((self.tick() - due) // turn.every))
            turn.skipped += missed
            heapq.heapreplace(queue, (due + (missed + 1) * turn.every, number))
            self._begin(turn, due + missed * turn.every)
        await asyncio.Event().wait()

    def _mine(self, service: str) -> bool:
        return self.shares.mine(probing(self.location, service))

    def _begin(self, turn: Turn, due: float) -> None:
        if turn.running:
            turn.skipped += 1
            self.figures.skipped += 1
            self._left_out.append(turn.config.name)
            return
        turn.running = True
        task = asyncio.create_task(self._look(turn, due), name=f"probe {turn.config.name}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _look(self, turn: Turn, due: float) -> None:
        try:
            async with self._room:
                late = max(0.0, self.tick() - due)
                self.figures.late.append(late)
                self.figures.done += 1
                skipped, turn.skipped = turn.skipped, 0
                at, work = self.context.clock.now(), asyncio.ensure_future(turn.probe())
                try:
                    seen = await self._held(turn.config, work)
                    self._keep(Sighting(turn.config.name, turn.config.service, self.location, at, seen, late, skipped))
                    await asyncio.wait([work])  # one that ignores its end keeps its place
                finally:
                    work.cancel()
        finally:
            turn.running = False

    async def _held(self, config: ProbeConfig, work: asyncio.Future[Probed]) -> Probed:
        """What it saw; given up where it does not keep its own time limit, or breaks."""
        seconds = config.timeout.total_seconds()
        await asyncio.wait([work], timeout=seconds + BACKSTOP)
        if not work.done():
            work.cancel()
            return Probed(False, f"no end within {seconds:g} s; the look was given up")
        error = work.exception()
        seen = Probed(False, f"the probe broke: {type(error).__name__}: {error}") if error else work.result()
        return seen.with_text(self.context.secrets.mask)

    def _keep(self, sighting: Sighting) -> None:
        self._unwritten[sighting.key] = sighting

    async def _write(self) -> None:
        if self.context.sightings:
            await self.context.sightings.forget(self.context.clock.now() - FORGOTTEN)
        while True:
            await asyncio.sleep(FLUSH)
            await self.flush()

    async def _hand_over(self, leave: asyncio.Event) -> None:
        """What was seen is written before another process looks."""
        await leave.wait()
        await self.flush()

    async def flush(self) -> None:
        """Write what was seen and is not written yet; what cannot be is tried again, one a probe at the most."""
        left_out, self._left_out = self._left_out, []
        if left_out:
            names = ", ".join(dict.fromkeys(left_out[:NAMED]))
            log.warning("%d turns of probes are left out, since the last look has not ended: %s", len(left_out), names)
        pending, self._unwritten = self._unwritten, {}
        table = self.context.sightings
        if pending and table and not await table.keep(list(pending.values()), self.shares.holder()):
            self._unwritten = {**pending, **self._unwritten}


def places(probes: Sequence[ProbeConfig]) -> list[tuple[ProbeConfig, str]]:
    """Every probe with every location that it has."""
    return [(probe, location) for probe in probes for location in probe.locations]
