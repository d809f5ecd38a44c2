"""What 10,000 runs that wait for approval cost: nothing is held, an idle server stays idle, approving stays quick."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Figure, Ratio, Round, Spread, parts, per_round
from bench.room import scratch, write_room
from bench.server import Server, serving
from hutch.bootstrap.wire import open_context
from hutch.commands import respond, runs
from hutch.commands.context import Context
from hutch.commands.worker import Worker
from hutch.engine.drive import drive_job
from hutch.model.event import Draft, Event, parse_instant
from hutch.ports import Append

MANY = 10_000
BATCH = 200
"""Journals in one commit while the store is filled."""

SETTLE = 4.0
"""Seconds that a started server gets before it counts as idle."""

HOW = (
    "One run is driven to its approval by the worker; its journal and its timer are then written {many:,} times over "
    "through the store, each under an id of its own. `hutch serve` (monitor, worker, API) runs over that store and, at "
    "the same time, over one without a run; CPU time of both processes is read over the same windows. Approving is "
    "timed in process, after the servers have ended, in turn on both stores."
)


def measure(quick: bool) -> Figure:
    """Fill, watch two idle servers side by side, then approve in both stores."""
    many = 200 if quick else MANY
    with scratch() as folder:
        full, empty = _room(folder / "full"), _room(folder / "empty")
        waiting = asyncio.run(fill(full, many))
        asyncio.run(fill(empty, 0))
        idle, facts = watch(full, empty, (2, 1.0) if quick else (16, 3.0))
        approvals = asyncio.run(approve_in_turn(full, empty, waiting, 2 if quick else 9))
    ratio = per_round(idle, lambda r: r["many (CPU s)"] / r["none (CPU s)"])
    facts = {"runs waiting": many, "idle CPU within noise of none waiting": flat(ratio), **facts}
    ratios = (Ratio("idle CPU", "the same server, no run waiting", ratio, None, parts(idle, *idle[0])), *approvals)
    return Figure("waiting", "Runs waiting for approval", HOW.format(many=many), ratios, facts)


def flat(ratio: Spread) -> str:
    """Whether 1 lies between the tenths of the ratio's windows: then no difference was seen."""
    return "yes" if ratio.p10 <= 1 else f"no: {ratio.median:.2f} times"


def _room(folder: Path) -> Path:
    folder.mkdir()
    return write_room(folder)


# ------------------------------------------------------------------ the store


async def fill(path: Path, count: int) -> list[str]:
    """So many waiting runs in the store of that configuration; their ids. With 0 the store is only made."""
    context = open_context(path)
    try:
        if not count:
            return []
        first = await waiting_run(context)
        journal = await context.store.read(f"run:{first}")
        ids = [f"R-20260115-{number:06x}" for number in range(count - 1)]
        for start in range(0, len(ids), BATCH):
            await _copy(context, journal, ids[start : start + BATCH])
        return [first, *ids]
    finally:
        await context.close()


async def waiting_run(context: Context) -> str:
    """A run that the worker drove to its approval. Raises ``RuntimeError`` if it waits for nothing."""
    run = await respond.run_document(context, "steps")
    worker = Worker(context)
    while await worker.step(f"run:{run.id}"):
        pass
    found = await runs.load(context, run.id)
    if found.waiting != "approval":
        raise RuntimeError(f"the run should wait for approval: {found.outcome} {found.summary}")
    return run.id


async def _copy(context: Context, journal: Sequence[Event], ids: Sequence[str]) -> None:
    drafts = tuple(Draft(e.kind, e.data, e.actor) for e in journal)
    expires = next(parse_instant(str(e.data["expires_at"])) for e in journal if e.kind == "approval.requested")
    appends = [Append(f"run:{i}", drafts, expect=0) for i in ids]
    await context.store.commit(appends, [drive_job(i, expires) for i in ids])


def jobs_by_state(path: Path) -> dict[str, int]:
    """How many jobs the store holds in each state, looked up beside Hutch."""
    connection = sqlite3.connect(f"{store_of(path).as_uri()}?mode=ro", uri=True)
    try:
        return dict(connection.execute("SELECT state, count(*) FROM jobs GROUP BY state"))
    finally:
        connection.close()


def store_of(path: Path) -> Path:
    """The store's file beside that configuration."""
    return path.parent / ".hutch" / "hutch.db"


# ------------------------------------------------------------------ idle


def watch(full: Path, empty: Path, windows: tuple[int, float]) -> tuple[list[Round], dict[str, str | int | float]]:
    """CPU seconds of both servers in each window, and what either of them holds."""
    count, seconds = windows
    with serving(full) as many, serving(empty) as none:
        time.sleep(SETTLE)
        rounds = [_window(many, none, seconds) for _ in range(count)]
        states = jobs_by_state(full)
        facts: dict[str, str | int | float] = {
            "seconds of a window": seconds,
            "jobs taken": states.get("taken", 0),
            "jobs dead": states.get("dead", 0),
            "timers waiting (one for each run's expiry)": states.get("waiting", 0),
        }
        facts |= _side("threads", many.threads(), none.threads())
        facts |= _side("connections to the store", many.connections(), none.connections())
        facts |= _side("open descriptors", many.descriptors(), none.descriptors())
        facts |= _side("memory (MiB)", many.memory(), none.memory())
    return rounds, facts


def _side(what: str, many: float, none: float) -> dict[str, str]:
    return {what: f"{many:g}, with none waiting {none:g}"}


def _window(many: Server, none: Server, seconds: float) -> Round:
    before = many.cpu(), none.cpu()
    time.sleep(seconds)
    after = many.cpu(), none.cpu()
    return {"many (CPU s)": after[0] - before[0], "none (CPU s)": after[1] - before[1]}


# ------------------------------------------------------------------ approving


async def approve_in_turn(full: Path, empty: Path, waiting: Sequence[str], rounds: int) -> tuple[Ratio, ...]:
    """Approve one of the many, then one where no other waits; both are driven to their end."""
    crowded, alone = open_context(full), open_context(empty)
    found = []
    try:
        for number in range(rounds):
            one = await waiting_run(alone)
            many = await approve(crowded, waiting[-1 - number])
            none = await approve(alone, one)
            sides = (("many", many), ("none", none))
            found.append({f"{name}, {side} (s)": value for side, took in sides for name, value in took.items()})
    finally:
        await crowded.close()
        await alone.close()
    return tuple(_approval(found, name) for name in ("approve", "approve and do"))


def _approval(found: Sequence[Round], name: str) -> Ratio:
    many, none = f"{name}, many (s)", f"{name}, none (s)"
    value = per_round(found, lambda r: r[many] / r[none])
    return Ratio(name, "the same, no other run waiting", value, None, parts(found, many, none))


async def approve(context: Context, run_id: str) -> dict[str, float]:
    """Seconds until the approval is durable, and until the run has ended. Raises ``RuntimeError`` if it ends ill."""
    worker = Worker(context)
    began = time.perf_counter()
    await runs.approve(context, run_id, "", "bench")
    approved = time.perf_counter()
    while await worker.step():
        pass
    ended = time.perf_counter()
    found = await runs.load(context, run_id)
    if found.outcome != "resolved":
        raise RuntimeError(f"the approved run should have been resolved: {found.outcome} {found.summary}")
    return {"approve": approved - began, "approve and do": ended - began}
