"""The platform's own metrics: samples the machine every second, and puts them beside the sum of the replicas'."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from rolerabbit.platform.components import Component, Components
from rolerabbit.platform.control import Control
from rolerabbit.platform.errors import PlatformError
from rolerabbit.platform.metrics import Families, Family, Series, gauge, render
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
LOAD = {
    "http_requests_in_flight": ("platform_replica_requests_in_flight", "Requests that the replica works on."),
    "db_pool_waiting": ("platform_replica_pool_waiting", "Requests of the replica that wait for a connection."),
    "db_pool_in_use": ("platform_replica_pool_in_use", "Connections of the replica that are taken."),
    "db_pool_size": ("platform_replica_pool_size", "Connections that the replica's pool may open."),
}
"""What is also told for each replica, beside the sum: the replica's metric, and under what name and help."""


class Monitor:
    """Reads the machine and the replicas in the background; brings a server back when it has crashed."""

    def __init__(self, control: Control, components: Components, data: Path) -> None:
        self._control = control
        self._components = components
        self._data = data
        self._last: Reading = self._take()
        self._rates: Mapping[str, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            reading = await asyncio.to_thread(self._take)
            self._last, self._rates = reading, rates(self._last, reading, usable_cpus())
            await self._control.fleet.scrape()
            for component in self._components:
                try:
                    await component.revive()
                except PlatformError as error:
                    # Tried again a second later; /health and /status say that it is down.
                    print(f"rolerabbit platform: {error}", flush=True)

    async def exposition(self) -> str:
        """All metrics in Prometheus' text format, the replicas' as of now."""
        await self._control.fleet.scrape()
        own = {family.name: family for family in self._own()}
        return render(
            [*own.values(), *(f for f in self._control.fleet.totals.families().values() if f.name not in own)]
        )

    def _take(self) -> Reading:
        return take(self._components.postgres.pid, self._data)

    def _own(self) -> Iterator[Family]:
        fleet, ledger = self._control.fleet, self._control.ledger
        for name, value in self._rates.items():
            yield gauge(name, HELP[name], value)
        yield gauge("platform_replicas", "Replicas that serve.", fleet.ready)
        yield gauge("platform_replicas_wanted", "Replicas that there should be.", fleet.size)
        yield _counter("platform_replica_crashes_total", "Replicas that ended unasked.", fleet.crashes)
        crashes = self._components.postgres.crashes
        yield _counter("platform_database_crashes_total", "Times the database ended unasked.", crashes)
        yield from component_families(self._components)
        yield from load_by_replica(fleet.totals.living)
        if ledger.current is not None:
            yield gauge("platform_release_info", "The release that runs.", 1, release=ledger.current)
            at = datetime.fromisoformat(ledger.deployed_at(ledger.current) or "").timestamp()
            yield gauge("platform_deployment_timestamp_seconds", "When the running release was deployed.", at)


def component_families(components: Components) -> Iterator[Family]:
    """Whether each server runs, and how often it ended unasked."""
    up, crashes = "platform_component_up", "platform_component_crashes_total"
    running: dict[Series, float] = {(up, _labels(c)): float(c.running) for c in components}
    yield Family(up, "gauge", "Whether the server runs.", running)
    ended: dict[Series, float] = {(crashes, _labels(c)): float(c.crashes) for c in components}
    yield Family(crashes, "counter", "Times the server ended unasked.", ended)


def _labels(component: Component) -> tuple[tuple[str, str], ...]:
    return (("component", component.name),)


def load_by_replica(living: Mapping[str, Families]) -> Iterator[Family]:
    """The figures of `LOAD` with a series for each replica; ``living`` is by the replica's key."""
    for name, (shown, help_text) in LOAD.items():
        samples: dict[Series, float] = {
            (shown, (("replica", key.partition("/")[0]),)): value
            for key, families in living.items()
            for value in _values(families.get(name))
        }
        if samples:
            yield Family(shown, "gauge", help_text, samples)


def _values(family: Family | None) -> Iterable[float]:
    return family.samples.values() if family is not None else ()


def _counter(name: str, help_text: str, value: int) -> Family:
    return Family(name, "counter", help_text, {(name, ()): float(value)})


def usable_cpus() -> int:
    """How many CPUs we, and so the database, may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
