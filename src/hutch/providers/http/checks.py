"""The read-only probes of an HTTP service."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from hutch.model import load
from hutch.model.action import Partly, Sample
from hutch.model.exposition import samples
from hutch.model.finding import Finding, Status
from hutch.providers.http.config import Config
from hutch.providers.http.fetch import Answer, Unanswered, fetch
from hutch.providers.http.traffic import Traffic, traffic

SHOWN = 300
"""Characters of a body that become evidence."""


@dataclass(frozen=True, slots=True)
class Eye:
    """What both checks and the scrape share: the target's name, its settings and the time."""

    service: str
    config: Config
    now: Callable[[], datetime]

    @property
    def host(self) -> str:
        """The service's host and port, as written."""
        return urlsplit(self.config.url).netloc.rpartition("@")[2]

    async def health(self) -> Finding:
        """Check ``http.health``: one request to the health endpoint, with the time of each phase."""
        at, started = self.now(), time.monotonic()
        try:
            answer = await fetch(self.config.health, timeout=self.config.timeout)
        except Unanswered as error:
            data: dict[str, object] = {"kind": error.kind, "host": self.host, "service": self.service}
            summary = f"{self.host} does not answer: {error}"
            return self._finding(
                "http.health", Status.BAD, summary, at, started, data, (f"{shown(self.config.health)}: {error}",)
            )
        return self._judged_health(answer, at, started)

    def _judged_health(self, answer: Answer, at: datetime, started: float) -> Finding:
        good = answer.status == self.config.expect_status
        data = {
            "kind": "answered",
            "host": self.host,
            "service": self.service,
            "status": answer.status,
            "phases": dict(answer.phases),
            "body": _json(answer.text[:SHOWN]),
        }
        took = answer.phases.get("total", 0.0) * 1000
        expected = "" if good else f", {self.config.expect_status} expected"
        summary = f"{shown(self.config.health)} answers {answer.status} in {took:.0f} ms{expected}"
        evidence = (summary, f"it says: {answer.text[:SHOWN].strip()}") if not good else (summary,)
        return self._finding("http.health", Status.OK if good else Status.BAD, summary, at, started, data, evidence)

    async def requests(self) -> Finding:
        """Check ``http.requests``: how many requests failed, and how long they took, between two looks."""
        at, started = self.now(), time.monotonic()
        try:
            seen, queues = await self._watch()
        except (Unanswered, ValueError) as error:
            said = f"the metrics at {shown(self.config.metrics)} cannot be read: {error}"
            return self._finding("http.requests", Status.UNKNOWN, said, at, started, {}, (), said)
        return self._judged_requests(seen, queues, at, started)

    async def _watch(self) -> tuple[Traffic, Mapping[str, object]]:
        """Look twice, and again while too few requests came in to judge by: the traffic, and who waits."""
        before, looked = await self.metrics(), time.monotonic()
        for _ in range(self.config.sample_looks):
            await asyncio.sleep(self.config.sample_gap)
            after = await self.metrics()
            seen = traffic(before, after, self.config.ignore_paths)
            if seen.requests >= self.config.min_requests:
                break
        return seen, self._queues(before, after, time.monotonic() - looked)

    def _queues(self, before: Sequence[Sample], after: Sequence[Sample], seconds: float) -> Mapping[str, object]:
        """What the looks say of the load; nothing where the service tells nothing of its connection pool."""
        visits = ([s for s in look if s.labels.get("path") not in self.config.ignore_paths] for look in (before, after))
        try:
            first, last = map(load.Load.of, visits)
            return load.figures(first, last, self.config, seconds)
        except ValueError:
            return {}

    def _judged_requests(self, seen: Traffic, queues: Mapping[str, object], at: datetime, started: float) -> Finding:
        enough = seen.requests >= self.config.min_requests
        failing = enough and seen.error_rate > self.config.error_rate_bad
        slow = enough and seen.p95 is not None and seen.p95 > self.config.slow_p95
        data: dict[str, object] = {
            "service": self.service,
            "requests": seen.requests,
            "failed": seen.failed,
            "error_rate": seen.error_rate,
            "p95": seen.p95,
            "failing": failing,
            "slow": slow,
            **({"load": queues} if queues else {}),
        }
        status = Status.BAD if failing or slow else Status.OK
        few = "" if enough else f"; {self.config.min_requests} are needed to judge"
        p95 = "" if seen.p95 is None or not enough else f", 95 % within {seen.p95:.0f} ms"
        summary = f"{seen.failed:.0f} of {seen.requests:.0f} requests failed{p95}{few}"
        return self._finding("http.requests", status, summary, at, started, data, (summary,))

    async def metrics(self) -> list[Sample]:
        """One scrape. Raises ``Unanswered``, or ``ValueError`` when the answer is not Prometheus' text format."""
        answer = await fetch(self.config.metrics, timeout=self.config.timeout)
        if answer.status != 200:
            raise ValueError(f"it answers {answer.status}")
        if answer.truncated:
            raise ValueError("the answer is too long")
        return samples(answer.text, self.now())

    async def scrape(self) -> list[Sample]:
        """The metrics, and the success and duration of one probe. What fails is missing: no data is not zero.

        Metrics that cannot be read are said by ``Partly``, with what the probe gave.
        """
        probe, found = await asyncio.gather(self._probe(), self._metrics_or_why())
        if isinstance(found, str):
            raise Partly(f"the metrics at {shown(self.config.metrics)} cannot be read: {found}", probe)
        return [*probe, *found]

    async def _probe(self) -> list[Sample]:
        if not self.config.health:
            return []
        finding = await self.health()
        labels, good = {"target": self.host}, finding.status is Status.OK
        return [
            Sample("probe_success", labels, float(good), finding.at),
            Sample("probe_duration_seconds", labels, finding.seconds, finding.at),
        ]

    async def _metrics_or_why(self) -> list[Sample] | str:
        if not self.config.metrics:
            return []
        try:
            return await self.metrics()
        except (Unanswered, ValueError) as error:
            return str(error)

    def _finding(
        self,
        check: str,
        status: Status,
        summary: str,
        at: datetime,
        started: float,
        data: dict[str, object],
        evidence: tuple[str, ...],
        reason: str = "",
    ) -> Finding:
        took = time.monotonic() - started
        return Finding(check, self.host, status, summary, at, took, data, evidence, True, reason)


def shown(url: str) -> str:
    """The address without the user and password that it may hold."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text
