"""Puts one CloudWatch target together: whether it answers, its samples, and metrics for signals of one's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hutch.model.action import Sample
from hutch.model.finding import Finding, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.cloudwatch.client import Client, CloudWatchError, Newest
from hutch.providers.cloudwatch.config import Config, config_from, metric


def connect(target: TargetConfig) -> Connection:
    """The target of a service. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.settings)
    eye = Eye(config, Client(config), target.now)
    return Connection(
        target=f"CloudWatch {config.region}",
        checks={"cloudwatch.reachable": eye.reachable} if config.metrics else {},
        scrape=eye.scrape if config.metrics else None,
        ask={"cloudwatch": eye.ask},
    )


@dataclass(slots=True)
class Eye:
    """One region, as far as it is asked for one service. What it said is kept until it is asked again."""

    config: Config
    client: Client
    now: Callable[[], datetime]
    asked_at: datetime | None = None
    known: dict[str, Newest] = field(default_factory=dict)

    async def reachable(self) -> Finding:
        """Check ``cloudwatch.reachable``: it answers, and has a value of each metric that it is asked for."""
        at, started, name = self.now(), time.monotonic(), "cloudwatch.reachable"
        where = f"CloudWatch {self.config.region}"
        try:
            found = await self.client.newest(list(self.config.metrics.values()), at)
        except CloudWatchError as error:
            return Finding(name, where, Status.UNKNOWN, f"could not look: {error}", at, time.monotonic() - started,
                           matters=False, reason=str(error))  # fmt: skip
        missing = [signal for signal, value in zip(self.config.metrics, found, strict=True) if value is None]
        status = Status.WARN if missing else Status.OK
        said = f"it has no recent {', '.join(missing)}" if missing else f"it gives {', '.join(self.config.metrics)}"
        return Finding(name, where, status, said, at, time.monotonic() - started, matters=False)

    async def scrape(self) -> list[Sample]:
        """Each signal's newest value, as of now while it is not older than ``delay``: AWS is minutes behind."""
        at = self.now()
        if self.asked_at is None or (at - self.asked_at).total_seconds() >= self.config.every:
            await self._ask_again(at)
        oldest = at - timedelta(seconds=self.config.delay)
        return [Sample(name, {}, value, at) for name, (end, value) in self.known.items() if end >= oldest]

    async def _ask_again(self, at: datetime) -> None:
        self.asked_at = at
        try:
            found = await self.client.newest(list(self.config.metrics.values()), at)
        except CloudWatchError:
            return  # what is known stays until it is too old
        pairs = zip(self.config.metrics, found, strict=True)
        self.known = {name: value for name, value in pairs if value is not None}

    async def ask(self, text: str) -> float | None:
        """The newest value of one metric. Raises ``ValueError`` saying why there is none to be had."""
        try:
            [found] = await self.client.newest([metric(text)], self.now())
        except CloudWatchError as error:
            raise ValueError(str(error)) from None
        return found[1] if found else None
