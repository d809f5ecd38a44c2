"""A real Prometheus scrapes RoleRabbit: Hutch reads it, and the exported rules fire there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

from hutch.detection.catalogue import catalogue, wanted
from hutch.detection.export import rules_file
from hutch.detection.history import History
from hutch.detection.promql import expression
from hutch.detection.signals import SIGNALS
from hutch.model.action import Command, Result
from hutch.model.alert import Condition, Rule
from hutch.model.effect import Effect
from hutch.model.finding import Status
from hutch.model.severity import Severity
from hutch.ports import Connection, TargetConfig
from hutch.providers.prometheus import provider
from prometheus import MISSING, PROMETHEUS, prometheus

pytestmark = pytest.mark.skipif(not PROMETHEUS, reason=MISSING)

RULE = Rule("Busy", Condition("request_rate", ">", 6, "requests/min"), timedelta(seconds=2), Severity.SEV3)


class Replica(Protocol):
    url: str

    async def ask(self, method: str, path: str) -> Any: ...


def opened(url: str, **settings: object) -> Connection:
    defaults = {s.name: s.default for s in provider.settings}
    given = defaults | {"url": url, "match": 'job="rolerabbit"'} | settings
    return provider.open(TargetConfig("rolerabbit", given, lambda: datetime.now(UTC)))


async def test_what_prometheus_has_of_a_service_becomes_its_signals(replica: Replica, tmp_path: Path) -> None:
    target = replica.url.removeprefix("http://")
    async with prometheus(tmp_path / "p", {"rolerabbit": target}, rules_file([RULE], ["rolerabbit"])) as url:
        async with asyncio.timeout(30):
            while (await firing(url)) != ["Busy"]:
                await asyncio.gather(*(replica.ask("GET", "/api/auth/me") for _ in range(10)))
                await asyncio.sleep(0.25)
        connection = opened(url)
        history = History(wanted=wanted(catalogue(())))
        assert connection.scrape
        history.add(await connection.scrape(), "prometheus")
        history.add(await connection.scrape(), "prometheus")  # what overlaps is known already
        for name in ("request_rate", "p95_response_time"):
            theirs = await connection.ask["promql"](expression(SIGNALS[name], 'job="rolerabbit"'))
            ours = SIGNALS[name].value(history, datetime.now(UTC))
            assert theirs is not None and ours == pytest.approx(theirs, rel=0.25), name
        findings = {name: await check() for name, check in connection.checks.items()}
        assert {name: f.status for name, f in findings.items()} == {
            "prometheus.reachable": Status.OK,
            "prometheus.targets": Status.OK,
        }
        done = await connection.runs["promql"](Command("promql", "sum(up)", "p", Effect.READ))
        assert (done.result, done.output) == (Result.DONE, "{} 1")
        with pytest.raises(ValueError, match="series where one is wanted: aggregate them"):
            await connection.ask["promql"]("http_request_duration_seconds_bucket")
        with pytest.raises(ValueError, match="answers 400"):
            await connection.ask["promql"]("sum(")
        assert await connection.ask["promql"]("absent_metric") is None
        other = await opened(url, match='job="elsewhere"').checks["prometheus.targets"]()
        assert other.status is Status.WARN and "scrapes nothing" in other.summary


async def firing(url: str) -> list[str]:
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v1/alerts") as answer:
        alerts = (await answer.json())["data"]["alerts"]
    return [a["labels"]["alertname"] for a in alerts if a["state"] == "firing" and a["labels"]["severity"] == "SEV-3"]
