"""Forks one Hutch after another, each killed by SIGKILL at a chosen commit. Run as a program by ``test_crash_matrix``.

Reads a JSON line for each child: ``{"folder": …, "commit": N, "when": "before", "url": ""}`` (N may be a kind of event,
or 0 for never; ``when`` is before, after or during; ``url`` is that of the store on Postgres, if it is there); writes
``{"killed": bool, "commits": […]}`` when it has ended. A child is a whole Hutch: the real configuration,
store, queue, worker and shell provider, and a person who approves and decides.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents, runs
from hutch.commands import worker as worker_module
from hutch.commands.context import Context
from hutch.commands.worker import Worker
from hutch.engine import plan
from hutch.model.event import Event
from hutch.model.severity import Severity
from hutch.ports import Append, Job, Store
from hutch.queue.postgres import ProcrastinateQueue
from hutch.store.postgres.store import PostgresStore
from hutch.store.sqlite import SqliteStore
from nursery import serve

plan.VERIFY_WITHIN = timedelta(seconds=2)  # what nobody can verify is asked sooner than in earnest
WITHIN = 40.0

# A worker's heart is given up sooner than in earnest; so it beats faster too.
ProcrastinateQueue.__init__.__kwdefaults__.update(stalled=1.2, beat=0.2, look=0.2)  # type: ignore[attr-defined]
worker_module.LEASE_RENEWAL = 0.3


Commit = Callable[..., Awaitable[list[Event]]]


class Doomed:
    """A store whose process is killed beside its N-th commit, or the first with a kind, or N ms into the change."""

    def __init__(self, commit: int | str, when: str, notes: int) -> None:
        self.kill_at, self.when, self.notes, self.count = commit, when, notes, 0

    async def commit(
        self, real: Commit, store: Store, appends: Sequence[Append], jobs: Sequence[Job] = (), **more: Any
    ) -> list[Event]:
        self.count += 1
        mine = self.count  # others commit while this one waits
        kinds = [d.kind for a in appends for d in a.drafts]
        os.write(self.notes, (json.dumps([self.count, kinds]) + "\n").encode())
        here = self.kill_at in (mine, *kinds)
        if here and self.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        found = await real(store, appends, jobs, **more)
        if here and self.when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.when == "during" and "change.intended" in kinds:
            asyncio.get_running_loop().call_later(int(self.kill_at) / 1000, os.kill, os.getpid(), signal.SIGKILL)
        return found


async def live(folder: Path) -> None:
    """Work until the incident's run is over: drive, approve what is offered, answer what is asked."""
    context = open_context(folder / "hutch.yaml")
    worker = asyncio.create_task(Worker(context).run())
    try:
        await asyncio.wait_for(person(context, folder), WITHIN)
    finally:
        worker.cancel()
        await asyncio.wait([worker])
        await context.close()


async def person(context: Context, folder: Path) -> None:
    """Declare once, then approve and decide as somebody would who looks at the world."""
    if not await incidents.listing(context):
        await incidents.declare(context, title="trouble", service="shop", severity=Severity.SEV2, runbook="trouble")
    while True:
        await asyncio.sleep(0.02)
        for run in await runs.listing(context):
            if run.finished:
                if not (await incidents.listing(context))[0].open or run.outcome != "resolved":
                    return
            elif run.waiting == "approval":
                await runs.approve(context, run.id, "", "olivia")
            elif run.waiting == "decision":
                worked = "worked" if (folder / "state").read_text().strip() == "42" else "failed"
                await runs.settle(context, run.id, "", worked, "looked", "olivia")


def doom(doomed: Doomed, kind: Any) -> None:
    """Every commit of such a store goes by the doomed one."""
    real = kind.commit

    async def commit(store: Store, *args: Any, **kwargs: Any) -> list[Event]:
        return await doomed.commit(real, store, *args, **kwargs)

    kind.commit = commit


def child(order: dict[str, Any], notes: int) -> None:
    """One Hutch, doomed or not."""
    doomed = Doomed(order["commit"], str(order["when"]), notes)
    if order["url"]:
        os.environ["HUTCH_DATABASE_URL"] = str(order["url"])
    for kind in (SqliteStore, PostgresStore):
        doom(doomed, kind)
    asyncio.run(live(Path(str(order["folder"]))))


def answer(told: Sequence[str], status: int) -> dict[str, Any]:
    """Its commits, each with its kinds of event."""
    return {"code": status, "commits": [json.loads(note) for note in told]}


if __name__ == "__main__":
    serve(child, answer)
