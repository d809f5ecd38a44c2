"""Several machines on one Postgres, each a folder of its own with a worker: one is killed or stopped in mid-change."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, runs
from hutch.commands.context import CommandError, Context
from hutch.model.event import Event
from hutch.model.severity import Severity
from hutch.queue.postgres import STALLED_SECONDS
from hutch.store.postgres.verify import verify_database
from trouble_book import RUNBOOK

HUTCH = str(Path(sys.executable).with_name("hutch"))

SCRIPT = """#!/bin/sh
echo begun >> applied
echo 42 > state
sleep {seconds}
echo done >> applied
"""


class Machines:
    """One service, and machines that operate it over one database."""

    def __init__(self, folder: Path, url: str, seconds: float) -> None:
        self.folder, self.url, self.processes = folder, url, []  # type: ignore[var-annotated]
        self.service = folder / "service"
        self.service.mkdir()
        (self.service / "state").write_text("43\n")
        (self.service / "rollback").write_text(SCRIPT.format(seconds=seconds))
        (self.service / "rollback").chmod(0o755)

    def machine(self, name: str) -> Path:
        """A folder with the configuration that every machine has."""
        home = self.folder / name
        home.mkdir()
        (home / "trouble.md").write_text(RUNBOOK)
        shell = f"{{shell: {{directory: {json.dumps(str(self.service))}}}, binds: {{rollback: as-is, cat: as-is}}}}"
        (home / "hutch.yaml").write_text(f"mode: act\nrunbooks: [.]\nservices:\n  shop: {shell}\n")
        return home

    async def worker(self, name: str, *options: str) -> asyncio.subprocess.Process:
        """``hutch worker`` on a machine of that name, once it has said that it is at work."""
        process = await asyncio.create_subprocess_exec(
            HUTCH, "--config", str(self.machine(name) / "hutch.yaml"), "worker", *options,
            env={**os.environ, "HUTCH_DATABASE_URL": self.url}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.processes.append(process)
        assert process.stderr
        said = (await asyncio.wait_for(process.stderr.readline(), 30)).decode()
        assert "Hutch takes jobs" in said, said
        return process

    def applied(self) -> list[str]:
        log = self.service / "applied"
        return log.read_text().split() if log.exists() else []


@contextlib.asynccontextmanager
async def machines(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> AsyncIterator[tuple[Machines, Context]]:
    monkeypatch.setenv("HUTCH_DATABASE_URL", url)
    found = Machines(folder, url, seconds)
    context = open_context(found.machine("desk") / "hutch.yaml")
    try:
        yield found, context
    finally:
        await context.close()
        for process in found.processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def until(look: Callable[[], object], seconds: float = 30) -> None:
    for _ in range(int(seconds / 0.02)):
        if look():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not happen")


async def waiting_for_approval(context: Context) -> str:
    """An incident is declared; its run, driven by whatever worker there is, waits for a person."""
    await incidents.declare(context, title="trouble", service="shop", severity=Severity.SEV2, runbook="trouble")
    for _ in range(1500):
        for run in await runs.listing(context):
            if run.waiting == "approval":
                return run.id
        await asyncio.sleep(0.02)
    raise AssertionError("nothing was offered")


async def journal(context: Context, run: str) -> list[Event]:
    """The run's journal, once it is over."""
    for _ in range(1500):
        found = await context.store.read(f"run:{run}")
        if found and found[-1].kind == "run.finished":
            return found
        await asyncio.sleep(0.02)
    raise AssertionError([event.kind for event in found])


@pytest.mark.timeout(90)
async def test_a_worker_killed_in_mid_change_is_followed_by_another_and_nothing_is_done_twice(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with machines(tmp_path, database_url, monkeypatch, seconds=30) as (all_of_them, context):
        await all_of_them.worker("first")
        run = await waiting_for_approval(context)
        await all_of_them.worker("second")
        await runs.approve(context, run, "", "olivia")
        await until(lambda: all_of_them.applied() == ["begun"])
        holder = holder_of(all_of_them)
        holder.kill()
        killed = time.monotonic()
        found = await journal(context, run)
        kinds = [event.kind for event in found]
        unknown = next(event for event in found if event.kind == "change.unknown")
        assert time.monotonic() - killed < STALLED_SECONDS + 10
        assert (unknown.at - next(e.at for e in found if e.kind == "change.intended")).total_seconds() > 0
        assert all_of_them.applied() == ["begun"]
        assert kinds.count("change.intended") == kinds.count("change.unknown") == 1
        assert "change.done" not in kinds
        assert found[-1].data["outcome"] == "resolved"
    assert verify_database(database_url).intact


def holder_of(all_of_them: Machines) -> asyncio.subprocess.Process:
    """The worker whose child runs the change."""
    for process in all_of_them.processes:
        for pid in descendants(process.pid):
            with contextlib.suppress(OSError):
                if b"rollback" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    return process
    raise AssertionError("nobody runs it")


def descendants(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        texts = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
        children = [int(child) for text in texts for child in text.split()]
        return [*children, *(d for child in children for d in descendants(child))]
    return []


@pytest.mark.timeout(60)
async def test_a_worker_that_is_told_to_stop_finishes_its_change_first(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with machines(tmp_path, database_url, monkeypatch, seconds=1) as (all_of_them, context):
        only = await all_of_them.worker("only")
        run = await waiting_for_approval(context)
        await runs.approve(context, run, "", "olivia")
        await until(lambda: all_of_them.applied() == ["begun"])
        only.terminate()
        assert await asyncio.wait_for(only.wait(), 25) == 0
        kinds = [event.kind for event in await context.store.read(f"run:{run}")]
        assert kinds.count("change.done") == 1 and "change.unknown" not in kinds
        assert all_of_them.applied() == ["begun", "done"]


@pytest.mark.timeout(60)
async def test_a_freeze_on_one_machine_stops_the_others(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with machines(tmp_path, database_url, monkeypatch, seconds=0) as (all_of_them, context):
        await all_of_them.worker("elsewhere")
        run = await waiting_for_approval(context)
        done = await asyncio.create_subprocess_exec(
            HUTCH, "--config", str(all_of_them.machine("third") / "hutch.yaml"), "freeze", "database move",
            env={**os.environ, "HUTCH_DATABASE_URL": database_url}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        assert await asyncio.wait_for(done.wait(), 30) == 0
        with pytest.raises(CommandError, match="changes are frozen: database move"):
            await runs.approve(context, run, "", "olivia")
        assert all_of_them.applied() == []
