"""The listener for elsewhere: a page's link acknowledges by its form, and there is nothing else to be had."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import aiohttp

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.model.severity import Severity
from hutch.web.server import listen, serving
from sinks import hook

CONFIG = """
diagnose_every: 0s
services: {{shop: {{http: {{url: "http://127.0.0.1:9"}}}}}}
people: {{anna: {{channels: [anna-phone]}}}}
escalation:
  SEV-1: [{{page: [anna]}}]
notify:
  address: http://127.0.0.1:{port}
  pagerduty_secret: {{file: secret}}
  channels:
    anna-phone: {{kind: webhook, url: "{url}", networks: [127.0.0.0/8]}}
"""


async def test_opening_a_link_does_nothing_and_its_form_acknowledges_once(tmp_path: Path) -> None:
    intake = listen(0)
    port = intake.getsockname()[1]
    (tmp_path / "secret").write_text("pd-secret")
    async with hook() as phone:
        (tmp_path / "hutch.yaml").write_text(CONFIG.format(port=port, url=phone.url))
        context = open_context(tmp_path / "hutch.yaml")
        async with serving(context, listen(0), intake), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as outside:
            state = await incidents.declare(context, title="<b>Down", service="shop", severity=Severity.SEV1)
            async with asyncio.timeout(20):
                while not phone.got:
                    await asyncio.sleep(0.02)
            link = phone.got[0].body["body"].partition(f"http://127.0.0.1:{port}")[2].split()[0]
            for _ in range(2):  # a mail scanner, and the person
                _, page = await called(outside, "GET", link)
                assert "<form" in page and "&lt;b&gt;Down" in page and "<b>Down" not in page
            assert (await incidents.load(context, state.id)).acknowledged_by == ""
            status, said = await called(outside, "POST", link, headers={"Origin": "null"})
            assert status == 200 and "is acknowledged" in said
            assert (await incidents.load(context, state.id)).acknowledged_by == "anna"
            status, said = await called(outside, "POST", link)
            assert status == 409 and "used by anna" in said
            assert "<form" not in (await called(outside, "GET", link))[1]
            assert (await called(outside, "GET", "/a/page.css"))[0] == 200
            for path in ("/a/nonsense", "/", "/api/v1/incidents", f"/incidents/{state.id}"):
                assert (await called(outside, "GET", path))[0] == 404
            await hears_pagerduty(outside, state.id)
        await context.close()


async def called(client: aiohttp.ClientSession, method: str, path: str, **more: Any) -> tuple[int, str]:
    async with client.request(method, path, **more) as answer:
        return answer.status, await answer.text()


async def hears_pagerduty(outside: aiohttp.ClientSession, incident: str) -> None:
    event = {"id": "E1", "event_type": "incident.resolved", "data": {"incident_key": incident}}
    body = json.dumps({"event": event}).encode()
    proof = "v1=" + hmac.new(b"pd-secret", body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json"}
    assert (await called(outside, "POST", "/api/v1/pagerduty", data=body, headers=headers))[0] == 401
    signed = {**headers, "X-PagerDuty-Signature": proof}
    status, said = await called(outside, "POST", "/api/v1/pagerduty", data=body, headers=signed)
    assert (status, json.loads(said)) == (202, {"result": "told"})
