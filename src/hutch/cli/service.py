"""``hutch service``: what runs of a service; restart, scale, its last lines of log."""

from __future__ import annotations

from typing import Any

import click

from hutch.cli.asked import dry_option, end_asked, mode_of, yes_option
from hutch.cli.logs import show_lines
from hutch.cli.paint import painted
from hutch.cli.runs import pairs
from hutch.cli.shell import actor, as_json, emit, service_option, table, with_context
from hutch.commands import platforms as commands
from hutch.commands.context import CommandError, Context
from hutch.model.platform import MOST_LINES, LogQuery, figure
from hutch.model.run import Run
from hutch.runbook.visible import visible

ILL = 3
"""Exit code where not every replica serves."""


@click.group()
def service() -> None:
    """What runs of a service; restart it, scale it, read its log.

    A change waits for approval as every other (exit code 4); `hutch runs approve` goes on.
    """


@service.command("list")
@as_json
def list_(json_out: bool) -> None:
    """Every service that runs on a platform, and how it is."""
    rows = with_context(commands.listing)
    columns = ["service", "state", "release", "ready", "replicas", "target", "reason"]
    shown = [{name: visible(str(value)) for name, value in row.items()} for row in rows]
    emit(rows) if json_out else table(shown, columns, "no service runs on a platform that Hutch can look at")


@service.command()
@service_option
@as_json
@click.pass_context
def status(ctx: click.Context, service: str, json_out: bool) -> None:
    """The release that runs, its replicas, the servers beside it. Exit code 3: not every replica serves."""
    found = with_context(lambda context: commands.status(context, service))
    emit(found) if json_out else click.echo("\n".join(_lines(found)))
    ctx.exit(0 if found["well"] else ILL)


@service.command()
@service_option
@click.option("--component", default="", help="A server beside the service, as `hutch service status` names it.")
@yes_option
@dry_option
@as_json
@click.pass_context
def restart(
    ctx: click.Context, service: str, component: str, yes: bool, dry_run: bool, json_out: bool
) -> None:  # fmt: skip
    """Replace every replica by a new one of the same release, or restart a server; it waits for approval."""

    async def go(context: Context) -> Run:
        return await commands.restart(context, service, component, actor(), mode_of(dry_run))

    end_asked(ctx, go, yes, json_out)


@service.command()
@service_option
@click.option("--replicas", type=click.IntRange(min=1), help="How many replicas; as many as now without it.")
@click.option("--size", "sizes", multiple=True, metavar="NAME=N",
              help="A size of each replica, as `hutch service status` names it: pool_size=8. May repeat.")  # fmt: skip
@click.option("--despite", is_flag=True, help="Also where something else than capacity is the cause of a trouble.")
@yes_option
@dry_option
@as_json
@click.pass_context
def scale(
    ctx: click.Context, service: str, replicas: int | None, sizes: tuple[str, ...], despite: bool, yes: bool,
    dry_run: bool, json_out: bool,
) -> None:  # fmt: skip
    """Run more or fewer replicas, or larger or smaller ones; it waits for approval.

    The service is diagnosed first: what waits for a lock or leaks is not helped by more replicas, and what has too
    much to do gets no fewer. It applies only while as many replicas run as now. `hutch runs undo` is the way back.
    """
    wanted = _sizes(sizes)
    if replicas is None and not wanted:
        raise CommandError("say how many: --replicas N, or --size NAME=N", 2)

    async def go(context: Context) -> Run:
        return await commands.scale(context, service, replicas, wanted, actor(), mode_of(dry_run), despite)

    end_asked(ctx, go, yes, json_out)


@service.command()
@service_option
@click.option("--replica", default="", help="Only this replica, as `hutch service status` names it.")
@click.option("--limit", type=click.IntRange(1, MOST_LINES), default=50, show_default=True, help="How many lines.")
@as_json
@click.pass_context
def logs(ctx: click.Context, service: str, replica: str, limit: int, json_out: bool) -> None:
    """The last lines of its log; `hutch logs search` looks for some."""

    async def go(context: Context) -> dict[str, Any]:
        named = (await commands.status(context, service))["service"]
        return await commands.search(context, named, LogQuery(replica=replica, limit=limit))

    show_lines(ctx, go, json_out)


def _sizes(given: tuple[str, ...]) -> dict[str, float]:
    found = {name: (value, figure(value)) for name, value in pairs(given).items()}
    bad = next((f"{name}={value}" for name, (value, size) in found.items() if size is None), "")
    if bad:
        raise CommandError(f"--size {bad!r}: write NAME=N with a number, as pool_size=8", 2)
    return {name: size for name, (_, size) in found.items() if size is not None}


def _lines(found: dict[str, Any]) -> list[str]:
    sizes = "".join(f", {name} {value}" for name, value in found["sizes"].items())
    head = f"{found['service']}  {found['target']}  release {found['release']}{sizes}"
    before = f"  before it ran {found['previous']}" if found["previous"] else ""
    busy = ["  a change is being made"] if found["busy"] else []
    replicas = [_replica(row) for row in found["replicas"]] or ["  no replica runs"]
    parts = [visible(f"  {name} {how}") for name, how in found["parts"].items()]
    return [painted(visible(head + before), "title"), *busy, *replicas, *parts]


def _replica(row: dict[str, Any]) -> str:
    again = f", started again {row['restarts']} times" if row["restarts"] else ""
    since = f" since {row['started_at']}" if row["started_at"] else ""
    state = painted(visible(f"{row['state']:12}"), "read" if row["ready"] else "destroy")
    return f"  {visible(row['name']):12} {state} {visible('release ' + row['release'])}{since}{again}"
