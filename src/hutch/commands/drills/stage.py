"""What drills run on, and whether it is fit: a service under load, well, with nothing left of the last drill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.commands.diagnose import diagnose_json
from hutch.commands.drills import oncall
from hutch.commands.drills.baseline import Baseline
from hutch.commands.drills.result import Traffic
from hutch.commands.drills.visitor import Visitor

FIT_WITHIN = 60.0
"""Seconds in which the service has to be well before a drill."""

STILL_WITHIN = 10.0
"""Seconds for that where it already was ill before the last drill."""

IN_A_ROW = 2
"""So many looks in a row must find it well."""

PAUSE = 1.0
"""Seconds between two of them."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A service that Hutch watches in this process. ``folder`` is for the faults' logs, ``traffic`` counts the
    load's requests up to now, ``visitor`` visits too, ``flowing`` says whether the load comes through, ``say`` tells
    progress. ``baselines`` look at the same service, each once in every drill."""

    context: Context
    ready_file: Path
    folder: Path
    traffic: Callable[[], Awaitable[Traffic]]
    visitor: Visitor
    flowing: Callable[[], bool]
    say: Callable[[str], None]
    baselines: Sequence[Baseline] = ()


async def unfit(stage: Stage, within: float = FIT_WITHIN) -> str:
    """Wait until a drill may begin; the reason why it may not, or nothing. What is open from before is closed."""
    end = asyncio.get_running_loop().time() + within
    well, reason = 0, ""
    while well < IN_A_ROW:
        reason = await _wrong(stage)
        well = 0 if reason else well + 1
        if reason and asyncio.get_running_loop().time() > end:
            return reason
        await asyncio.sleep(PAUSE)
    return ""


async def _wrong(stage: Stage) -> str:
    await oncall.close(stage.context, "the drill is over")
    return await _left(stage.context) or await _ill(stage)


async def _left(context: Context) -> str:
    now = context.clock.now()
    for state in await incidents.listing(context):
        if state.open_alerts:
            return f"{', '.join(state.open_alerts.values())} still fires ({state.id})"
        if state.watch_until and state.watch_until > now:
            return f"the regression watch of {state.id} is not over"
    return ""


async def _ill(stage: Stage) -> str:
    found = await diagnose_json(stage.context, stage.context.service())
    causes: list[dict[str, object]] = found["causes"]  # type: ignore[assignment]
    if causes:
        return "; ".join(f"{c['code']}: {c['summary']}" for c in causes)
    if not found["healthy"]:
        return "the diagnosis could not tell whether the service is well"
    return "" if stage.flowing() else "the load does not come through"
