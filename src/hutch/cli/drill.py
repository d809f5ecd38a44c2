"""``hutch drill``: break a service on purpose, and measure what Hutch finds and does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import click

from hutch.cli.demo_stage import PLATFORMS
from hutch.cli.drill_call import Call
from hutch.cli.drill_own import start, status, stop
from hutch.cli.lengths import length
from hutch.cli.shell import as_json, emit, quiet_logs, table
from hutch.commands.drills import report
from hutch.commands.drills.catalogue import choose, fault_json, find_faults
from hutch.commands.drills.kept import HOME
from hutch.commands.drills.lock import only_one
from hutch.commands.drills.plan import seeds_of, turns
from hutch.commands.drills.result import PASSED, Result, sought
from hutch.commands.drills.spread import goal_lines, goals
from hutch.commands.drills.totals import totals

FilePath = click.Path(path_type=Path, dir_okay=False)


@click.group()
def drill() -> None:
    """Break a service on purpose, and score how fast and how exactly Hutch finds and mends it."""


@drill.command("list")
@as_json
def list_(json_out: bool) -> None:
    """Name every installed fault, with the cause and the remedies that must be found; a no-fault has neither."""
    found = list(find_faults().values())
    if json_out:
        emit([fault_json(fault) for fault in found])
        return
    rows = [{**fault_json(f), "cause": sought(f), "remedies": _words(list(f.remedies))} for f in found]
    table(rows, ["name", "cause", "remedies", "summary"], "No faults are installed.")


@drill.command()
@click.argument("names", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every installed fault and no-fault.")
@click.option(
    "--seed",
    "--seeds",
    "seeds",
    default="1",
    show_default=True,
    metavar="N|FIRST..LAST",
    help="Decides when each fault comes, and its variant; with 1..5 each drill is run with five seeds.",
)
@click.option("--within", metavar="LENGTH", help="Begin no drill that would end later, as in 30m.")
@click.option("--resume", is_flag=True, help="Go on with the report in --dir: what has a result is not run again.")
@click.option("--keep", is_flag=True, help="Leave the stage up at the end, until Ctrl-C, and keep its folder.")
@click.option("--ready-file", type=FilePath, help="Use the running platform that wrote this file, not one of our own.")
@click.option("--dir", "home", type=click.Path(path_type=Path, file_okay=False), default=HOME, show_default=True,
              help="Where the report is written; one drill at a time in each.")  # fmt: skip
@click.option("--platform", type=click.Choice(sorted(PLATFORMS)), default="local", show_default=True,
              help="The API by which Hutch deploys, rolls back and scales.")  # fmt: skip
@as_json
@click.pass_context
def run(
    ctx: click.Context,
    names: tuple[str, ...],
    every: bool,
    seeds: str,
    within: str | None,
    resume: bool,
    keep: bool,
    ready_file: Path | None,
    home: Path,
    platform: str,
    json_out: bool,
) -> None:
    """Run drills one after the other on one service under load, and score them.

    Starts a platform of its own on free ports of 127.0.0.1, with Postgres, the service, its load and Hutch. An
    impersonated person approves the first remedy if it is a right one, and decides nothing else. Progress is told on
    stderr; the table, or the report with --json, is on stdout; report.md and report.json are written to --dir.

    Exit code 0: every drill that was run passed; 3: one failed or was refused.
    """
    chosen = choose(find_faults(), names, every)
    wanted = turns(chosen, seeds_of(seeds), mixed=every)
    seconds = length(within).total_seconds() if within else 0.0
    quiet_logs()
    with contextlib.ExitStack() as held:
        what = f"drills {', '.join(f.name for f in chosen)}"
        held.enter_context(only_one(home / "lock", what))
        if ready_file is not None:
            held.enter_context(only_one(ready_file.with_name(f"{ready_file.name}.drill-lock"), what))
        call = Call(wanted, seconds, keep, ready_file, home, platform)
        if resume:
            call.results, call.began = report.earlier(home / "report.json", call.began)
        try:
            asyncio.run(call.run())
        except asyncio.CancelledError:  # by SIGINT or SIGTERM
            raise KeyboardInterrupt from None
        finally:
            if call.results:
                call.write()
                click.echo(f"report: {home / 'report.md'}", err=True)
    emit(call.document()) if json_out else _print(call.results)
    ctx.exit(_code(call.results))


@drill.command()
@click.argument("file", type=FilePath, default=HOME / "report.json")
@as_json
@click.pass_context
def score(ctx: click.Context, file: Path, json_out: bool) -> None:
    """Add up a report: FILE is a report.json of `hutch drill run`, by default the last one.

    Exit code 0: every drill passed; 3: one failed or was refused.
    """
    results, _ = report.earlier(file)
    emit(totals(results)) if json_out else _print(results)
    ctx.exit(_code(results))


drill.add_command(start)
drill.add_command(stop)
drill.add_command(status)


# ------------------------------------------------------------------ telling


def _print(results: Sequence[Result]) -> None:
    table([_columns(report.row(r)) for r in results], [c.replace(" ", "_") for c in report.COLUMNS], "No drills.")
    for result in results:
        for reason in result.reasons:
            click.echo(f"  {result.fault}: {reason}")
    click.echo("")
    for line in (*report.totals_lines(totals(results)), *goal_lines(goals(results))):
        click.echo(line)


def _columns(row: dict[str, str]) -> dict[str, str]:
    return {name.replace(" ", "_"): value for name, value in row.items()}


def _words(found: object) -> str:
    return ", ".join(str(f) for f in found) if isinstance(found, list) else ""


def _code(results: Sequence[Result]) -> int:
    return 0 if all(r.verdict == PASSED for r in results) else 3
