"""Doing what a gate of a breach asks for: driven here, and approved where that was said in advance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from hutch.cli.runs import drive
from hutch.cli.shell import actor
from hutch.commands import runs
from hutch.commands.breach.stepping import Drive, advance
from hutch.commands.context import Context
from hutch.model.breach import Gate
from hutch.model.run import Run
from hutch.ports import hearing
from hutch.runbook.visible import visible

WAITING = 4
RESEALING = 60.0
"""Seconds that the last gate of containment waits until everything is sealed anew."""


async def changed(context: Context, incident_id: str, gate: Gate, yes: bool) -> Run | None:
    """Do what the gate asks for. The run of the step that waits for a person, else nothing."""
    patience = RESEALING if gate.id == "encryption-retire" else 0.0
    with heard():
        return await advance(context, incident_id, gate, actor(), driving(yes), patience)


def driving(yes: bool) -> Drive:
    """Drives here, and approves where that was said in advance."""

    async def taken(context: Context, run_id: str) -> Run:
        run = await drive(context, run_id)
        if yes and run.waiting == "approval":
            await runs.approve(context, run.id, "", actor(), yes=True)
            run = await drive(context, run.id)
        return run

    return taken


@contextmanager
def heard() -> Iterator[None]:
    """What is said as it goes on stands on standard error."""
    token = hearing.set(lambda text: click.echo(visible(text.rstrip("\n")), err=True))
    try:
        yield
    finally:
        hearing.reset(token)
