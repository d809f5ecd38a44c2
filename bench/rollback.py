"""A roll-back on ECS from its approval to its verification: how much of the wall time is Hutch's own."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import yaml

from bench.measure import Figure, Goal, Ratio, Round, parts, per_round
from bench.room import scratch
from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import Stage
from hutch.commands import platforms, runs
from hutch.commands.context import Context
from hutch.commands.worker import Worker
from hutch.model.run import Run

LOOK_EVERY = 0.1
"""Seconds between two looks at the rollout."""

WITHIN = 120.0

HOW = (
    "RoleRabbit's platform speaks the ECS API over two real replicas, without load. A roll-back by `hutch deploy "
    "rollback` through the real worker, engine and SQLite store, there and back between two releases: from the "
    "approval being durable to the run being over, which is once its verification has passed. The rollout is the "
    "part of it that the platform's own record gives, from the replacing of the first replica to that of the last. "
    "Hutch's own share is all the rest: job, plan, guards, the preview taken again, the calls, the looks at the "
    "rollout (every 0.1 s) and the verification. A rollout at AWS takes minutes, and the share is accordingly less."
)


async def _rolled_back(context: Context) -> float:
    """Seconds from the approval to the end of the run. Raises ``RuntimeError`` if it does not end well."""
    worker = Worker(context)
    run = await platforms.rollback(context, "", "", "bench")
    await _driven(context, worker, run.id, lambda found: found.waiting == "approval")
    await runs.approve(context, run.id, "", "bench")
    began = time.perf_counter()
    await _driven(context, worker, run.id, lambda found: found.finished)
    took = time.perf_counter() - began
    found = await runs.load(context, run.id)
    if found.outcome not in ("resolved", "done"):
        raise RuntimeError(f"the roll-back should have been verified: {found.outcome} {found.waiting} {found.summary}")
    return took


async def _driven(context: Context, worker: Worker, run: str, there: Callable[[Run], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not there(await runs.load(context, run)):
            if not await worker.step():
                await asyncio.sleep(0.02)


def _rollout(ready: Mapping[str, Any]) -> float:
    """Seconds of the last deployment, by the platform's own record."""
    url = f"{ready['api_url']}/deployments"
    with urllib.request.urlopen(url, timeout=WITHIN) as answer:  # noqa: S310  (our own platform, on loopback)
        last = json.load(answer)[-1]
    if last["kind"] != "rollback" or last["status"] != "succeeded":
        raise RuntimeError(f"the last deployment is no roll-back: {last}")
    began, ended = (datetime.fromisoformat(last[name]) for name in ("started_at", "finished_at"))
    return (ended - began).total_seconds()


async def _rounds(stage: Stage, count: int) -> list[Round]:
    async with stage.standing() as ready:
        config = yaml.safe_load(stage.config_path.read_text())
        config["services"]["rolerabbit"]["ecs"]["look_every"] = LOOK_EVERY
        stage.config_path.write_text(yaml.safe_dump(config))
        await stage.break_it(ready)
        context = open_context(stage.config_path)
        try:
            found: list[Round] = []
            for _ in range(count):
                took = await _rolled_back(context)
                found.append({"all (s)": took, "rollout (s)": await asyncio.to_thread(_rollout, ready)})
            return found
        finally:
            await context.close()


def measure(quick: bool) -> Figure:
    """One roll-back after the other on one platform."""
    with scratch() as folder:
        folder.chmod(0o755)
        stage = Stage(folder, "leak", 60.0, {"guards": {"per_hour": 1000}}, platform="ecs")
        rounds = asyncio.run(_rounds(stage, 2 if quick else 15))
    share = per_round(rounds, lambda r: 1 - r["rollout (s)"] / r["all (s)"])
    ratio = Ratio("own share", "the whole wall time", share, Goal(0.1), parts(rounds, "all (s)", "rollout (s)"))
    return Figure("rollback", "Roll-back on ECS", HOW, (ratio,), {"replicas": 2})
