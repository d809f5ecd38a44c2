"""How a command ends that asks for one change: driven, approved where that was said in advance, and shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from hutch.cli.runs import drive, end_with
from hutch.cli.shell import actor
from hutch.commands import runs
from hutch.commands.context import Context
from hutch.model.run import Run

yes_option = click.option("--yes", is_flag=True, help="Approve it in advance; never what loses data.")
dry_option = click.option("--dry-run", is_flag=True, help="Show what it would hit, and apply nothing.")


def end_asked(ctx: click.Context, begin: Callable[[Context], Awaitable[Run]], yes: bool, json_out: bool) -> None:
    """Start the run, approve it with ``yes``, and exit with what became of it."""

    async def go(context: Context) -> Run:
        found = await drive(context, (await begin(context)).id)
        if yes and found.waiting == "approval":
            await runs.approve(context, found.id, "", actor(), yes=True)
            found = await drive(context, found.id)
        return found

    end_with(ctx, go, json_out)


def mode_of(dry_run: bool) -> str:
    """The run's mode: that of the configuration unless it is a dry run."""
    return "dry-run" if dry_run else ""
