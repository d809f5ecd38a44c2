"""The requests that a service says it has served: what its metrics count, up to now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hutch.commands.context import Service
from hutch.commands.drills.result import Traffic
from hutch.model.action import Partly, Sample
from hutch.ports import Scrape

METRIC = "http_requests_total"


async def served(service: Service) -> Traffic:
    """What the service's own metrics count: requests, and those that were answered with 5xx."""
    scrapes = [c.scrape for c in service.connections.values() if c.scrape]
    return count([sample for scrape in scrapes for sample in await _given(scrape)])


async def _given(scrape: Scrape) -> Sequence[Sample]:
    try:
        return await scrape()
    except Partly as error:
        return error.samples


def count(samples: Iterable[Sample]) -> Traffic:
    """Add up. Pure."""
    requests = failed = 0.0
    for sample in samples:
        if sample.name == METRIC:
            requests += sample.value
            failed += sample.value if sample.labels.get("status", "").startswith("5") else 0.0
    return Traffic(int(requests), int(failed))
