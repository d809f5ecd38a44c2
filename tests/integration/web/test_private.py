"""Private incidents: whoever takes no part meets pages and an API on which nothing changes because of them."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from guarded import Client, Guarded, guarded
from hutch.commands import alerts, evidence, incidents, record, runs, todo
from hutch.commands.respond import run_document
from hutch.model.access import AccessRole
from hutch.model.alert import Alert
from hutch.model.event import Draft
from hutch.model.severity import Severity
from hutch.model.subscriber import asked
from hutch.ports import Append

WORD = "Zebrafinch"
"""Stands in all that is private, and nowhere else."""

MORE = """
people: {anna: {channels: []}}
oncall: {primary: {zone: Europe/Berlin, rotations: [{people: [anna], starts: 2026-01-05 09:00, every: 7d}]}}
status_page: {title: Acme, components: [{name: Website, service: shop}]}
access: {api_rate: 100000/minute}
"""

PLACES = (
    "/", "/incidents", "/incidents?state=resolved", "/incidents?service=shop&severity=SEV-1", "/runs", "/alerts",
    "/alerts?since=24h&state=firing", "/log", "/todo", "/todo?all=yes", "/reviews", "/reports",
    "/reports/report.json", "/reports/report.csv", f"/find?q={WORD}", "/find?q=broke", "/find?q=INC-", "/oncall",
    "/services", "/services/shop/signals", "/status/index.html", "/status/history.html", "/status/history.atom",
    "/status/api/v2/summary.json", "/drills", "/settings", "/runbooks", "/runbooks/trouble",
    "/api/v1/incidents", "/api/v1/incidents?state=open", "/api/v1/incidents?state=resolved&limit=2",
    "/api/v1/runs", "/api/v1/services", "/api/v1/services/shop/signals", "/api/v1/oncall", "/metrics",
)  # fmt: skip

PASSING = (
    (r"<time[^>]*>.*?</time>", ""),
    (r"<svg class=\"week\".*?</svg>", ""),
    (r'data-(now|stand)="[^"]*"', ""),
    (r'(name="token" value=")[^"]*', r"\1"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?", "T"),
    (r'"(seconds|age|at|value)": [\d.]+', ""),
    (r"hutch_(events_total|alerts_received|jobs|evaluat|services_watched|watchdog|behind)[^\n]*\n", ""),
)
"""What differs from one moment to the next, and the log's length, which tells of nothing in particular."""


@pytest.fixture
async def hutch(on_store: str, tmp_path: Path) -> AsyncIterator[Guarded]:
    async with guarded(tmp_path, MORE) as found:
        await found.account("eve", AccessRole.VIEWER)
        await found.account("bob", AccessRole.COMMANDER)
        await found.account("ada", AccessRole.ADMIN)
        yield found


async def incident(hutch: Guarded, word: str, *, private: bool = False, ended: bool = False) -> str:
    """One with everything that lists show."""
    context, due = hutch.context, hutch.context.clock.now() + timedelta(days=2)
    one = await incidents.declare(
        context, title=f"{word} broke", service="shop", severity=Severity.SEV1, actor="bob", private=private,
        respond=False,
    )  # fmt: skip
    await incidents.note(context, one.id, f"{word} seen", "bob")
    await record.affected(context, one.id, ["shop"], word, 5.0, "bob")
    await evidence.attach(context, one.id, f"{word}.txt", word.encode(), word, "bob")
    await todo.add(context, one.id, todo.Wanted(f"bound {word}", "bob", due), "bob")
    run = await run_document(
        context, "trouble#trouble", "shop", mode="dry-run", actor="bob", incident=await incidents.load(context, one.id)
    )
    await settled(hutch, run.id)
    if ended:
        await incidents.resolve(context, one.id, f"{word} mended", "bob")
    return one.id


async def settled(hutch: Guarded, run_id: str) -> None:
    for _ in range(400):
        run = await runs.load(hutch.context, run_id)
        if run.waiting or run.finished:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(run)


async def seen(client: Client) -> dict[str, str]:
    """What stands at each place, without what differs from one moment to the next."""
    found = {}
    for place in PLACES:
        answer = await client.get(place)
        text = answer.text if answer.status == 200 else f"{answer.status}"
        for pattern, instead in PASSING:
            text = re.sub(pattern, instead, text, flags=re.DOTALL)
        found[place] = text
    return found


def difference(once: dict[str, str], now: dict[str, str]) -> str:
    rows = [difflib.unified_diff(once[p].splitlines(), now[p].splitlines(), p, p, "", "", 0, "") for p in PLACES]
    return "\n".join(row for some in rows for row in some)


@pytest.mark.timeout(240)
async def test_nothing_that_others_see_changes_by_it(hutch: Guarded) -> None:
    for ended in (True, False):
        await incident(hutch, "Plain", ended=ended)
    alert = Alert("High Error Rate", "shop", Severity.SEV3, hutch.context.clock.now(), "a summary")
    await alerts.receive(hutch.context, [alert])
    eve, reader, ada = await hutch.client("eve"), await hutch.token("eve", "read"), await hutch.client("ada")
    before = [await seen(eve), await seen(reader)]
    assert difference(before[0], await seen(eve)) == "", "what differs by itself would hide what differs by more"
    hidden = [await incident(hutch, WORD, private=True, ended=number < 12) for number in range(14)]
    assert WORD in (await seen(ada))["/"]
    for client, once in zip((eve, reader), before, strict=True):
        now = await seen(client)
        told = [place for place, text in now.items() if any(word in text for word in (f"{WORD} broke", *hidden))]
        assert told == [] and difference(once, now) == ""


async def test_addresses_of_subscribers_are_an_admins_business(hutch: Guarded) -> None:
    store, draft = hutch.context.store, asked("zoe@example.com")
    await store.commit([Append("subscriber:x1", (draft,))])
    eve, ada = await hutch.client("eve"), await hutch.client("ada")
    assert draft.kind in (await ada.get("/log")).text
    assert "zoe@example.com" in (await ada.get("/subscribers")).text
    for place in ("/log", "/log?sort=&q=zoe", "/subscribers"):
        text = (await eve.get(place)).text
        assert draft.kind not in text and "zoe@" not in text, place
    async with eve.http.get(hutch.address + "/events") as feed:
        await store.commit([Append("subscriber:x2", (draft,))])
        await store.commit([Append("run:R-none", (Draft("x.y", {}),)), Append("oncall:z", (Draft("x.y", {}),))])
        heard = b""
        async with asyncio.timeout(10):
            while b"oncall:z" not in heard:
                heard += await feed.content.readany()
    assert b"subscriber:" not in heard


async def test_each_place_of_one_is_as_of_one_that_there_is_not(hutch: Guarded) -> None:
    one, none = await incident(hutch, WORD, private=True), "INC-2000-001"
    (run,) = (await incidents.load(hutch.context, one)).runs
    (file,) = (await incidents.load(hutch.context, one)).record.files
    eve, reader = await hutch.client("eve"), await hutch.token("eve", "read")
    for place in ("/incidents/{}", "/incidents/{}/review.txt", "/incidents/{}/update.txt", "/reviews/{}",
                  f"/incidents/{{}}/evidence/{file.seq}", "/api/v1/incidents/{}", "/api/v1/incidents/{}/timeline",
                  "/api/v1/incidents/{}/roles", "/api/v1/incidents/{}/messages",
                  f"/api/v1/incidents/{{}}/evidence/{file.seq}"):  # fmt: skip
        for client in (eve, reader):
            known, unknown = [await client.get(place.format(name)) for name in (one, none)]
            assert (known.status, unknown.status) == (404, 404), place
            assert WORD not in known.text and known.text.count(one) == unknown.text.count(none), place
    for place in (f"/runs/{run}", f"/runs/{run}/output?item=x", f"/api/v1/runs/{run}"):
        answer = await reader.get(place)
        assert answer.status == 404 and WORD not in answer.text
