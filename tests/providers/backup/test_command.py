"""``hutch backup`` as a person and as cron use it, and what the server does by itself at the configured times."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from backup_world import Hutch, Shop, listed
from hutch.bootstrap.wire import open_context
from hutch.commands import freeze, runs
from hutch.commands.context import Context
from hutch.commands.timekeeper import Timekeeper
from hutch.commands.worker import Worker
from hutch.model.action import Command, Result, Verified
from hutch.model.effect import Effect
from hutch.model.run import Run
from hutch.testing import FakeClock


def configured(shop: Shop, folder: Path, mode: str = "act", **settings: object) -> Path:
    """A hutch.yaml over the shop; secrets by reference."""
    (folder / "url").write_text(shop.url)
    (folder / "key").write_text(str(shop.settings["key"]))
    block = {**shop.settings, "url": {"file": "url"}, "key": {"file": "key"}, **settings}
    path = folder / "hutch.yaml"
    path.write_text(yaml.safe_dump({"mode": mode, "services": {"shop": {"backup": block}}}))
    return path


def test_a_person_makes_lists_proves_and_prunes(shop: Shop, tmp_path: Path, hutch: Hutch) -> None:
    none = {"keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0}
    configured(shop, tmp_path, keep_last=1, **none)
    assert hutch("backup", "list").stdout == "no backup\n"

    asked = hutch("backup", "create", "--reason", "before the release", "--json")
    assert asked.returncode == 4, asked.stdout + asked.stderr
    run = json.loads(asked.stdout)["id"]
    assert hutch("runs", "approve", run).returncode == 0
    cron = hutch("backup", "create", "--yes")
    assert cron.returncode == 0, cron.stdout + cron.stderr
    assert "is complete: 3 files" in cron.stdout
    assert hutch("backup", "verify", "--yes").returncode == 0

    rows = json.loads(hutch("backup", "list", "--json").stdout)["backups"]
    assert [r["state"] for r in rows] == ["proved", "unproved"]
    before = json.loads(hutch("backup", "list", "--json", "--before", rows[0]["at"]).stdout)["backups"]
    assert [r["id"] for r in before] == [rows[1]["id"]]
    nothing = hutch("backup", "list", "--before", "2020-01-01T00:00:00Z")
    assert (nothing.returncode, nothing.stdout) == (1, "no good backup is older than 2020-01-01T00:00:00Z\n")
    assert hutch("backup", "list", "--before", "yesterday").returncode == 2

    pruning = hutch("backup", "prune")
    assert pruning.returncode == 4
    assert "destroy" in pruning.stdout
    assert len(json.loads(hutch("backup", "list", "--json").stdout)["backups"]) == 2
    assert hutch("runs", "approve", pruning.stdout.split()[0]).returncode == 0
    assert [r["id"] for r in json.loads(hutch("backup", "list", "--json").stdout)["backups"]] == [rows[0]["id"]]
    assert "nothing to delete" in hutch("backup", "prune").stdout
    assert "password" not in (tmp_path / ".hutch").joinpath("hutch.db").read_bytes().decode(errors="replace").lower()


def test_a_freeze_and_observe_mode_hold_it_back(shop: Shop, tmp_path: Path, hutch: Hutch) -> None:
    configured(shop, tmp_path)
    hutch("freeze", "audit")
    refused = hutch("backup", "create", "--yes")
    assert refused.returncode == 1
    assert "changes are frozen: audit" in refused.stderr
    hutch("thaw")
    configured(shop, tmp_path, mode="observe")
    proposed = hutch("backup", "create", "--yes")
    assert "observe applies nothing" in proposed.stdout
    assert hutch("backup", "list").stdout == "no backup\n"


async def done(context: Context) -> list[Run]:
    """Let a worker do all that is due."""
    worker = Worker(context)
    while await worker.step():
        pass
    return await runs.listing(context)


async def test_the_server_makes_proves_and_prunes_at_the_configured_times(shop: Shop, tmp_path: Path) -> None:
    none = {"keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0}
    path = configured(shop, tmp_path, schedule="7d", prune_scheduled=True, keep_last=1, **none)
    old = shop.opened(now=lambda: datetime.now(UTC) - timedelta(days=9))
    assert (await old.actions["backup.create"].apply({})).result is Result.DONE
    context, other = open_context(path), open_context(path)
    try:
        await asyncio.gather(Timekeeper(context).look(), Timekeeper(other).look())  # as two servers would
        [run] = await done(context)
        assert (run.outcome, run.schedule) == ("done", "schedule"), run.summary
        granted = [e for e in await context.store.read(run.stream) if e.kind == "approval.granted"]
        assert [e.actor for e in granted] == ["policy:schedule"]
        rows = json.loads((await listed(shop.opened(), json=True)).output)["backups"]
        assert [(r["state"], r["reason"]) for r in rows] == [("proved", "scheduled"), ("unproved", "")]

        third = open_context(path)
        await Timekeeper(third).look()  # the time was met; the old one is no longer kept
        found = await done(third)
        assert [r.program.options[0].items[0].command.runner for r in found] == ["backup.create", "backup.prune"]
        assert found[1].outcome == "done", found[1].summary
        left = json.loads((await listed(shop.opened(), json=True)).output)["backups"]
        assert [r["id"] for r in left] == [rows[0]["id"]]
        await third.close()
    finally:
        await context.close()
        await other.close()


@pytest.mark.parametrize("held", ["observe", "frozen"])
async def test_nothing_is_made_by_itself_while_changes_are_held(shop: Shop, tmp_path: Path, held: str) -> None:
    path = configured(shop, tmp_path, "observe" if held == "observe" else "act", schedule="7d")
    context = open_context(path)
    try:
        if held == "frozen":
            await freeze.freeze(context, "audit", "mia")
        await Timekeeper(context).look()
        assert await done(context) == []
        if held == "frozen":
            await freeze.thaw(context, "mia")
            await Timekeeper(context).look()
            assert [r.outcome for r in await done(context)] == ["done"]
    finally:
        await context.close()


async def test_a_time_that_failed_is_tried_again_and_not_at_once(shop: Shop, tmp_path: Path) -> None:
    path = configured(shop, tmp_path, schedule="7d", tools=str(tmp_path / "nowhere"))
    clock = FakeClock(datetime.now(UTC).replace(hour=12))
    context = open_context(path, clock)
    try:
        for _ in range(3):
            await Timekeeper(context).look()
            assert [(r.outcome, r.id.count("-")) for r in await done(context)] == [("unresolved", 2)]
        clock.advance(601)
        await Timekeeper(context).look()
        found = await done(context)
        assert [r.id for r in found] == [found[0].id, f"{found[0].id}-2"]
        assert "pg_dump and pg_restore of version 18 or newer are needed" in str(found[1].left_out)
    finally:
        await context.close()


# ------------------------------------------------------------------ point in time


async def test_a_tool_for_point_in_time_is_driven_by_its_own_commands(shop: Shop, tmp_path: Path) -> None:
    """A script stands in for the tool: it keeps a note of what it was told."""
    tool = tmp_path / "pitr"
    tool.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\necho "stanza: main, wal archive 1..9"\n')
    tool.chmod(0o755)
    lines: dict[str, Any] = {
        "status": [str(tool), "info"],
        "restore": [str(tool), "--type=time", "--target={to}", "restore"],
    }
    connection = shop.opened(point_in_time=lines)
    looked = await connection.runs["point_in_time.status"](
        Command("point_in_time.status", "", connection.target, Effect.READ)
    )
    assert "wal archive 1..9" in looked.output
    restore = connection.actions["point_in_time.restore"]
    assert restore.effect is Effect.DESTROY
    assert "needs to: a time" in (await restore.preview({"to": "; rm -rf /"})).refused
    assert "needs to: a time" in (await restore.preview({})).refused
    to = {"to": "2026-01-15T10:00:00+01:00"}
    shown = await restore.preview(to)
    assert (shown.hits, shown.items[1]) == (1, "stanza: main, wal archive 1..9")
    assert (await restore.apply(to)).result is Result.DONE
    assert (await restore.verify(to)).verdict is Verified.UNKNOWN
    assert "--type=time --target=2026-01-15 09:00:00+00 restore" in (tmp_path / "told").read_text().splitlines()
