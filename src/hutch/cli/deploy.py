"""``hutch deploy``: what was deployed when, and the way back."""

from __future__ import annotations

from typing import Any

import click

from hutch.cli.asked import dry_option, end_asked, mode_of, yes_option
from hutch.cli.shell import actor, as_json, emit, service_option, table, with_context
from hutch.commands import platforms as commands
from hutch.commands.context import Context
from hutch.model.run import Run
from hutch.runbook.visible import visible

SHOWN = ("kind", "id", "deployment", "state", "at", "finished_at", "previous", "summary", "reason")


@click.group()
def deploy() -> None:
    """Deployments of a service, and the way back.

    A change waits for approval as every other (exit code 4); `hutch runs approve` goes on.
    """


@deploy.command("list")
@service_option
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="How many.")
@as_json
def list_(service: str, limit: int, json_out: bool) -> None:
    """Recent changes of the service, the newest first; deployments that failed too."""
    rows = with_context(lambda context: commands.deployments(context, service))[:limit]
    columns = ["at", "kind", "id", "previous", "state", "summary"]
    emit(rows) if json_out else table([_plain(row) for row in rows], columns, "no deployment known")


@deploy.command()
@click.argument("deployment", metavar="DEPLOYMENT|RELEASE")
@service_option
@as_json
def show(deployment: str, service: str, json_out: bool) -> None:
    """One deployment: when it began and ended, what ran before, and why it failed."""
    found = with_context(lambda context: commands.deployment(context, service, deployment))
    if json_out:
        emit(found)
        return
    for name, value in _plain(found).items():
        if name in SHOWN and value:
            click.echo(f"{name.replace('_', ' '):12} {value}")


@deploy.command()
@click.argument("release", default="")
@service_option
@yes_option
@dry_option
@as_json
@click.pass_context
def rollback(ctx: click.Context, release: str, service: str, yes: bool, dry_run: bool, json_out: bool) -> None:
    """Run RELEASE again, else the one that ran before; it waits for approval.

    It applies only while the release runs that runs now. `hutch runs undo` is the way forward again.
    """

    async def go(context: Context) -> Run:
        return await commands.rollback(context, service, release, actor(), mode_of(dry_run))

    end_asked(ctx, go, yes, json_out)


def _plain(row: dict[str, Any]) -> dict[str, str]:
    """For a terminal: what a platform says is untrusted."""
    return {name: visible(str(value or "")).replace("\n", " ") for name, value in row.items()}
