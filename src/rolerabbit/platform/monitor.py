"""The platform's own metrics: samples the machine every second, and puts them beside the sum of the replicas'."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from rolerabbit.embedded import EmbeddedError, Postgres
from rolerabbit.platform.control import Control
from rolerabbit.platform.metrics import Family, gauge, render
from rolerabbit.platform.vitals import Reading, rates, take

INTERVAL_SECONDS = 1.0
HELP = {
    "db_cpu": "Percent of the database's CPUs that its processes use.",
    "cpu": "Percent of the machine's CPUs in use.",
    "memory": "Percent of the machine's memory in use.",
    "disk_used": "Percent of the data folder's file system in use.",
    "network_in": "Bytes a second received, over all interfaces.",
    "network_out": "Bytes a second sent, over all interfaces.",
}


class Monitor:
    """Reads the machine and the replicas in the background; brings the database back when it has crashed."""

    def __init__(self, control: Control, postgres: Postgres, data: Path) -> None:
        self._control = control
        self._postgres = postgres
        self._data = data
        self._last: Reading = self._take()
        self._rates: Mapping[str, float] = {}
        self.database_crashes = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            reading = await asyncio.to_thread(self._take)
            self._last, self._rates = reading, rates(self._last, reading, usable_cpus())
            await self._control.fleet.scrape()
            if not self._postgres.running:
                await self._revive()

    async def exposition(self) -> str:
        """All metrics in Prometheus' text format, the replicas' as of now."""
        await self._control.fleet.scrape()
        own = {family.name: family for family in self._own()}
        return render(
            [*own.values(), *(f for f in self._control.fleet.totals.families().values() if f.name not in own)]
        )

    def _take(self) -> Reading:
        return take(self._postgres.pid if self._postgres.running else None, self._data)

    async def _revive(self) -> None:
        self.database_crashes += 1
        try:
            await asyncio.to_thread(self._postgres.start)
        except EmbeddedError as error:
            # Tried again a second later; /health and /status say that the database is down.
            print(f"rolerabbit platform: the database is down: {error}", flush=True)

    def _own(self) -> Iterator[Family]:
        fleet, ledger = self._control.fleet, self._control.ledger
        for name, value in self._rates.items():
            yield gauge(name, HELP[name], value)
        yield gauge("platform_replicas", "Replicas that serve.", fleet.ready)
        yield gauge("platform_replicas_wanted", "Replicas that there should be.", fleet.size)
        yield _counter("platform_replica_crashes_total", "Replicas that ended unasked.", fleet.crashes)
        yield _counter("platform_database_crashes_total", "Times the database ended unasked.", self.database_crashes)
        if ledger.current is not None:
            yield gauge("platform_release_info", "The release that runs.", 1, release=ledger.current)
            at = datetime.fromisoformat(ledger.deployed_at(ledger.current) or "").timestamp()
            yield gauge("platform_deployment_timestamp_seconds", "When the running release was deployed.", at)


def _counter(name: str, help_text: str, value: int) -> Family:
    return Family(name, "counter", help_text, {(name, ()): float(value)})


def usable_cpus() -> int:
    """How many CPUs we, and so the database, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
