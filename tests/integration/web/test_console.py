"""The console's other pages over HTTP, as a browser without JavaScript meets them: what their forms do, and refuse."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, lately, maintenance, oncall, silences, todo, upkeep
from hutch.commands.context import Context
from hutch.model.incident import Incident
from hutch.model.severity import Severity

SECRET = "s3cr3t-of-the-hook"

CONFIG = """
services: {shop: {}, billing: {}}
people: {anna: {channels: []}, ben: {channels: []}}
oncall:
  primary: {zone: Europe/Berlin, rotations: [{people: [anna], starts: 2026-01-05 09:00, every: 7d}]}
notify: {channels: {team: {kind: apprise, url: {env: HOOK}}}}
"""


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    monkeypatch.setenv("HOOK", f"json://127.0.0.1:9/{SECRET}")
    (tmp_path / "hutch.yaml").write_text(CONFIG)
    return open_context(tmp_path / "hutch.yaml")


async def resolved(site: Any) -> Incident:
    state = await incidents.declare(
        site.context, title="It is slow", service="shop", severity=Severity.SEV2, actor="olivia", respond=False
    )
    return await incidents.resolve(site.context, state.id, "rolled back", "olivia")


async def test_what_is_held_back_begins_and_ends_on_the_page(context: Context, served: Any) -> None:
    site = await served(context)
    assert "S-001 holds back rule=Disk*" in await site.told(
        "/alerts", "/silences", match="rule=Disk*", length="2h", reason="replaced", actor="anna"
    )
    assert "cannot read the length" in await site.told("/alerts", "/silences", match="a=b", length="x", reason="y")
    assert "cannot read the matcher" in await site.told("/alerts", "/silences", match="x", length="2h", reason="y")
    far = {"name": "Move", "service": "shop", "starts": "2099-01-01T10:00", "length": "2h"}
    assert "begins within a year" in await site.told("/alerts", "/maintenances", **far)
    assert "S-001 is over" in await site.told("/alerts", "/S-001/end")
    assert not await silences.listing(context)
    assert "is planned from" in await site.told("/alerts", "/maintenances", name="Move", starts="", length="1h")
    window = (await maintenance.listing(context))[0]
    assert "is over" in await site.told("/alerts", f"/{window.id}/end")
    async with site.client.get(f"{site.address}/alerts?since=9y") as answer:
        assert answer.status == 404 and "there is no span 9y" in await answer.text()


async def test_an_override_is_given_on_the_schedules_clocks(context: Context, served: Any) -> None:
    site = await served(context)
    assert "anna" in (await site.page("/oncall")).said
    day = f"{context.clock.now() + timedelta(days=2):%Y-%m-%d}"
    typed = {"who": "ben", "since": f"{day}T10:00", "until": f"{day}T12:00", "reason": "a wedding"}
    assert "ben is on call for primary" in await site.told("/oncall", "/overrides", actor="anna", **typed)
    made = (await oncall.made(context, "primary"))[0]
    assert made.since.hour in (8, 9) and (made.until - made.since) == timedelta(hours=2)
    page = await site.page("/oncall")
    assert "a wedding" in page.said and 'class="over"' in page.html
    assert "unknown person" in await site.told("/oncall", "/overrides", **{**typed, "who": "nobody"})
    assert "was taken back" in await site.told("/oncall", "/removal")
    assert not await oncall.made(context, "primary")
    async with site.client.get(f"{site.address}/oncall?week=soon") as answer:
        assert "write a day as" in await answer.text()


async def test_a_review_is_asked_for_kept_and_published(context: Context, served: Any) -> None:
    site = await served(context)
    state = await resolved(site)
    place = f"/reviews/{state.id}"
    page = await site.page(place)
    assert "Number/percentage?" in page.said and "Keep the draft first" in page.said
    first = page.later(place)
    number = next(name for name in first.fields if name == "gap-2")
    kept = await site.send(first, actor="anna", **{number: "about 300"})
    assert "questions left" in kept.said and "about 300" in kept.html
    assert "look again" in (await site.send(first, **{number: "400"})).said
    whole = kept.later(place)
    assert "say why it is published without" in (await site.send(kept.later("/publication"))).said
    done = "# Review\n\nThe pool was too small.\n"
    assert "Nothing is left to be asked" in (await site.send(whole, text=done)).said
    late = await site.send(whole, text="# Mine\n")
    assert "another edition since you opened" in late.said and "The pool was too small" in late.html
    assert "is published" in await site.told(place, "/publication")
    assert "say why there is another" in await site.told(place, "/publication", reason="")
    assert "is published" in await site.told(place, "/publication", reason="a word was wrong")
    found = (await site.page("/reviews?q=pool")).said
    assert "It is slow" in found and "too small" in found
    assert "No published review" in (await site.page("/reviews?q=elephant")).said


async def test_action_items_are_moved_and_dropped_and_the_filter_stays(context: Context, served: Any) -> None:
    site = await served(context)
    state = await resolved(site)
    due = context.clock.now() + timedelta(days=3)
    for owner in ("anna", "ben"):
        await todo.add(context, state.id, todo.Wanted(f"by {owner}", owner, due, ""), "olivia")
    page = await site.page("/todo?owner=ben")
    assert "by ben" in page.said and "by anna" not in page.said
    year = context.clock.now().year + 1
    moved = await site.send(next(f for f in page.forms if "/2/move" in f.action), owner="ben", due=f"{year}-03-04")
    assert f"by {year}-03-04" in moved.said and "by anna" not in moved.said
    assert "the reason is missing" in await site.told("/todo?owner=ben", "/2/drop?page=/todo%3Fowner%3Dben", note="")
    form = next(f for f in (await site.page("/todo")).forms if "/1/done" in f.action)
    assert "/1 is done" in (await site.send(form)).said
    assert "by anna" in (await site.page("/todo?all=yes")).said


async def test_runbooks_that_are_to_be_reviewed_are_listed_and_due_anew_after_it(tmp_path: Path, served: Any) -> None:
    day = (datetime.now(UTC) - timedelta(days=120)).strftime("%Y-%m-%d")
    book = f"# Shop\n\n**Last Updated:** {day}\n**Review Schedule:** Quarterly\n**Maintained By:** Team Blue\n"
    (tmp_path / "shop.md").write_text(book)
    (tmp_path / "hutch.yaml").write_text(CONFIG + "runbooks: [shop.md]\n")
    site = await served(open_context(tmp_path / "hutch.yaml"))
    page = await site.page("/todo?owner=Team+Blue")
    assert "Review the runbook shop" in page.said and "1 overdue" in page.said and "overdue by" in page.said
    assert "Review the runbook" not in (await site.page("/todo?owner=anna")).said
    assert "shop is reviewed; it is due again on 2" in await site.told("/todo", "/todo/reviewed", note="still true")
    assert "Review the runbook" not in (await site.page("/todo")).said
    assert "Review the runbook shop" in (await site.page("/todo?all=yes")).said
    (event,) = [e for e in await site.context.store.read(upkeep.STREAM) if e.kind == upkeep.REVIEWED]
    assert event.data["note"] == "still true"


async def test_reports_count_exercises_apart_and_settings_hold_no_secret(context: Context, served: Any) -> None:
    site = await served(context)
    await resolved(site)
    await incidents.declare(
        context, title="=practice()", service="shop", severity=Severity.SEV3, respond=False, exercise=True
    )
    assert "1 incident" in (await site.page("/reports")).said
    async with site.client.get(f"{site.address}/reports/report.csv?exercises=yes") as answer:
        rows = list(csv.DictReader(io.StringIO(await answer.text())))
    assert [row["title"] for row in rows] == ["'=practice()"]
    async with site.client.get(f"{site.address}/reports/report.json?since=7d") as answer:
        assert [row["title"] for row in (await answer.json())["incidents"]] == ["It is slow"]
    page = await site.page("/settings")
    assert "apprise" in page.said and SECRET not in page.html and "HOOK" not in page.html


async def test_the_log_is_narrowed_and_goes_back_page_by_page(context: Context, served: Any) -> None:
    site = await served(context)
    state = await resolved(site)
    for number in range(130):
        await incidents.note(context, state.id, f"note {number}", "peter")
    page = await site.page("/log?kind=note.&actor=peter")
    assert "note 129" in page.said and "note 29" not in page.said and "declared" not in page.said
    older = page.html.partition('href="/log?kind=note.&amp;actor=peter&amp;before=')[2].partition('"')[0]
    back = await site.page(f"/log?kind=note.&actor=peter&before={older}")
    assert "note 29" in back.said and "note 0" in back.said and "note 30" not in back.said
    look = await lately.newest(context, lambda e: e.kind == "note.added", 100)
    assert look.found[0].data["text"] == "note 129" and len(look.found) == 100
    assert "Nothing here fits" in (await site.page("/log?q=elephant")).said
