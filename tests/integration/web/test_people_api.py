"""People and words over the API: what was previewed is what is sent, and a role has one holder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.model.severity import Severity
from hutch.web.server import listen, serving

CONFIG = """
diagnose_every: 0s
services: {shop: {http: {url: "http://127.0.0.1:9"}}}
people: {anna: {channels: [phone]}}
oncall: {primary: {rotations: [{people: [anna], starts: 2026-01-05 09:00}]}}
notify:
  reminders: false
  channels:
    phone: {kind: webhook, url: "http://127.0.0.1:9/"}
    news: {kind: webhook, audience: customers, url: "http://127.0.0.1:9/"}
"""


@pytest.mark.usefixtures("on_store")
async def test_people_and_words(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    context, listener = open_context(tmp_path / "hutch.yaml"), listen(0)
    base = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with serving(context, listener), aiohttp.ClientSession(base) as client:
        name = (await incidents.declare(context, title="t", service="shop", severity=Severity.SEV2)).id
        path = f"/api/v1/incidents/{name}"

        async def call(place: str, body: dict[str, object] | None = None) -> tuple[int, Any]:
            async with client.request("POST" if body else "GET", place, json=body) as answer:
                return answer.status, await answer.json()

        assert (await call("/api/v1/oncall"))[1][0]["who"] == "anna"
        override = {"who": "zoe", "since": "2030-01-01T00:00:00Z", "until": "2030-01-02T00:00:00Z", "reason": "r"}
        assert (await call("/api/v1/oncall/primary/overrides", {**override, "actor": "a"}))[0] == 404
        assert (await call("/api/v1/oncall/primary/overrides", {**override, "who": "anna", "actor": "a"}))[0] == 201
        role = {"role": "commander", "who": "anna", "actor": "cleo"}
        assert (await call(f"{path}/roles", {**role}))[0] == 200
        status, taken = await call(f"{path}/roles", {**role, "who": "ben"})
        assert status == 409 and "anna is the incident commander" in taken["error"]
        assert (await call(f"{path}/roles", {**role, "role": "king"}))[0] == 422
        wanted = {"audience": "customers", "text": "[INVESTIGATING] Slow\n\nWe look."}
        _, seen = await call(f"{path}/updates/preview", {**wanted})
        sending = {**wanted, "digest": seen["digest"], "actor": "olivia"}
        status, other = await call(f"{path}/updates/sending", {**sending, "text": "Another"})
        assert status == 422 and "not what you looked at" in other["error"]
        assert (await call(f"{path}/updates/sending", {**sending}))[0] == 200
        told = {m["channel"] for m in (await call(f"{path}/messages"))[1]}
        assert told <= {"phone", "news"} and "news" in told
    await context.close()


async def test_what_is_kept_with_an_incident_is_said_over_the_api(site: Any) -> None:
    state = await incidents.declare(site.context, title="t", service="shop", severity=Severity.SEV3, respond=False)
    base = f"{site.address}/api/v1/incidents/{state.id}"
    async with site.client.post(f"{base}/affected", json={"actor": "olivia", "users": "all", "share": 40}) as answer:
        assert (await answer.json())["affected"] == {"services": [], "users": "all", "share": 40.0, "measured": None}
    async with site.client.post(f"{base}/corrections", json={"actor": "olivia", "event": 1, "text": "x"}) as answer:
        assert (await answer.json())["corrections"] == {"1": "x"}
    async with site.client.post(f"{base}/affected", json={"actor": "olivia", "share": 400}) as answer:
        assert answer.status == 404 and "from 0 to 100" in (await answer.json())["error"]
