"""Other tools' alerts over HTTP: proved, durable before they are acknowledged, once however often they are told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, ingest, letters
from hutch.commands.context import CommandError, Context
from hutch.commands.inbox import ROOM
from hutch.detection.ingest import generic, sentry
from hutch.web.server import listen, serving

DATA = Path(__file__).parents[2] / "data" / "ingest"
CONFIG = """
mode: observe
services: {shop: {}, other: {}}
ingest:
  - {source: alertmanager, token: {file: am_token}}
  - {source: pagerduty, token: {file: routing}, service: shop}
  - {source: sentry, secret: {file: sentry_secret}, service: shop}
  - {source: generic, name: cron, secret: {file: cron_secret}}
"""
SECRETS = {
    "am_token": "am-token-1", "routing": "R0UTINGKEY0123456789", "sentry_secret": "s3ntry-secret",
    "cron_secret": "cr0n-secret",
}  # fmt: skip


@dataclass
class House:
    """The server's two addresses and its context."""

    near: str
    far: str
    context: Context
    client: aiohttp.ClientSession

    async def send(
        self, path: str, body: bytes | dict[str, Any], headers: dict[str, str] | None = None, far: bool = True
    ) -> tuple[int, dict[str, Any], aiohttp.typedefs.LooseHeaders]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **(headers or {})}
        async with self.client.post(
            (self.far if far else self.near) + path, data=BytesIO(data), headers=given
        ) as answer:
            return answer.status, json.loads(await answer.text()), dict(answer.headers)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    for name, value in SECRETS.items():
        (tmp_path / name).write_text(value)
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    context = open_context(tmp_path / "hutch.yaml")
    near, far = listen(0), listen(0)
    async with aiohttp.ClientSession() as client, serving(context, near, far):
        addresses = [f"http://127.0.0.1:{s.getsockname()[1]}" for s in (near, far)]
        yield House(addresses[0], addresses[1], context, client)
    await context.close()


def recorded(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return data


BEARER = {"Authorization": "Bearer am-token-1"}
AM = "/api/v1/ingest/alertmanager"


async def test_told_twice_it_is_one_incident_and_its_end_is_told(house: House) -> None:
    answers = await asyncio.gather(*(house.send(AM, recorded("alertmanager-firing"), BEARER) for _ in range(4)))
    assert {status for status, _, _ in answers} == {202}
    outcomes = sorted(body["alerts"][0]["outcome"] for _, body, _ in answers)
    assert outcomes == ["known", "known", "known", "opened"]
    found = await incidents.listing(house.context)
    assert [(i.service, i.severity.label, i.runbook) for i in found] == [("shop", "SEV-1", "trouble.md#trouble")]
    status, body, _ = await house.send(AM, recorded("alertmanager-resolved"), BEARER)
    assert (status, body["alerts"][0]["outcome"]) == (202, "ended")
    assert not (await incidents.load(house.context, found[0].id)).open_alerts


async def test_an_end_that_comes_before_its_beginning_opens_nothing(house: House) -> None:
    assert (await house.send(AM, recorded("alertmanager-resolved"), BEARER))[1]["alerts"][0]["outcome"] == "early"
    assert (await house.send(AM, recorded("alertmanager-firing"), BEARER))[1]["alerts"][0]["outcome"] == "late"
    assert await incidents.listing(house.context) == []


async def test_a_source_whose_clock_is_ahead_is_heard_and_silences_nothing_later(house: House) -> None:
    body = recorded("alertmanager-firing")

    async def told(start: str, end: str = "") -> str:
        row = {**body["alerts"][0], "startsAt": start, "status": "resolved" if end else "firing", "endsAt": end}
        status, answer, _ = await house.send(AM, {**body, "alerts": [row]}, BEARER)
        assert status == 202
        return str(answer["alerts"][0]["outcome"])

    assert await told("2099-01-01T00:00:00Z") == "opened"
    (found,) = await incidents.listing(house.context)
    assert found.detected_at <= house.context.clock.now()
    assert await told("2099-01-01T00:00:00Z", "2099-01-01T00:01:00Z") == "ended"
    assert await told("2099-01-01T00:00:00Z") == "known"
    assert await told((datetime.now(UTC) + timedelta(seconds=1)).isoformat()) == "joined"
    assert (await incidents.load(house.context, found.id)).open_alerts


async def test_an_end_told_for_a_far_day_is_the_end_now_and_silences_nothing_later(house: House) -> None:
    body = recorded("alertmanager-firing")
    now = datetime.now(UTC)

    async def told(start: datetime, end: str = "") -> str:
        row = {**body["alerts"][0], "startsAt": start.isoformat(), "status": "resolved" if end else "firing"}
        status, answer, _ = await house.send(AM, {**body, "alerts": [{**row, "endsAt": end}]}, BEARER)
        assert status == 202
        return str(answer["alerts"][0]["outcome"])

    assert await told(now) == "opened"
    assert await told(now, "2099-01-01T00:00:00Z") == "ended"
    (found,) = await incidents.listing(house.context)
    assert not found.open_alerts
    (over,) = [e for e in await house.context.store.read(found.stream) if e.kind == "alert.resolved"]
    assert datetime.fromisoformat(str(over.data["ends_at"])) <= house.context.clock.now()
    assert await told(now, "2099-01-01T00:00:00Z") == "known"
    assert await told(now + timedelta(seconds=1)) == "joined"
    assert await told(now + timedelta(seconds=1), "2099-01-01T00:00:00Z") == "ended"


async def test_a_clock_that_is_set_right_while_something_fires_lets_it_end(house: House) -> None:
    body = recorded("alertmanager-firing")

    async def told(start: str, status: str) -> str:
        row = {**body["alerts"][0], "startsAt": start, "status": status, "endsAt": ""}
        answered, answer, _ = await house.send(AM, {**body, "alerts": [row]}, BEARER)
        assert answered == 202
        return str(answer["alerts"][0]["outcome"])

    assert await told("2099-01-01T00:00:00Z", "firing") == "opened"
    right = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    assert await told(right, "firing") == "known"
    assert await told(right, "resolved") == "ended"


async def test_who_does_not_prove_itself_is_refused_and_nothing_is_written(house: House) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        status, body, answer = await house.send(AM, recorded("alertmanager-firing"), headers)
        assert (status, body["error"], answer["WWW-Authenticate"]) == (401, "the token is missing or wrong", "Bearer")
    status, body, _ = await house.send("/api/v1/ingest/datadog", recorded("datadog-firing"))
    assert (status, "nobody may send as datadog" in body["error"]) == (401, True)
    status, _, _ = await house.send("/api/v1/ingest/datadog", recorded("datadog-firing"), far=False)
    assert status == 202  # by loopback, what nobody configured needs no proof
    status, _, _ = await house.send(AM, recorded("alertmanager-firing"), far=False)
    assert status == 401  # what is configured does


async def test_signatures_of_sentry_and_of_our_own(house: House) -> None:
    body = json.dumps(recorded("sentry-issue-firing")).encode()
    signed = {"Sentry-Hook-Resource": "issue", "Sentry-Hook-Signature": sentry.signature("s3ntry-secret", body)}
    assert (await house.send("/api/v1/ingest/sentry", body, signed))[0] == 202
    assert (await house.send("/api/v1/ingest/sentry", body + b" ", signed))[0] == 401
    at = int(house.context.clock.now().timestamp())
    body = json.dumps({"rule": "Backup failed", "service": "shop"}).encode()
    good = {"X-Hutch-Signature": generic.signature("cr0n-secret", at, body)}
    assert (await house.send("/api/v1/ingest/generic", body, good))[0] == 202
    old = {"X-Hutch-Signature": generic.signature("cr0n-secret", at - 900, body)}
    status, said, _ = await house.send("/api/v1/ingest/generic", body, old)
    assert (status, "a replay" in said["error"]) == (401, True)


async def test_a_payload_in_which_the_mapping_finds_nothing_is_kept_and_said(house: House) -> None:
    at, body = int(house.context.clock.now().timestamp()), json.dumps({"title": "Backup failed"}).encode()
    signed = {"X-Hutch-Signature": generic.signature("cr0n-secret", at, body)}
    status, said, _ = await house.send("/api/v1/ingest/generic", body, signed)
    assert (status, "nothing of the mapping is here: looked for $.rule, " in said["error"]) == (400, True)
    ((letter, _),) = await letters.listing(house.context)
    assert (letter.data["body"], letter.data["name"]) == (body.decode(), "cron")
    assert "looked for $.rule, $.service" in str(letter.data["reason"])
    assert await incidents.listing(house.context) == []


async def test_pagerduty_is_answered_as_by_pagerduty(house: House) -> None:
    status, body, _ = await house.send("/v2/enqueue", recorded("pagerduty-firing"))
    assert (status, body) == (202, {"status": "success", "message": "Event processed", "dedup_key": "shop/db"})
    (incident,) = await incidents.listing(house.context)
    assert (await house.send("/v2/enqueue", recorded("pagerduty-acknowledged")))[0] == 202
    assert (await incidents.load(house.context, incident.id)).acknowledged_by == "pagerduty"
    assert (await house.send("/v2/enqueue", recorded("pagerduty-resolved")))[0] == 202
    assert not (await incidents.load(house.context, incident.id)).open_alerts
    status, body, _ = await house.send("/v2/enqueue", {**recorded("pagerduty-firing"), "routing_key": "other"})
    assert (status, body["status"], body["errors"]) == (400, "invalid event", ["'routing_key' is invalid"])
    status, body, _ = await house.send("/v2/enqueue", {**recorded("pagerduty-firing"), "payload": {}})
    assert (status, body["errors"]) == (400, ["payload.summary: is missing"])
    status, body, _ = await house.send("/v2/enqueue", b'{"routing_key": "')
    assert (status, body["status"]) == (400, "invalid event")
    assert body["errors"] == ["is not JSON: Unterminated string starting at at line 1, column 17"]
    assert [one.data["reason"] for one, _ in await letters.listing(house.context)] == ["payload.summary: is missing"]
    nameless = {k: v for k, v in recorded("pagerduty-firing").items() if k != "dedup_key"}
    assert len((await house.send("/v2/enqueue", nameless))[1]["dedup_key"]) == 32


async def test_what_cannot_be_read_is_kept_and_can_be_read_again(house: House, tmp_path: Path) -> None:
    status, body, _ = await house.send(AM, b'{"alerts": [{"status": "fir', BEARER)
    assert status == 400
    assert body["error"].startswith("alertmanager: is not JSON: Unterminated string")
    odd = {**recorded("alertmanager-firing"), "version": "5"}
    assert (await house.send(AM, odd, BEARER))[0] == 400
    kept = await letters.listing(house.context)
    assert [(e.data["source"], done) for e, done in kept] == [("alertmanager", False)] * 2
    with pytest.raises(CommandError, match="letter 1 still cannot be read"):
        await ingest.replay(house.context, await letters.find(house.context, 1))
    with pytest.raises(CommandError, match="letter 2 still cannot be read: version: expected version 4"):
        await ingest.replay(house.context, await letters.find(house.context, 2))
    assert await incidents.listing(house.context) == []


async def test_too_long_too_deep_and_foreign(house: House) -> None:
    assert (await house.send(AM, b" " * (4 * 1024 * 1024 + 1), BEARER))[0] == 413
    assert (await house.send("/v2/enqueue", b" " * (512 * 1024 + 1)))[0] == 413
    status, body, _ = await house.send(AM, b'{"a":' * 5000 + b"1" + b"}" * 5000, BEARER)
    assert (status, "levels deep" in body["error"]) == (400, True)
    assert (await house.send(AM, recorded("alertmanager-firing"), {**BEARER, "Content-Type": "text/plain"}))[0] == 415
    status, body, _ = await house.send("/api/v1/ingest/nobody", {}, BEARER)
    assert (status, "no source 'nobody'; one of: alertmanager" in body["error"]) == (404, True)
    for path in ("/", "/api/v1/incidents", "/incidents"):
        async with house.client.get(house.far + path) as answer:
            assert answer.status == 404  # beyond loopback nothing is there but what other tools send to


async def test_where_too_many_wait_the_next_is_told_to_come_again(house: House) -> None:
    many = {**recorded("alertmanager-firing")}
    row = many["alerts"][0]
    many["alerts"] = [{**row, "labels": {**row["labels"], "n": str(n)}} for n in range(1000)]
    answers = await asyncio.gather(*(house.send(AM, {**many, "groupKey": str(n)}, BEARER) for n in range(6)))
    said = sorted(status for status, _, _ in answers)
    assert said[0] == 202
    assert said[-1] == 429
    assert all(headers["Retry-After"] == "2" for status, _, headers in answers if status == 429)
    assert len(await incidents.listing(house.context)) == 1


async def test_pagerdutys_senders_are_throttled_as_by_pagerduty(house: House) -> None:
    row = {"status": "firing", "startsAt": "2026-01-15T10:00:00Z"}
    many = {"version": "4", "alerts": [{**row, "labels": {"alertname": "Slow", "n": str(n)}} for n in range(1000)]}
    event, first = recorded("pagerduty-firing"), asyncio.FIRST_COMPLETED
    async with house.context.board.lock:  # nothing is written meanwhile: what is taken waits, and only a refusal comes
        crowd = [asyncio.create_task(house.send(AM, many, BEARER)) for _ in range(3)]
        ((refused,), _) = await asyncio.wait(crowd, return_when=first)
        assert refused.result()[0] == 429  # two of a thousand fit
        pagers = [asyncio.create_task(house.send("/v2/enqueue", event)) for _ in range(ROOM - 2000 + 1)]
        ((refused,), _) = await asyncio.wait(pagers, return_when=first)
        status, body, headers = refused.result()
        assert (status, body["status"], headers["Retry-After"]) == (429, "throttle exceeded", "2")
        assert body["errors"] == ["2048 alerts wait to be written; come again in 2 s"]
    assert sorted([status for status, _, _ in await asyncio.gather(*crowd, *pagers)])[-3:] == [202, 429, 429]
    assert (await house.send("/v2/enqueue", recorded("pagerduty-firing")))[0] == 202  # sent again, as its senders do


async def test_no_listener_beyond_loopback_without_proof(tmp_path: Path) -> None:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\ningest: [{source: grafana}]\n")
    context = open_context(tmp_path / "hutch.yaml")
    near, far = listen(0), listen(0)
    with pytest.raises(CommandError, match="grafana has neither token nor secret; beyond loopback each needs one"):
        async with serving(context, near, far):
            raise AssertionError("it must not serve")
    near.close()
    far.close()
    await context.close()


async def test_a_person_reports_by_the_form(house: House) -> None:
    async with house.client.get(f"{house.near}/report") as answer:
        token = (await answer.text()).partition('name="token" value="')[2].partition('"')[0]
    sent = {"token": token, "actor": "olivia", "service": "shop", "text": "The page is white since ten."}
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    async with house.client.post(f"{house.near}/report", data=sent, headers=headers) as answer:
        assert answer.status == 200
        assert "Thank you. It is part of INC-" in await answer.text()
    (incident,) = await incidents.listing(house.context)
    assert (incident.service, incident.severity.label) == ("shop", "SEV-3")
