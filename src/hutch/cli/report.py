"""``hutch report``: how the team did over a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from hutch.cli.shell import as_json, emit, with_context
from hutch.commands.context import CommandError, Context
from hutch.commands.report import made
from hutch.commands.times import when
from hutch.review.report import STAGES, Report, Spread
from hutch.review.reportdata import as_data, csv_lines
from hutch.review.wording import length, one_line

BAR = 24
"""Characters of the longest bar."""


@click.command()
@click.option("--since", default="30d", show_default=True, help="How far back (7d, 24h), or a date (2026-01-31).")
@click.option("--until", default="", help="The end, written the same way; now where it is not given.")
@click.option("--exercises", is_flag=True, help="The exercises, which count apart, in place of what was real.")
@click.option("--csv", "as_csv", is_flag=True, help="One incident a line, for a spreadsheet.")
@as_json
def report(since: str, until: str, exercises: bool, as_csv: bool, json_out: bool) -> None:
    """Times to acknowledge and resolve, counts, promises, noisy alerts, runbooks."""
    if as_csv and json_out:
        raise CommandError("--csv and --json at once: choose one", 2)

    async def go(context: Context) -> Report:
        now = context.clock.now()
        end = when(until, now, "--until") if until else now
        return await made(context, when(since, now, "--since"), end, exercises=exercises)

    found = with_context(go)
    if json_out:
        emit(as_data(found))
    elif as_csv:
        click.echo("".join(csv_lines(found)), nl=False)
    else:
        click.echo("\n".join(page(found)))


def page(found: Report) -> Iterator[str]:
    """The report for people."""
    count = len(found.incidents)
    span = f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC"
    yield f"{count} incident{'' if count == 1 else 's'}, {span}"
    if found.archived:
        yield f"not counted, since they lie in archives: {found.archived} (`hutch archive list`)"
    if not count:
        return
    yield from ["", "Time to …       median      mean        9 in 10 within"]
    yield from (f"  {stage:<12}  {_spread(found.times[stage])}" for stage in STAGES)
    for title, counts in (("severity", found.by_severity), ("service", found.by_service), ("cause", found.by_cause)):
        yield from ["", f"By {title}", *_bars(counts)]
    yield from ["", "Promises"]
    for name, ends in found.promises.items():
        yield f"  {name:<12}  " + ", ".join(f"{number} {how}" for how, number in ends.items())
    yield from (f"  owed now: {name}" for name in found.overdue)
    yield from _noisy(found)
    yield from _used(found)


def _spread(spread: Spread) -> str:
    values = [length(v) if v is not None else "–" for v in (spread.median, spread.mean, spread.p90)]
    return "".join(f"{v:<12}" for v in values).rstrip() + ("" if spread.count else "  (nothing to count)")


def _bars(counts: Mapping[str, int]) -> Iterator[str]:
    most = max(counts.values(), default=1)
    width = max((len(one_line(name, 40)) for name in counts), default=0)
    for name, number in counts.items():
        yield f"  {one_line(name, 40):<{width}}  {'█' * max(round(BAR * number / most), 1)} {number}"


def _noisy(found: Report) -> Iterator[str]:
    if found.noise:
        yield from ["", "Alerts: fired, in incidents, of which nothing was done"]
    for noise in found.noise:
        flapped = f", came and went {noise.flapped} times" if noise.flapped else ""
        yield f"  {one_line(noise.rule, 60)}: {noise.fired}, {noise.incidents}, {noise.without_action}{flapped}"


def _used(found: Report) -> Iterator[str]:
    if found.runbooks:
        yield from ["", "Runbooks: runs and how they ended"]
    for use in found.runbooks:
        ends = ", ".join(f"{number} {how}" for how, number in use.outcomes.items())
        yield f"  {one_line(use.runbook, 60)}: {use.runs} ({ends})"
