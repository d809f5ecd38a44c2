"""``hutch logs``: one search over the logs of every platform."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import click

from hutch.cli.shell import as_json, emit, with_context
from hutch.commands import following
from hutch.commands import platforms as commands
from hutch.commands.context import Context
from hutch.commands.platform_reads import query_of
from hutch.commands.times import when
from hutch.model.platform import LINES, MOST_LINES
from hutch.runbook.visible import visible


@click.group()
def logs() -> None:
    """Search the logs of the services."""


@logs.command()
@click.argument("pattern", default="")
@click.option("--service", default="", help="Only this service; all of them without it.")
@click.option("--since", default="", metavar="TIME", help="From this time on: 30m, 2h, or 2026-01-15T10:00:00Z.")
@click.option("--until", default="", metavar="TIME", help="Up to this time.")
@click.option("--level", default="", help="Only lines of this level: error, warning, info.")
@click.option("--user", default="", help="Only lines that name this user.")
@click.option("--replica", default="", help="Only this replica.")
@click.option("--limit", type=click.IntRange(1, MOST_LINES), default=LINES, show_default=True, help="How many lines.")
@as_json
@click.pass_context
def search(ctx: click.Context, /, json_out: bool, service: str, **wanted: object) -> None:
    """The newest lines that hold PATTERN (plain text, in any case of letters), oldest first.

    Lines of all replicas, also of those that are gone. Secrets are masked. Exit code 5: a platform did not answer.
    """

    async def go(context: Context) -> dict[str, Any]:
        return await commands.search(context, service, query_of(wanted, context.clock.now()))

    show_lines(ctx, go, json_out)


@logs.command()
@click.argument("pattern", default="")
@click.option("--service", default="", help="Only this service; all of them without it.")
@click.option(
    "--since", default="", metavar="TIME", help="Begin with lines from this time on; without it, from now on."
)
@click.option("--level", default="", help="Only lines of this level: error, warning, info.")
@click.option("--user", default="", help="Only lines that name this user.")
@click.option("--replica", default="", help="Only this replica.")
@click.option(
    "--for", "length", default="", metavar="TIME", help="End after this time, as 10m; without it, with Ctrl-C."
)
@as_json
def follow(json_out: bool, service: str, length: str, **wanted: object) -> None:
    """New lines that hold PATTERN, as they come, of all platforms. With --json one object a line.

    A platform that does not answer is said and asked again.
    """

    async def go(context: Context) -> None:
        now = context.clock.now()
        end = now + (now - when(length, now, "--for")) if length else None
        async for look in following.follow(context, service, query_of(wanted, now), end):
            _tell(look, json_out)

    with_context(go)


def _tell(look: dict[str, Any], json_out: bool) -> None:
    for row in look["lines"]:
        click.echo(json.dumps(row, ensure_ascii=False) if json_out else _line(row, several=True))
    for problem in look["problems"]:
        click.echo(f"hutch: {visible(problem)}", err=True)
    if look["behind"]:
        click.echo("hutch: more came at once than is shown; give a pattern or --level", err=True)


@logs.command()
@click.argument("pattern", default="")
@click.option("--service", default="", help="Only this service; all of them without it.")
@click.option("--since", default="", metavar="TIME", help="From this time on: 30m, 2h, or 2026-01-15T10:00:00Z.")
@click.option("--until", default="", metavar="TIME", help="Up to this time.")
@click.option("--level", default="", help="Only lines of this level: error, warning, info.")
@as_json
@click.pass_context
def patterns(ctx: click.Context, /, json_out: bool, service: str, **wanted: object) -> None:
    """How often which kind of line was said, among the newest 10,000 that hold PATTERN.

    Lines that differ in numbers, ids, addresses or quoted words alone are one pattern. Of one service,
    what was first said after its last deployment comes first and is marked NEW, and the first of these is named.
    """
    asked = {**wanted, "limit": MOST_LINES}

    async def go(context: Context) -> dict[str, Any]:
        return await commands.patterns(context, service, query_of(asked, context.clock.now()))

    found = with_context(go)
    if json_out:
        emit({name: value for name, value in found.items() if name != "code"})
    for row in () if json_out else found["patterns"]:
        new = "NEW " if row["new"] else ""
        click.echo(visible(f"{row['count']:6} {row['first']} {new}{row['pattern']}").replace("\n", " "))
    if found["first_new"] and not json_out:
        click.echo(visible(f"first after the deployment: {found['first_new']['said']}").replace("\n", " "))
    if found["full"]:
        click.echo(f"hutch: the newest {found['lines']} lines; older ones may match too; --since asks for fewer",
                   err=True)  # fmt: skip
    for problem in found["problems"]:
        click.echo(f"hutch: {visible(problem)}", err=True)
    ctx.exit(found["code"])


def show_lines(ctx: click.Context, look: Callable[[Context], Awaitable[dict[str, Any]]], json_out: bool) -> None:
    """The lines on stdout, the platforms that gave none on stderr, and the exit code that this means."""
    found = with_context(look)
    if json_out:
        emit({name: value for name, value in found.items() if name != "code"})
    else:
        _show(found)
    for problem in found["problems"]:
        click.echo(f"hutch: {visible(problem)}", err=True)
    ctx.exit(found["code"])


def _show(found: dict[str, Any]) -> None:
    rows = found["lines"]
    several = len({row["service"] for row in rows}) > 1
    for row in rows:
        click.echo(_line(row, several))
    if not rows and not found["problems"]:
        click.echo("no line matches", err=True)
    elif len(rows) == found["limit"]:
        click.echo(f"hutch: the newest {len(rows)} lines; --limit shows more, --since fewer", err=True)


def _line(row: dict[str, Any], several: bool) -> str:
    service = f"{row['service']} " if several else ""
    return visible(f"{row['at']} {service}{row['replica']} {row['text']}").replace("\n", " ")
