"""Have the replicas more to do than they can: the platform's metrics, looked at twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hutch.model import load
from hutch.model.exposition import samples
from hutch.model.finding import Finding, Status
from hutch.providers.local.client import Client
from hutch.remote import Refused, Silent

CHECK = "local.load"


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
        data = {"service": self.service, **load.figures(before, after, config, config.sample_gap)}
        status = Status.BAD if load.too_much(data) else Status.OK
        took = time.monotonic() - started
        return Finding(
            CHECK, config.target, status, load.summary(data), at, took, data, load.lines(data), matters=False
        )

    async def _look(self) -> load.Load:
        return load.Load.of(samples(await self.client.metrics(), self.now()))
