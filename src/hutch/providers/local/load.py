"""Have the replicas more to do than they can: the platform's metrics, looked at twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hutch.model.action import Sample
from hutch.model.exposition import samples
from hutch.model.finding import Finding, Status
from hutch.providers.local.client import Client
from hutch.providers.local.config import Config
from hutch.remote import Refused, Silent

CHECK = "local.load"
REFUSED = "503"
"""What the service answers when no connection of its pool got free in time, or too many wait already."""
FULL = 95.0
"""% of the pools' connections in use that make them full: one may just be given back."""


@dataclass(frozen=True, slots=True)
class Load:
    """The metrics of one moment, summed over the replicas. Totals count from the start of the platform."""

    replicas: float
    in_flight: float
    size: float
    in_use: float
    waiting: float
    waited: float
    wait_seconds: float
    requests: float
    refused: float
    db_cpu: float

    @classmethod
    def of(cls, found: Iterable[Sample]) -> Load:
        """From one scrape. ``ValueError`` where the service tells nothing of its pool."""
        totals: dict[str, float] = {}
        refused = 0.0
        for sample in found:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
            if sample.name == "http_requests_total" and sample.labels.get("status") == REFUSED:
                refused += sample.value
        if "db_pool_size" not in totals:
            raise ValueError("the service's metrics tell nothing of its connection pool")
        return cls(**{name: totals.get(metric, 0.0) for name, metric in _METRICS.items()}, refused=refused)


_METRICS = {
    "replicas": "platform_replicas",
    "in_flight": "http_requests_in_flight",
    "size": "db_pool_size",
    "in_use": "db_pool_in_use",
    "waiting": "db_pool_waiting",
    "waited": "db_pool_waited_total",
    "wait_seconds": "db_pool_wait_seconds_total",
    "requests": "http_requests_total",
    "db_cpu": "db_cpu",
}


@dataclass(frozen=True, slots=True)
class LoadCheck:
    """Check ``local.load`` of one platform."""

    client: Client
    service: str
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        """Two looks: queues that pass are a peak, queues that stay are too much."""
        at, started, config = self.now(), time.monotonic(), self.client.config
        try:
            before = await self._look()
            await asyncio.sleep(config.sample_gap)
            after = await self._look()
        except (Refused, Silent, ValueError) as error:
            said, took = str(error), time.monotonic() - started
            return Finding(CHECK, config.target, Status.UNKNOWN, said, at, took, matters=False, reason=said)
        data = {"service": self.service, **figures(before, after, config)}
        status = Status.BAD if data["queued"] or data["piled_up"] else Status.OK
        took = time.monotonic() - started
        return Finding(CHECK, config.target, status, _said(data), at, took, data, _lines(data), matters=False)

    async def _look(self) -> Load:
        return Load.of(samples(await self.client.metrics(), self.now()))


def figures(before: Load, after: Load, config: Config) -> Mapping[str, float | bool]:
    """The change between two looks, and what it says: ``queued`` for connections, ``piled_up`` in the replicas."""
    waited = after.waited - before.waited
    in_all = max(0.0, after.wait_seconds - before.wait_seconds)
    waits = 1000 * in_all / waited if waited > 0 else 0.0
    refused = max(0.0, after.refused - before.refused)
    full = all(look.size and 100 * look.in_use / look.size >= FULL for look in (before, after))
    waiting = before.waiting > 0 or after.waiting > 0
    per_replica = min(look.in_flight / max(look.replicas, 1.0) for look in (before, after))
    always = in_all >= config.sample_gap  # at every moment somebody waited
    queued = waiting and (full or always) and (refused > 0 or waits >= config.wait_bad)
    return {
        "replicas": after.replicas,
        "pool_size": round(after.size / max(after.replicas, 1.0)),
        "size": after.size,
        "in_use": after.in_use,
        "waiting": max(before.waiting, after.waiting),
        "wait_ms": round(waits, 1),
        "in_flight": after.in_flight,
        "requests": round((after.requests - before.requests) / config.sample_gap, 1),
        "refused": refused,
        "db_cpu": max(before.db_cpu, after.db_cpu),
        "db_busy": min(before.db_cpu, after.db_cpu) >= config.db_cpu_bad,
        "queued": bool(queued),
        "piled_up": bool(not waiting and per_replica >= config.in_flight_bad),
    }


def _said(data: Mapping[str, object]) -> str:
    use = f"{data['in_use']:.0f} of {data['size']:.0f} pooled connections in use"
    return (
        f"{data['requests']} requests/s on {data['replicas']:.0f} replicas, {use}, {data['waiting']:.0f} requests wait"
    )


def _lines(data: Mapping[str, object]) -> tuple[str, ...]:
    lines = (
        f"requests waited {data['wait_ms']} ms for a connection" if data["wait_ms"] else "",
        f"{data['refused']:.0f} requests refused (503) between the two looks" if data["refused"] else "",
        f"{data['in_flight']:.0f} requests in work at once",
        f"the database's CPUs are {data['db_cpu']:.0f} % busy",
    )
    return tuple(filter(None, lines))
