"""``hutch recover``: bring back deleted rows, look for damage, copy what can be read."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from hutch.cli.asked import end_asked
from hutch.cli.lines import wrapped
from hutch.cli.shell import actor, as_json, emit, service_option, with_context
from hutch.commands import recover as commands
from hutch.commands.context import CommandError, Context
from hutch.commands.recover import Wanted
from hutch.model.event import parse_instant
from hutch.model.run import Run
from hutch.ports import hearing
from hutch.runbook.visible import visible

WIDTH = 110
DAMAGED = 3


@click.group()
def recover() -> None:
    """Bring back deleted rows without touching what is newer; look for damage; copy what can be read."""


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
        return begun

    end_asked(ctx, go, yes, json_out)


@recover.command()
@click.option("--table", default="", help="This table and its indexes alone, `schema.name` where it is not in public.")
@service_option
@as_json
@click.pass_context
def check(ctx: click.Context, table: str, service: str, json_out: bool) -> None:
    """Look for damage with amcheck: every page of tables and indexes. Exit code 3 where it finds some."""

    async def go(context: Context) -> dict[str, Any]:
        return await commands.check(context, service, table)

    told = _aloud(go)
    emit(told) if json_out else _print_check(told)
    ctx.exit(DAMAGED if told["damaged"] else 0)


@recover.command()
@click.option("--to", required=True, metavar="FOLDER", help="A new or empty folder, on another disk.")
@click.option("--table", default="", help="This table alone, `schema.name` where it is not in public.")
@service_option
@as_json
@click.pass_context
def copy(ctx: click.Context, to: str, table: str, service: str, json_out: bool) -> None:
    """Copy all rows that can be read, where pg_dump stops at damage; exit code 3 where some could not be."""
    folder = str(Path(to).absolute())

    async def go(context: Context) -> dict[str, Any]:
        return await commands.copy(context, service, table, folder)

    told = _aloud(go)
    emit(told) if json_out else _print_copy(told)
    ctx.exit(0 if told["whole"] else DAMAGED)


def _aloud(go: Callable[[Context], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Do it; what is being looked at is said on stderr meanwhile, on a terminal."""

    async def listening(context: Context) -> dict[str, Any]:
        if sys.stderr.isatty():
            hearing.set(lambda text: click.echo(visible(text.rstrip("\n")), err=True))
        return await go(context)

    return with_context(listening)


def _print_check(told: dict[str, Any]) -> None:
    click.echo(told["summary"])
    for damaged in told["damaged"]:
        click.echo("")
        _say("  ", damaged["object"])
        for message in damaged["messages"]:
            _say("    ", message)
    for left in told["unchecked"]:
        _say("  ", f"{left['object']}: not looked at: {left['reason']}")
    for number, step in enumerate(told["order"], 1):
        _say(f"\n{number}. " if number == 1 else f"{number}. ", step)
    for cause in told["causes"]:
        for remedy in cause["remedies"]:
            _say("remedy: ", f"{remedy['summary']} ({remedy['action']} {remedy['args']})")


def _print_copy(told: dict[str, Any]) -> None:
    click.echo(f"{told['summary']}\nin {told['folder']}\n")
    for table in told["tables"]:
        _say("  ", f"{table['table']}: {table['rows']} rows")
        for lost in table["unreadable_pages"]:
            first, last = lost["pages"]
            pages = f"page {first}" if first == last else f"pages {first} to {last}"
            _say("    ", f"{pages} can't be read: {lost['message']}")
        for row in table["unreadable_rows"]:
            saved = f", saved without {', '.join(row['columns'])}" if row["saved_without_them"] else ""
            _say("    ", f"row {row['row']} can't be read{saved}: {row['message']}")
        if table["rows_of_suspect_pages"]:
            _say(
                "    ",
                f"{table['rows_of_suspect_pages']} rows of pages with a wrong checksum are in a file of their own",
            )
        if table["refused"] or table["pages_not_tried"]:
            _say("    ", table["refused"] or f"{table['pages_not_tried']} pages were not tried: the server went down")
    for note in told["notes"]:
        _say("  ", note)
    click.echo("\nLoad it in order: 1-tables.sql, 2-rows.sql, 3-rest.sql, with psql from that folder.")


def _say(lead: str, text: str) -> None:
    for line in wrapped(lead, text, WIDTH):
        click.echo(line)


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
