"""The whole diagnosis of a real service, over what its checks cost by themselves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from bench.measure import Figure, Goal, Ratio, Round, parts, per_round
from bench.room import scratch
from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import Stage
from hutch.commands.context import Context
from hutch.commands.diagnose import diagnose_json
from hutch.ports import Check

BROKEN_WITHIN = 60.0
"""Seconds in which the fault has to show as a cause."""

HOW = (
    "RoleRabbit on the embedded platform (web service, Postgres, deployments) under the demo's load. The whole is the "
    "object of `hutch diagnose --json`: every check at once, ranking, and the previews of the remedies. The floor is "
    "the greater of the slowest check and half the sum of all checks, each run alone, one after another, in the same "
    "round. Once healthy, once with the demo's connection leak."
)


@dataclass(frozen=True, slots=True)
class Patient:
    """A service that is looked at, by Hutch as a whole and check by check."""

    context: Context

    @property
    def checks(self) -> dict[str, Check]:
        """Every check of every connection, by name."""
        return {name: c for s in self.context.service().connections.values() for name, c in s.checks.items()}

    async def whole(self) -> dict[str, object]:
        """What ``hutch diagnose --json`` shows."""
        return await diagnose_json(self.context, self.context.service())

    async def round(self, number: int) -> Round:
        """Both sides, the other one first in every second round."""
        if number % 2:
            alone = await self._alone()
            return {**await self._together(), **alone}
        together = await self._together()
        return {**together, **await self._alone()}

    async def _together(self) -> Round:
        began = time.perf_counter()
        await self.whole()
        return {"whole (s)": time.perf_counter() - began}

    async def _alone(self) -> Round:
        took = []
        for check in self.checks.values():
            began = time.perf_counter()
            await check()
            took.append(time.perf_counter() - began)
        return {"slowest check (s)": max(took), "sum of checks (s)": sum(took)}

    async def until_broken(self) -> str:
        """The code of the first cause, once there is one. Raises ``RuntimeError`` if the fault never shows."""
        deadline = time.monotonic() + BROKEN_WITHIN
        while time.monotonic() < deadline:
            causes = (await self.whole())["causes"]
            if isinstance(causes, list) and causes:
                return str(causes[0]["code"])
        raise RuntimeError(f"the fault did not show within {BROKEN_WITHIN:g} s")


def measure(quick: bool) -> Figure:
    """One platform for all rounds."""
    with scratch() as folder:
        return asyncio.run(_measured(Stage(folder, "leak", 1.0), 2 if quick else 12))


async def _measured(stage: Stage, rounds: int) -> Figure:
    async with stage.standing() as ready, stage.load(ready):
        context = open_context(stage.config_path)
        try:
            patient = Patient(context)
            await patient.whole()  # connects
            healthy = [await patient.round(number) for number in range(rounds)]
            await stage.break_it(ready)
            cause = await patient.until_broken()
            broken = [await patient.round(number) for number in range(rounds)]
        finally:
            await context.close()
    facts: dict[str, str | int | float] = {"checks": len(patient.checks), "cause found with the fault": cause}
    ratios = (_ratio("healthy", healthy), _ratio("with a connection leak", broken))
    return Figure("diagnosis", "Whole diagnosis", HOW, ratios, facts)


def _ratio(name: str, rounds: list[Round]) -> Ratio:
    value = per_round(rounds, lambda r: r["whole (s)"] / max(r["slowest check (s)"], r["sum of checks (s)"] / 2))
    return Ratio(name, "max(slowest check, sum of checks ÷ 2)", value, Goal(1.5), parts(rounds, *rounds[0]))
