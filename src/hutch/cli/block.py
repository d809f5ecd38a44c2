"""``hutch block`` and ``hutch restrict``: who is kept out of a service for a while, and let in again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import click

from hutch.cli.asked import end_asked, yes_option
from hutch.cli.lengths import length
from hutch.cli.shell import actor, ago, as_json, emit, service_option, table, with_context
from hutch.commands import blocks as commands
from hutch.commands.context import CommandError, Context
from hutch.model.event import parse_instant
from hutch.model.run import Run
from hutch.runbook.visible import visible

days_option = click.option(
    "--days", type=click.IntRange(0, 3650), default=0, help="Also what ended in the last so many days."
)
for_option = click.option("--for", "lasts", default="", help="How long: 30m, 2h, 1d; without it as configured.")
reason_option = click.option("--reason", default="", help="Why, for whoever reads the list.")
kind_choice = click.Choice(commands.KINDS)


@click.group()
def block() -> None:
    """Addresses that a service does not let in: list, block, release, export.

    A change waits for approval as every other (exit code 4); `hutch runs approve` goes on.
    """


@block.command("list")
@service_option
@days_option
@as_json
def blocks_list(service: str, days: int, json_out: bool) -> None:
    """What is blocked now, since when, why, and how often it was before."""
    _show(lambda context: commands.blocked(context, service, days), ["address"], "nothing is blocked", json_out)


@block.command("add")
@click.argument("address")
@service_option
@for_option
@reason_option
@yes_option
@as_json
@click.pass_context
def add(
    ctx: click.Context, address: str, service: str, lasts: str, reason: str, yes: bool, json_out: bool
) -> None:  # fmt: skip
    """Block ADDRESS, or a network as 198.18.0.0/28; IPv6 by its /64. Every block ends by itself.

    Refused: our own and private addresses, those listed as protected, and those with other users behind them.
    """
    minutes = _units(lasts, 60)

    async def go(context: Context) -> Run:
        return await commands.block(context, service, address, minutes, reason, actor())

    end_asked(ctx, go, yes, json_out)


@block.command("release")
@click.argument("address")
@service_option
@yes_option
@as_json
@click.pass_context
def release(ctx: click.Context, address: str, service: str, yes: bool, json_out: bool) -> None:
    """Let ADDRESS in again now."""

    async def go(context: Context) -> Run:
        return await commands.release(context, service, address, actor())

    end_asked(ctx, go, yes, json_out)


@block.command("export")
@service_option
@click.option("--format", "style", type=click.Choice([*commands.STYLES]), default="plain", show_default=True)
def export(service: str, style: str) -> None:
    """What is blocked now as a file for a proxy or firewall, on standard output."""
    found = with_context(lambda context: commands.blocked(context, service))
    click.echo(commands.exported(found, style), nl=False)


@click.group()
def restrict() -> None:
    """Accounts that a service refuses for a while: all, log-in or export.

    A change waits for approval as every other (exit code 4); `hutch runs approve` goes on.
    """


@restrict.command("list")
@service_option
@days_option
@as_json
def restrictions_list(service: str, days: int, json_out: bool) -> None:
    """Which accounts are restricted now, to what, since when and why."""
    columns = ["account", "email", "kind"]
    _show(lambda context: commands.restricted(context, service, days), columns, "no account is restricted", json_out)


@restrict.command("add")
@click.argument("account")
@service_option
@click.option("--kind", type=kind_choice, default="all", show_default=True, help="What is refused.")
@for_option
@reason_option
@yes_option
@as_json
@click.pass_context
def restrict_add(
    ctx: click.Context, account: str, service: str, kind: str, lasts: str, reason: str, yes: bool, json_out: bool
) -> None:  # fmt: skip
    """Restrict ACCOUNT (its user id). Every restriction ends by itself."""
    hours = _units(lasts, 3600)

    async def go(context: Context) -> Run:
        return await commands.restrict(context, service, account, kind, hours, reason, actor())

    end_asked(ctx, go, yes, json_out)


@restrict.command("release")
@click.argument("account")
@service_option
@click.option("--kind", type=kind_choice, default=None, help="Only this kind; else all of them.")
@yes_option
@as_json
@click.pass_context
def restrict_release(
    ctx: click.Context, account: str, service: str, kind: str | None, yes: bool, json_out: bool
) -> None:  # fmt: skip
    """End the restrictions of ACCOUNT now."""

    async def go(context: Context) -> Run:
        return await commands.unrestrict(context, service, account, kind or "", actor())

    end_asked(ctx, go, yes, json_out)


def _units(lasts: str, seconds: int) -> int:
    """The whole units of so many seconds in a length of time; 0 where none was given."""
    if not lasts:
        return 0
    found = length(lasts).total_seconds()
    if found < seconds or found % seconds:
        raise CommandError(f"--for must be whole {'hours' if seconds == 3600 else 'minutes'}, not {lasts}", 2)
    return int(found // seconds)


def _show(work: Any, columns: list[str], empty: str, json_out: bool) -> None:
    async def go(context: Context) -> tuple[dict[str, Any], datetime]:
        return await work(context), context.clock.now()

    found, now = with_context(go)
    if json_out:
        emit(found)
        return
    rows = [{**row, **_times(row, now)} for row in found["rows"]]
    shown = [{name: visible(str(value)) for name, value in row.items()} for row in rows]
    table(shown, [*columns, "ends", "since", "times", "reason"], empty)
    if found["cut"]:
        click.echo("there are more than are shown")


def _times(row: dict[str, Any], now: datetime) -> dict[str, str]:
    ended = "" if row["stands"] else "ended "
    return {"ends": ended + ago(parse_instant(row["until"]), now), "since": ago(parse_instant(row["since"]), now)}
