"""``hutch deploy``: what was deployed when, and the way back."""

from __future__ import annotations

from typing import Any

import click

from hutch.cli.asked import dry_option, end_asked, mode_of, yes_option
from hutch.cli.shell import actor, as_json, emit, service_option, table, with_context
from hutch.commands import platforms as commands
from hutch.commands import releases
from hutch.commands.context import Context
from hutch.commands.times import when
from hutch.diagnosis.releases import Bounds
from hutch.model.run import Run
from hutch.runbook.visible import visible

SHOWN = ("kind", "id", "names", "deployment", "state", "at", "finished_at", "previous", "summary", "reason")


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
    """One deployment: when it began and ended, what ran before, why it failed, and the commits that it brought."""
    found = with_context(lambda context: commands.deployment(context, service, deployment))
    if json_out:
        emit(found)
        return
    for name, value in _plain(found).items():
        if name in SHOWN and value:
            click.echo(f"{name.replace('_', ' '):12} {value}")
    for line in found["commits"]:
        click.echo(f"{'commit':12} {visible(line)}")


@deploy.command()
@service_option
@click.option("--since", default="6h", show_default=True, metavar="TIME", help="From this time on: 2h, or a time.")
@click.option("--at", default="", metavar="TIME", help="When the trouble began; else the first alert since then.")
@click.option("--incident", default="", metavar="ID", help="Take the time from this incident.")
@as_json
def timeline(service: str, since: str, at: str, incident: str, json_out: bool) -> None:
    """Every change and alert, oldest first, with the signals before and after it, and the change that fits the trouble.

    Changes are deployments, migrations, commits and edits of the configuration, as far as the targets tell them.
    """

    async def go(context: Context) -> dict[str, Any]:
        now = context.clock.now()
        began = when(at, now, "--at") if at else None
        return await releases.timeline(context, service, when(since, now, "--since"), began, incident)

    found = with_context(go)
    if json_out:
        emit(found)
        return
    for row in found["rows"]:
        words = f"{row['at']} {row['kind']:13} {row['id']}: {row['summary']}{_sides(row['signals'])}"
        click.echo(visible(words).replace("\n", " "))
    click.echo(_suspect(found))


@deploy.command()
@service_option
@click.option("--slower", type=click.FloatRange(min=0), default=Bounds().slower, show_default=True,
              help="% above the response time before it (p95) that is too slow.")  # fmt: skip
@click.option("--errors", type=click.FloatRange(min=0), default=Bounds().errors, show_default=True,
              help="% more errors than before, and at least twice as many, that are a critical bug.")  # fmt: skip
@as_json
@click.pass_context
def check(ctx: click.Context, /, service: str, slower: float, errors: float, json_out: bool) -> None:
    """Should the release that runs go back? Compares it with the one before, by the runbooks' four reasons.

    A critical bug, over 50 % slower, a vulnerability, a failed migration. Exit code 3: one of them holds. What nothing
    tells of is said as untold.
    """
    found = with_context(lambda context: releases.judged(context, service, Bounds(slower, errors)))
    if json_out:
        emit(found)
    else:
        after = f" after {found['previous']}" if found["previous"] else ""
        click.echo(visible(f"release {found['release']}, deployed {found['deployed_at']}{after}"))
        for row in found["reasons"]:
            click.echo(visible(f"{row['verdict']:7} {row['reason']}: {row['said']}").replace("\n", " "))
        click.echo("roll back: `hutch deploy rollback`" if found["roll_back"] else "no reason to roll back is known")
    ctx.exit(3 if found["roll_back"] else 0)


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


def _sides(signals: dict[str, dict[str, float | None]]) -> str:
    """``  [error_rate 0.1 -> 7.5, …]``: before and after."""
    figures = {name: [_figure(found[side]) for side in ("before", "after")] for name, found in signals.items()}
    said = ", ".join(f"{name} {' -> '.join(pair)}" for name, pair in figures.items())
    return f"  [{said}]" if said else ""


def _figure(value: float | None) -> str:
    return "?" if value is None else f"{value:.4g}"


def _suspect(found: dict[str, Any]) -> str:
    if not found["began"]:
        return "no alert fired: --at TIME or --incident ID says when the trouble began"
    began = f"the trouble began {found['began']['at']} ({found['began']['what']})"
    if not found["suspect"]:
        return visible(f"{began}; no change in the half hour before it")
    return visible(f"{began}; most likely by {found['suspect']['said']}").replace("\n", " ")


def _plain(row: dict[str, Any]) -> dict[str, str]:
    """For a terminal: what a platform says is untrusted."""
    words = {name: ", ".join(value) if isinstance(value, list) else str(value or "") for name, value in row.items()}
    return {name: visible(text).replace("\n", " ") for name, text in words.items()}
