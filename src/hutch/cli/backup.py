"""``hutch backup``: make, list, prove and prune backups of a service's database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from hutch.cli.asked import end_asked, yes_option
from hutch.cli.backup_self import backup_self
from hutch.cli.shell import actor, ago, as_json, emit, service_option, table, with_context
from hutch.commands import backups as commands
from hutch.commands.context import CommandError, Context
from hutch.model.event import parse_instant
from hutch.model.run import Run


@click.group()
def backup() -> None:
    """Make, list, prove and prune the backups of a service's database, and back up Hutch itself."""


backup.add_command(backup_self)


@backup.command("list")
@service_option
@click.option("--before", default="", metavar="TIME", help="Only the newest from before TIME (ISO 8601, UTC).")
@as_json
@click.pass_context
def list_(ctx: click.Context, service: str, before: str, json_out: bool) -> None:
    """What there is, the newest first; exit code 1 when nothing is older than --before."""
    if before:
        _checked(before)

    async def go(context: Context) -> tuple[dict[str, Any], datetime]:
        return await commands.listing(context, service, before), context.clock.now()

    found, now = with_context(go)
    emit(found) if json_out else _print(found, now, f"no good backup is older than {before}" if before else "no backup")
    ctx.exit(1 if before and not found["backups"] else 0)


@backup.command()
@service_option
@click.option("--reason", default="", help="Why, for whoever reads the list.")
@click.option("--keep", is_flag=True, help="Never prune it.")
@yes_option
@as_json
@click.pass_context
def create(ctx: click.Context, service: str, reason: str, keep: bool, yes: bool, json_out: bool) -> None:
    """Make a backup. It reads the database in one transaction and changes nothing in it."""

    async def go(context: Context) -> Run:
        return await commands.create(context, service, reason, keep, actor())

    end_asked(ctx, go, yes, json_out)


@backup.command()
@click.argument("backup_id", metavar="[BACKUP]", default="")
@service_option
@click.option("--foreign", is_flag=True, help="Also one that was made of another database.")
@yes_option
@as_json
@click.pass_context
def verify(ctx: click.Context, backup_id: str, service: str, foreign: bool, yes: bool, json_out: bool) -> None:
    """Prove a backup (the newest without a name) by restoring it into a scratch database, which is dropped again."""

    async def go(context: Context) -> Run:
        return await commands.verify(context, service, backup_id, foreign, actor())

    end_asked(ctx, go, yes, json_out)


@backup.command()
@service_option
@as_json
@click.pass_context
def prune(ctx: click.Context, service: str, json_out: bool) -> None:
    """Delete the backups that keep_* no longer keeps. It always waits for a person's approval (exit code 4)."""
    gone = with_context(lambda context: commands.prunable(context, service))
    if not gone:
        emit({"deleted": []}) if json_out else click.echo("every backup is kept; nothing to delete")
        return
    end_asked(ctx, lambda context: commands.prune(context, service, gone, actor()), False, json_out)


@backup.group("point-in-time")
def point_in_time() -> None:
    """pgBackRest, WAL-G or another tool of yours, by the command lines of `point_in_time`."""


@point_in_time.command()
@service_option
def status(service: str) -> None:
    """What the tool says of itself."""
    click.echo(with_context(lambda context: commands.point_in_time(context, service, "status")), nl=False)


@point_in_time.command("list")
@service_option
def list_points(service: str) -> None:
    """The backups that the tool has."""
    click.echo(with_context(lambda context: commands.point_in_time(context, service, "list")), nl=False)


@point_in_time.command("backup")
@service_option
@yes_option
@as_json
@click.pass_context
def point_in_time_backup(ctx: click.Context, service: str, yes: bool, json_out: bool) -> None:
    """Make a backup by the tool's own command."""
    end_asked(ctx, lambda context: commands.point_in_time_backup(context, service, actor()), yes, json_out)


@point_in_time.command()
@service_option
@click.option("--to", required=True, metavar="TIME", help="The time to go back to (ISO 8601, UTC).")
@as_json
@click.pass_context
def restore(ctx: click.Context, service: str, to: str, json_out: bool) -> None:
    """Restore as it was at a time. It always waits for a person's approval (exit code 4)."""
    _checked(to, "--to")
    end_asked(ctx, lambda context: commands.point_in_time_restore(context, service, to, actor()), False, json_out)


def _checked(text: str, option: str = "--before") -> None:
    try:
        parse_instant(text)
    except ValueError as error:
        raise CommandError(f"{option} {text!r}: write a time such as 2026-01-15T10:00:00Z ({error})", 2) from None


def _print(found: dict[str, Any], now: datetime, empty: str) -> None:
    rows = [{**b, **_shown(b, now)} for b in found["backups"]]
    table(rows, ["id", "taken", "state", "database", "tables", "rows", "MB", "encrypted", "kept"], empty)
    for id_ in found["unfinished"]:
        click.echo(f"{id_}  unfinished: being made, or cut off; the next backup deletes it")
    for id_, why in found["unreadable"].items():
        click.echo(f"{id_}  unreadable: {why}")


def _shown(backup: dict[str, Any], now: datetime) -> dict[str, str]:
    return {
        "taken": ago(parse_instant(backup["at"]), now),
        "MB": f"{backup['bytes'] / 1e6:.1f}",
        "encrypted": "yes" if backup["key"] else "NO",
        "kept": backup["kept"] or "may go",
    }
