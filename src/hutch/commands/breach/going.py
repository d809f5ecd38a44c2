"""Going on with containment where it stopped: gate by gate, until a person is needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hutch.commands import runs
from hutch.commands.breach import contain, course
from hutch.commands.breach.stepping import advance
from hutch.commands.context import CommandError, Context
from hutch.model.breach import Gate
from hutch.model.run import Run

Change = Callable[[Gate], Awaitable[Run | None]]
"""Does what a gate asks for; its run where that waits, None where there is nothing left to wait for."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a person is needed: the gate, with its run if it has one. No gate: all of containment was passed."""

    gate: Gate | None = None
    run: Run | None = None


async def go_on(
    context: Context, incident_id: str, days: int, how: str, actor: str, change: Change, said: Callable[[Gate], None]
) -> Stop:
    """Pass one gate after another; ``said`` hears of each before it is tried. ``how`` says how the hole was closed."""
    before: Gate | None = None
    while gate := contain.upcoming((await course.load(context, incident_id))[1]):
        if before == gate:
            raise CommandError(f"{gate.id}: nothing is left to be done, yet what it asks for is not so; look again")
        before = gate
        said(gate)
        if gate.id == "preserve":
            await contain.preserve(context, incident_id, gate, days, actor)
        elif gate.id == "prove":
            await contain.prove(context, incident_id, gate, actor)
        elif gate.id != "close":
            if run := await change(gate):
                return Stop(gate, run)
        elif how:
            await course.tick(context, incident_id, gate.id, how, actor)
        else:
            return Stop(gate)
    return Stop()


async def ask(context: Context, incident_id: str, gate: Gate, actor: str) -> Run | None:
    """Start the run of the gate's next step, or pass the gate by those that ended; a worker drives them. The run while
    it is under way.

    Raises :class:`CommandError` where it is refused, or came to anything but a verified change.
    """
    return await advance(context, incident_id, gate, actor, runs.load)


async def finish(context: Context, incident_id: str, gate_id: str, actor: str) -> None:
    """Pass the gate by its run, which has ended. Raises :class:`CommandError` where it has not, or there is none."""
    _, found = await course.load(context, incident_id)
    gate = course.stage_gate(found, gate_id)
    if gate.id not in found.runs:
        raise CommandError(f"{gate.id}: nothing was started yet", 2)
    run = await runs.load(context, found.runs[gate.id])
    if not run.finished:
        raise CommandError(f"{gate.id}: run {run.id} is still under way")
    if run.outcome != "done":
        raise CommandError(f"{gate.id}: run {run.id} ended {run.outcome}: {run.summary}")
    await course.passed(context, incident_id, gate, run.summary, actor, run.id)
