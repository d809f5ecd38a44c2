"""The page of a service's signals, from a real server over a real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import alerts
from hutch.commands.context import Context, Service
from hutch.model.action import Sample
from hutch.model.alert import Alert
from hutch.model.finding import Change
from hutch.model.severity import Severity
from hutch.ports import Connection
from hutch.web.server import listen, serving

CONFIG = """
services:
  shop: {http: {url: "http://127.0.0.1:9", health: ""}}
  api: {http: {url: "http://127.0.0.1:9", health: ""}}
diagnose_every: 0s
alerts:
  - {name: CPU, condition: db_cpu > 80%, duration: 0s, severity: SEV-3}
  - {name: Errors <b>, condition: error_rate > 5%, duration: 5m, severity: SEV-2, service: shop}
"""


@pytest.fixture
async def context(tmp_path: Path) -> AsyncIterator[Context]:
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    opened = open_context(tmp_path / "hutch.yaml")
    now = opened.clock.now()

    async def scrape() -> list[Sample]:
        return [Sample("db_cpu", {}, 91.0, opened.clock.now())]

    async def changes() -> list[Change]:
        return [Change("deployment", "release 43", now - timedelta(minutes=20), "x")]

    shop = Service(opened.services["shop"].config, {"http": Connection("fake", scrape=scrape, changes=changes)})
    made = replace(opened, services={**opened.services, "shop": shop})
    assert made.samples
    for minute in range(50, 0, -1):
        await made.samples.record("shop", now - timedelta(minutes=minute), {"db_cpu": 40.0 + minute})
    yield made
    await made.close()


async def read(url: str, status: int = 200) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == status, await answer.text()
        return await answer.text()


async def test_each_signal_has_its_chart_its_value_and_its_rules(context: Context) -> None:
    listener = listen(0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with serving(context, listener) as monitor:
        await monitor.look(monitor.watches["shop"])
        page = await read(f"{base}/services/shop/signals")
        assert page.count('<svg class="chart"') == 2
        assert "db_cpu" in page and "91 %" in page and "deployment release 43" in page
        assert 'chip rule firing">firing' in page and 'chip rule no-data">no data' in page
        assert "Errors &lt;b&gt;" in page and "style=" not in page
        assert "<td>" in page and "signals?span=6h" in page
        assert "CPU" in await read(f"{base}/services")
        other = await read(f"{base}/services/api/signals?span=7d")
        assert "no data" in other
        old = context.clock.now() - timedelta(days=3)
        assert "No data in the 60 min" in await read(f"{base}/services/shop/signals?around={old:%Y-%m-%dT%H:%M:%SZ}")
        assert "there is no span 2y" in await read(f"{base}/services/shop/signals?span=2y", 404)
        assert "around:" in await read(f"{base}/services/shop/signals?around=soon", 404)
        assert "unknown service" in await read(f"{base}/services/none/signals", 404)
        found = await read(f"{base}/api/v1/services/shop/signals")
        assert '"name":"db_cpu","unit":"%","value":91.0' in found and '"state":"firing"' in found


async def test_an_incident_leads_to_the_signals_around_its_time(context: Context) -> None:
    listener = listen(0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with serving(context, listener):
        alert = Alert("By hand", "shop", Severity.SEV2, context.clock.now(), "it hurts")
        (receipt,) = await alerts.receive(context, [alert])
        page = await read(f"{base}/incidents/{receipt.incident}")
        assert "/services/shop/signals?around=20" in page
        shown = await read(f"{base}/services/shop/signals")
        assert "alert By hand" in shown
