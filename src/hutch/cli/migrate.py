"""``hutch migrate``: where a service's schema migrations stand; apply, take back, mark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from hutch.cli.asked import end_asked, mode_of, yes_option
from hutch.cli.paint import painted
from hutch.cli.shell import actor, as_json, emit, service_option, with_context
from hutch.commands import migrate as commands
from hutch.commands.context import CommandError, Context
from hutch.model.effect import Effect
from hutch.model.run import Run
from hutch.runbook.visible import visible

HALF, DUE = 3, 20
"""Exit code where something is half-applied; pending versions that are shown one by one."""
STYLES = {"applied": "read", "half-applied": "destroy", "pending": "change", "no-file": "dim"}
LINES = 60
"""Lines of SQL that are shown; --json has all of them."""

dry_option = click.option("--dry-run", is_flag=True, help="Show the SQL and what it would hit, and apply nothing.")


@click.group()
def migrate() -> None:
    """Where schema migrations stand; apply, take back, mark as applied.

    A change waits for approval as every other (exit code 4); `hutch runs approve` goes on.
    """


@migrate.command()
@service_option
@click.option("--all", "whole", is_flag=True, help="Every applied version too, not the last ones alone.")
@as_json
@click.pass_context
def status(ctx: click.Context, service: str, whole: bool, json_out: bool) -> None:
    """Every version: applied, half-applied with the statements that are left, or pending. Exit 3: half-applied."""
    found = with_context(lambda context: commands.status(context, service))
    emit(found) if json_out else click.echo("\n".join(_status_lines(found, whole)))
    ctx.exit(HALF if found["half_applied"] and not found["running"] else 0)


@migrate.command()
@service_option
@yes_option
@dry_option
@as_json
@click.pass_context
def up(ctx: click.Context, service: str, yes: bool, dry_run: bool, json_out: bool) -> None:
    """Finish what is half-applied and apply what is pending: shows the SQL, then waits for approval."""
    _way(ctx, "up", {}, service, yes, dry_run, json_out)


@migrate.command()
@service_option
@click.option("--steps", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many versions.")
@yes_option
@dry_option
@as_json
@click.pass_context
def down(ctx: click.Context, service: str, steps: int, yes: bool, dry_run: bool, json_out: bool) -> None:
    """Take the last versions back: shows the SQL and what it loses, then waits for approval."""
    _way(ctx, "down", {"steps": steps}, service, yes, dry_run, json_out)


@migrate.command()
@click.argument("version")
@service_option
@click.option("--not-applied", is_flag=True, help="Note it as not applied; refused while anything of it is there.")
@click.option("--compared", is_flag=True, help="You have compared by hand what can't be told from its file.")
@yes_option
@dry_option
@as_json
@click.pass_context
def mark(
    ctx: click.Context, version: str, service: str, not_applied: bool, compared: bool, yes: bool, dry_run: bool,
    json_out: bool,
) -> None:  # fmt: skip
    """Note VERSION as applied; refused until every object that it declares is there."""
    args: dict[str, object] = {"version": version}
    args |= {name: True for name, said in (("back", not_applied), ("compared", compared)) if said}

    async def go(context: Context) -> Run:
        return await commands.start(context, service, "mark", args, Effect.CHANGE, actor(), mode_of(dry_run))

    end_asked(ctx, go, yes, json_out)


def _way(
    ctx: click.Context, way: str, args: dict[str, object], service: str, yes: bool, dry_run: bool, json_out: bool
) -> None:  # fmt: skip
    found = with_context(lambda context: commands.plan(context, service, way, args))
    if not found["migrations"]:
        emit(found) if json_out else click.echo(f"nothing to do: nothing is {'due' if way == 'up' else 'applied'}")
        return
    if not json_out:
        click.echo("\n".join((*_plan_lines(found), "")))

    if yes and commands.effect_of(found) is Effect.DESTROY:
        raise CommandError(
            f"--yes never covers what loses data ({'; '.join(found['loses'][:3])}): leave it out, then approve"
        )

    async def go(context: Context) -> Run:
        pinned, effect = commands.pinned(found), commands.effect_of(found)
        return await commands.start(context, service, way, pinned, effect, actor(), mode_of(dry_run))

    end_asked(ctx, go, yes, json_out)


# ------------------------------------------------------------------ words


def _status_lines(found: dict[str, Any], whole: bool) -> Iterator[str]:
    applied = found["applied"]
    counts = f"{len(applied)} applied, {len(found['half_applied'])} half-applied, {len(found['pending'])} pending"
    yield painted(visible(f"{found['service']}  {found['target']}  {counts}"), "title")
    yield from (painted(visible(f"  running: {who}"), "read") for who in found["running"])
    rows = found["migrations"]
    shown = rows if whole else [*_last(rows, ("applied", "no-file"), 5), *_first(rows, ("half-applied", "pending"))]
    hidden = len(rows) - len(shown)
    yield from ([f"  … {hidden} more; --all shows them"] if hidden else [])
    for row in shown:
        state = painted(f"{row['state']:12}", STYLES[row["state"]])
        yield f"  {state} {visible(row['version'])} {visible(row['name'])}".rstrip()
    for half in found["half_applied"]:
        yield from _half_lines(half)
    yield from (visible(f"  note: {problem}") for problem in found["problems"])


def _last(rows: list[dict[str, Any]], states: tuple[str, ...], count: int) -> list[dict[str, Any]]:
    return [row for row in rows if row["state"] in states][-count:]


def _first(rows: list[dict[str, Any]], states: tuple[str, ...]) -> list[dict[str, Any]]:
    return [row for row in rows if row["state"] in states][:DUE]


def _half_lines(half: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield painted(visible(f"{half['version']} {half['name']} is half-applied".replace("  ", " ")), "title")
    for word in ("there", "missing", "invalid"):
        yield from ([visible(f"  {word + ':':9} {', '.join(half[word])}")] if half[word] else [])
    yield from ([visible(f"  noted:    {half['log']}")] if half["log"] else [])
    yield "  to finish it by hand:" if half["by_hand"] else "  nothing of it can be told from its file"
    yield from (visible(f"    {line}") for line in half["by_hand"])


def _plan_lines(found: dict[str, Any]) -> Iterator[str]:
    lines = [line for part in found["migrations"] for line in _part_lines(part)]
    yield from lines[:LINES]
    yield from ([f"  … {len(lines) - LINES} more lines; --json has them"] if len(lines) > LINES else [])
    yield from (painted(visible(f"  loses data: {lost}"), "destroy") for lost in found["loses"])


def _part_lines(part: dict[str, Any]) -> Iterator[str]:
    how = "" if part["transaction"] else "  (no transaction: statement by statement)"
    yield painted(visible(f"{part['version']} {part['name']}".rstrip() + how), "title")
    yield from (visible(f"  {line}") for line in part["sql"] or ["(its file is not read here: the tool knows)"])
