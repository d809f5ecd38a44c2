"""``hutch recover``: bring back deleted rows."""

from __future__ import annotations

from typing import Any

import click

from hutch.cli.lines import wrapped
from hutch.cli.runs import drive, end_with
from hutch.cli.shell import actor, as_json, emit, service_option, with_context
from hutch.commands import recover as commands
from hutch.commands import runs
from hutch.commands.context import CommandError, Context
from hutch.commands.recover import Wanted
from hutch.model.event import parse_instant
from hutch.model.run import Run

WIDTH = 110


@click.group()
def recover() -> None:
    """Bring back rows that were deleted, from a backup, without touching what is newer."""


@recover.command()
@click.option("--table", required=True, help="Whose rows were deleted; what was deleted with them comes along.")
@click.option("--deleted-between", "window", default="", metavar="A..B", help="When: two times in ISO 8601, UTC.")
@click.option("--from-audit", is_flag=True, help="When: the largest run of deletions that the audit log knows.")
@click.option("--deleted-by", default="", metavar="ACCOUNT", help="Only deletions by this account.")
@click.option("--backup", default="", metavar="ID", help="From this backup; else the newest from before the deletions.")
@click.option("--triggers", type=click.Choice(["fire", "quiet"]), help="What triggers on INSERT do meanwhile.")
@click.option("--all-missing", is_flag=True, help="Every row that the backup has and the table lacks: no audit log.")
@click.option("--apply", is_flag=True, help="Offer it as a run that waits for approval; else nothing is changed.")
@click.option("--yes", is_flag=True, help="With --apply: approve it in advance.")
@service_option
@as_json
@click.pass_context
def rows(
    ctx: click.Context,
    table: str,
    window: str,
    from_audit: bool,
    deleted_by: str,
    backup: str,
    triggers: str | None,
    all_missing: bool,
    apply: bool,
    yes: bool,
    service: str,
    json_out: bool,
) -> None:
    """What would come back of a table's deleted rows; with --apply it does, in one transaction."""
    if bool(window) == from_audit and not all_missing:
        raise CommandError("say when they were deleted: --deleted-between A..B, or --from-audit", 2)
    since, until = between(window) if window else ("", "")
    wanted = Wanted(table, since, until, deleted_by, backup, triggers or "", all_missing)
    if not apply:
        _shown(ctx, service, wanted, json_out)
        return

    async def go(context: Context) -> Run:
        begun, told = await commands.rows(context, service, wanted, actor())
        if begun is None:
            raise CommandError(f"{told['summary']}: nothing was changed", 0)
        found = await drive(context, begun.id)
        if yes and found.waiting == "approval":
            await runs.approve(context, found.id, "", actor(), yes=True)
            found = await drive(context, found.id)
        return found

    end_with(ctx, go, json_out)


def between(window: str) -> tuple[str, str]:
    """The two times of ``A..B``; either may be left out."""
    since, dots, until = window.partition("..")
    if not dots or not (since or until):
        raise CommandError(
            f"--deleted-between {window!r}: write A..B, as 2026-01-15T10:00:00Z..2026-01-15T11:00:00Z", 2
        )
    for moment in (since, until):
        try:
            parse_instant(moment) if moment else None
        except ValueError as error:
            raise CommandError(
                f"--deleted-between: {moment!r} is no time such as 2026-01-15T10:00:00Z: {error}", 2
            ) from None
    return since, until


def _shown(ctx: click.Context, service: str, wanted: Wanted, json_out: bool) -> None:
    async def go(context: Context) -> dict[str, Any]:
        return await commands.plan(context, service, wanted)

    told = with_context(go)
    emit({k: v for k, v in told.items() if k not in ("lines",)}) if json_out else _print(told)
    ctx.exit(1 if told["refused"] else 0)


def _print(told: dict[str, Any]) -> None:
    click.echo(f"{told['summary']}\n")
    for line in told["lines"]:
        for part in wrapped("  ", line, WIDTH):
            click.echo(part)
    if told["refused"]:
        click.echo("")
        for part in wrapped("not as it stands: ", told["refused"], WIDTH):
            click.echo(part)
    elif told["rows"]:
        click.echo("\nNothing was changed. --apply offers it for approval.")
