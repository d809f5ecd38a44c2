"""The replicas of the running release as a whole: replaced without a gap, resized, stopped, measured."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from rolerabbit.embedded.errors import PortTaken
from rolerabbit.platform.errors import Conflict, DeployFailed
from rolerabbit.platform.listener import Listener
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.metrics import Families, Totals
from rolerabbit.platform.replica import Replica, Spec
from rolerabbit.platform.settings import READY_SECONDS
from rolerabbit.platform.slot import Slot

DRAIN_SECONDS = 6.0
"""A replica finishes its requests within 3 s and closes its pool within 2 s."""
STOP_SECONDS = 2.5
SHOWN_LINES = 5


class Fleet:
    """All slots, on one listener. Its methods are called one at a time, by the holder of the platform's lock."""

    def __init__(self, listener: Listener, logbook: Logbook, ready_within: float = READY_SECONDS) -> None:
        self.listener = listener
        self._ready_within = ready_within
        self.totals = Totals()
        self.crashes = 0
        self._logbook = logbook
        self._slots: list[Slot] = []
        self._incoming: list[Slot] = []
        self._numbers = itertools.count(1)
        self._starting = 0
        self._environments: dict[str, Mapping[str, str]] = {}

    @property
    def size(self) -> int:
        """How many replicas there should be."""
        return len(self._slots)

    @property
    def ready(self) -> int:
        """How many replicas serve."""
        return sum(1 for replica in self._living() if replica.state == "ready")

    def describe(self) -> list[dict[str, Any]]:
        """Every replica for /status, those on their way in included."""
        return [slot.describe() for slot in (*self._slots, *self._incoming)]

    async def replace(self, release: str, env: Mapping[str, str], count: int) -> None:
        """Start ``count`` replicas, and once all are ready stop the old ones. DeployFailed leaves the old serving."""
        self._environments[release] = dict(env)
        await self._add(release, count)
        incoming, self._incoming = self._incoming, []
        old, self._slots = self._slots, incoming
        await _empty(old, DRAIN_SECONDS)

    async def resize(self, count: int) -> None:
        """Start or stop replicas until there are ``count``."""
        if count > self.size:
            await self._add(self._slots[0].release, count - self.size)
            incoming, self._incoming = self._incoming, []
            self._slots = [*self._slots, *incoming]
        else:
            self._slots, surplus = self._slots[:count], self._slots[count:]
            await _empty(surplus, DRAIN_SECONDS)

    async def stop(self) -> None:
        """Stop everything, quickly."""
        everything = [*self._slots, *self._incoming]
        await _empty(everything, STOP_SECONDS)
        self._slots, self._incoming = [], []
        self.listener.close()

    async def scrape(self) -> None:
        """Read the metrics of all living replicas."""
        await asyncio.gather(*(replica.scrape() for replica in self._living()))

    async def _add(self, release: str, count: int) -> None:
        slots = [self._slot(release) for _ in range(count)]
        self._incoming = slots
        try:
            filled = await asyncio.gather(*(slot.fill() for slot in slots))
        except PortTaken as error:
            await self._give_up(slots)
            raise Conflict(str(error), "free the port and try again") from error
        if not all(filled):
            said = [line.text for slot in slots for line in self._logbook.ring.tail(slot.name, SHOWN_LINES)]
            await self._give_up(slots)
            raise DeployFailed(
                f"release {release} did not start: {filled.count(False)} of {count} replicas never became ready",
                "the old replicas go on serving; see GET /logs"
                + (f"; their last lines: {' | '.join(said)}" if said else ""),
            )

    async def _give_up(self, slots: list[Slot]) -> None:
        await _empty(slots, STOP_SECONDS)
        self._incoming = []

    def _slot(self, release: str) -> Slot:
        return Slot(f"{release}-{next(self._numbers)}", release, self._start, self._on_end, self._ready_within)

    async def _start(self, name: str) -> Replica:
        release = name.rpartition("-")[0]
        spec = Spec(name, release, self._environments[release], self.listener.open())
        self._starting += 1
        started = False
        try:
            replica = await Replica.start(spec, self._logbook.add, self._on_families)
            started = True
        finally:
            self._starting -= 1
            if not started:
                self._close_if_idle()
        return replica

    def _on_families(self, key: str, families: Families) -> None:
        self.totals = self.totals.seen(key, families)

    def _on_end(self, replica: Replica) -> None:
        self.totals = self.totals.ended(replica.key)
        if replica.crashed:
            self.crashes += 1
        self._close_if_idle()

    def _close_if_idle(self) -> None:
        """A replica that is being started holds the socket already: closed now, it could not be opened again."""
        if not self._starting and not self._living():
            self.listener.close()

    def _living(self) -> list[Replica]:
        found = (slot.replica for slot in (*self._slots, *self._incoming))
        return [replica for replica in found if replica is not None and replica.running]


async def _empty(slots: Iterable[Slot], grace: float) -> None:
    await asyncio.gather(*(slot.empty(grace) for slot in slots))
