"""What the journal and the guards add to a step, over two bare commits on the same store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import cast

from bench.measure import Figure, Goal, Ratio, Round, parts, per_round
from bench.room import CHANGE, READ, Bare, scratch, write_room
from hutch.bootstrap.wire import open_context
from hutch.commands import respond, runs
from hutch.commands.context import Context
from hutch.commands.worker import Worker
from hutch.model.event import Event
from hutch.ports import Append, Job, Store

RUNS = 10
"""Runs in one store, each with one change: as many as the default rate limit lets through in an hour."""

FLOORS = 5
"""Times that each floor is taken beside a step; their median counts."""

HOW = (
    "A run's shell step through the real worker, engine, SQLite store, queue and shell provider, from beginning to "
    "write that it starts (for a change: its intent) to its outcome being durable. Overhead is that wall minus a bare "
    "spawn of the same program, and is divided by two bare commits into the same file. Spawn and commit are taken five "
    "times right after each step, and their medians count. “Approved to done” begins when the approval is durable: it "
    "also holds the job, the plan, the guards and reading the document again."
)

BEGIN = {"statement.started": "read step", "change.intended": "change step"}
"""The event whose writing begins a step."""

END = {"statement.finished": ("read step",), "change.done": ("change step", "approved to done")}
"""The event that, once durable, ends it."""


@dataclass(slots=True)
class Stopwatch:
    """A store that says when commits begin and end; everything else it leaves to the real one."""

    store: Store
    bare: Bare
    began: dict[str, float] = field(default_factory=dict)
    rounds: dict[str, list[Round]] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Callable[..., object]:
        found: Callable[..., object] = getattr(self.store, name)
        return found

    async def commit(
        self, appends: Sequence[Append], jobs: Sequence[Job] = (), *, done: int | None = None
    ) -> list[Event]:
        """Commit, and take the time of the steps that begin or end by it."""
        kinds = {draft.kind for append in appends for draft in append.drafts}
        began = time.perf_counter()
        events = await self.store.commit(appends, jobs, done=done)
        ended = time.perf_counter()
        self.began |= {BEGIN[kind]: began for kind in kinds if kind in BEGIN}
        if "approval.granted" in kinds:
            self.began["approved to done"] = ended
        for kind in kinds & END.keys():
            self._took(END[kind], READ if kind == "statement.finished" else CHANGE, ended)
        return events

    def _took(self, names: Sequence[str], command: str, ended: float) -> None:
        """The step is over: take its floors at once."""
        spawn = median(self.bare.spawn(command) for _ in range(FLOORS))
        floors = {"spawn": spawn, "commit": median(self.bare.commit() for _ in range(FLOORS))}
        for name in names:
            self.rounds.setdefault(name, []).append({"step": ended - self.began[name], **floors})


async def one_run(context: Context) -> None:
    """A run from its start to its end, approved on the way. Raises ``RuntimeError`` if it does not end well."""
    worker = Worker(context)
    run = await respond.run_document(context, "steps")
    await _drive(worker)
    await runs.approve(context, run.id, "", "bench")
    await _drive(worker)
    found = await runs.load(context, run.id)
    if found.outcome != "resolved":
        raise RuntimeError(f"the run should have been resolved: {found.outcome} {found.waiting} {found.summary}")


async def _drive(worker: Worker) -> None:
    while await worker.step():
        pass


async def _store(folder: Path, count: int) -> dict[str, list[Round]]:
    context = open_context(write_room(folder))
    bare = Bare(context.home / "hutch.db", folder)
    watch = Stopwatch(context.store, bare)
    try:
        for _ in range(count):
            await one_run(replace(context, store=cast(Store, watch)))
    finally:
        bare.close()
        await context.close()
    return watch.rounds


def measure(quick: bool) -> Figure:
    """Fresh stores one after another, so that the rate limit counts only a few changes in each."""
    rounds: dict[str, list[Round]] = {}
    for _ in range(1 if quick else 20):
        with scratch() as folder:
            for name, found in asyncio.run(_store(folder, 3 if quick else RUNS)).items():
                rounds.setdefault(name, []).extend(found)
    goals = {"read step": Goal(3), "change step": Goal(3)}
    ratios = tuple(_ratio(name, found, goals.get(name)) for name, found in rounds.items())
    return Figure("steps", "Step overhead", HOW, ratios, {})


def _ratio(name: str, rounds: Sequence[Round], goal: Goal | None) -> Ratio:
    seconds = [{f"{key} (s)": value for key, value in r.items()} for r in rounds]
    value = per_round(rounds, lambda r: (r["step"] - r["spawn"]) / (2 * r["commit"]))
    return Ratio(name, "two bare commits", value, goal, parts(seconds, "step (s)", "spawn (s)", "commit (s)"))
