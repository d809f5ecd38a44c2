"""Doing what a gate of a breach asks for: foreseen, driven, approved where that was said in advance, and settled."""

from __future__ import annotations

from hutch.cli.runs import drive
from hutch.cli.shell import actor
from hutch.commands import runs
from hutch.commands.breach import contain as containing
from hutch.commands.breach import course
from hutch.commands.context import Context
from hutch.model.breach import Gate
from hutch.model.run import Run

WAITING = 4
RESEALING = 60.0
"""Seconds that the last gate of containment waits until everything is sealed anew."""


async def changed(context: Context, incident_id: str, gate: Gate, yes: bool) -> Run | None:
    """Do what the gate asks for. Its run where that waits for a person, else nothing."""
    _, found = await course.load(context, incident_id)
    if gate.id not in found.runs:
        preview = await containing.foresee(context, incident_id, gate, RESEALING if "encryption" in gate.id else 0.0)
        if not preview.hits:
            return None
    run = await drive(context, (await containing.run_of(context, incident_id, gate, actor())).id)
    if yes and run.waiting == "approval":
        await runs.approve(context, run.id, "", actor(), yes=True)
        run = await drive(context, run.id)
    if run.waiting:
        return run
    await containing.settle(context, incident_id, gate, run, actor())
    return None
