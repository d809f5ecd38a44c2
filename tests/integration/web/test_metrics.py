"""What Hutch shows of itself: metrics that Prometheus reads, and whether it is well."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import alerts, assess, incidents
from hutch.commands.context import Context
from hutch.model.alert import Alert
from hutch.model.exposition import samples
from hutch.model.severity import Severity
from hutch.web.metrics import Metric, render
from hutch.web.server import listen, serving


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    path = tmp_path / "hutch.yaml"
    path.write_text('services: {shop: {http: {url: "http://127.0.0.1:9", health: ""}}}\ndiagnose_every: 0s\n')
    opened = open_context(path)
    yield opened
    await opened.close()


async def test_metrics_and_health(context: Context) -> None:
    listener = listen(0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with serving(context, listener), aiohttp.ClientSession() as session:
        alert = Alert('odd "name"', "shop", Severity.SEV2, context.clock.now(), "x", source='a"b\n')
        await alerts.receive(context, [alert, alert])
        await assess.watch(context, "shop", {"users_affected": 12.0})
        await assess.watch(context, "shop", {"users_affected": 44.0})
        async with session.get(f"{base}/metrics") as answer:
            text = await answer.text()
            assert answer.content_type == "text/plain"
        found = {(s.name, *s.labels.values()): s.value for s in samples(text, context.clock.now())}
        assert found["hutch_alerts_received_total", 'a"b\n', "opened"] == 1
        assert found["hutch_alerts_received_total", 'a"b\n', "known"] == 1
        assert found["hutch_incidents_open",] == found["hutch_alerts_firing",] == 1
        (state,) = await incidents.listing(context)
        assert found["hutch_incident_users_affected", state.id, "shop"] == 44
        assert found["hutch_events_total",] >= 4
        assert found["hutch_runs_waiting",] == found["hutch_behind",] == 0
        assert found["hutch_evaluation_lateness_seconds",] < 15
        async with session.get(f"{base}/healthz") as answer:
            assert (answer.status, (await answer.json())["status"]) == (200, "ok")
        context.vitals.behind, context.vitals.lateness = True, 42.0
        async with session.get(f"{base}/healthz") as answer:
            assert answer.status == 503
            assert json.loads(await answer.text())["reasons"] == ["evaluations are 42 s late"]
        async with session.get(f"{base}/services/hutch/signals") as answer:
            assert "hutch_evaluation_lateness_seconds" in await answer.text()


def test_a_metric_without_values_is_left_out() -> None:
    assert render([Metric("x", "gauge", "x", ())]) == ""
