"""Puts one Prometheus target together: its checks, its samples, PromQL of documents and of signals."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hutch.model.action import Command, Outcome, Result, Sample
from hutch.model.finding import Finding, Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.prometheus.client import Client, PrometheusError, Series
from hutch.providers.prometheus.config import Config, config_from

FIRST, AGAIN = "6m", "90s"
"""How far back the first look goes (the longest window of a signal), and the others."""

ROWS = 200
"""Series of an answer that a document's statement shows."""


def connect(target: TargetConfig) -> Connection:
    """The target of a service. Nothing connects yet. ``ValueError`` names a setting that can't be used."""
    config = config_from(target.service, target.settings)
    eye = Eye(config, Client(config), target.now)
    return Connection(
        target=f"{config.host} ({config.match})",
        checks={"prometheus.reachable": eye.reachable, "prometheus.targets": eye.targets},
        runs={"promql": eye.run},
        scrape=eye.scrape,
        scrape_within=config.timeout + 1,
        ask={"promql": eye.ask},
    )


@dataclass(slots=True)
class Eye:
    """One server, as far as it sees one service."""

    config: Config
    client: Client
    now: Callable[[], datetime]
    seen: bool = field(default=False)

    async def reachable(self) -> Finding:
        """Check ``prometheus.reachable``: it answers a query."""
        return await self._look("prometheus.reachable", "vector(1)", lambda _: (Status.OK, "it answers", ()))

    async def targets(self) -> Finding:
        """Check ``prometheus.targets``: it scrapes something of this service, and reaches all of it."""
        return await self._look("prometheus.targets", f"up{{{self.config.match}}}", _targets)

    async def _look(
        self, check: str, query: str, judge: Callable[[Sequence[Series]], tuple[Status, str, tuple[str, ...]]]
    ) -> Finding:
        at, started = self.now(), time.monotonic()
        try:
            status, summary, evidence = judge(await self.client.query(query))
            reason = ""
        except PrometheusError as error:
            status, summary, evidence, reason = Status.UNKNOWN, f"could not look: {error}", (), str(error)
        took = time.monotonic() - started
        return Finding(check, self.config.host, status, summary, at, took, {}, evidence, False, reason)

    async def scrape(self) -> list[Sample]:
        """The recent samples of the metrics, with the times that Prometheus took them at. Nothing where it can't."""
        names = "|".join(self.config.metrics)
        back = AGAIN if self.seen else FIRST
        try:
            found = await self.client.query(f'{{__name__=~"{names}",{self.config.match}}}[{back}]')
        except PrometheusError:
            self.seen = False  # what was missed meanwhile is fetched
            return []
        self.seen = True
        return sorted((s for series in found for s in _samples(series)), key=lambda s: s.at)

    async def ask(self, query: str) -> float | None:
        """One number; None for no data. Raises ``ValueError`` saying why there is none to be had."""
        try:
            found = await self.client.query(query)
        except PrometheusError as error:
            raise ValueError(str(error)) from None
        if len(found) > 1:
            raise ValueError(f"{self.config.host}: {len(found)} series where one is wanted: aggregate them, as sum(…)")
        value = found[0].value if found else None
        return None if value is None or math.isnan(value) else value

    async def run(self, command: Command) -> Outcome:
        """A ``promql`` statement of a document."""
        started = time.monotonic()
        try:
            found = await self.client.query(command.text)
        except PrometheusError as error:
            return Outcome(Result.FAILED, str(error), seconds=time.monotonic() - started)
        lines = [f"{_written(s)} {s.value:g}" for s in found[:ROWS]]
        more = [f"… {len(found) - ROWS} more"] if len(found) > ROWS else []
        text, took = "\n".join([*lines, *more]), time.monotonic() - started
        return Outcome(Result.DONE, f"{len(found)} series", text, exit_code=0, seconds=took, hits=len(found))


def _targets(found: Sequence[Series]) -> tuple[Status, str, tuple[str, ...]]:
    down = tuple(f"{s.labels.get('instance', _written(s))} is down" for s in found if s.value == 0)
    if not found:
        return Status.WARN, "it scrapes nothing of this service: is `match` right?", ()
    if down:
        return Status.WARN, f"it does not reach {len(down)} of {len(found)} targets", down
    return Status.OK, f"it reaches all {len(found)} targets", ()


def _samples(series: Series) -> Iterator[Sample]:
    name = series.labels.get("__name__", "")
    labels = {k: v for k, v in series.labels.items() if k != "__name__"}
    for at, value in series.points:
        try:
            yield Sample(name, labels, value, datetime.fromtimestamp(at, UTC), kind(name))
        except (ValueError, OverflowError, OSError):
            continue  # a time that no calendar has


def kind(name: str) -> str:
    """A metric's kind by the convention for names: the API does not tell it."""
    if name.endswith("_bucket"):
        return "bucket"
    return "counter" if name.endswith(("_total", "_count", "_sum")) else "gauge"


def _written(series: Series) -> str:
    inner = ", ".join(f'{k}="{v}"' for k, v in sorted(series.labels.items()) if k != "__name__")
    return f"{series.labels.get('__name__', '')}{{{inner}}}"
