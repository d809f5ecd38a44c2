"""``hutch breach``: a data breach, gate by gate, each passed with its proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from hutch.cli.asked import yes_option
from hutch.cli.breach_after import assess, form, letters, list_, notify, report_, reset
from hutch.cli.breach_steps import WAITING, changed
from hutch.cli.incident import only_option
from hutch.cli.shell import actor, ago, as_json, emit, service_option, table, with_context
from hutch.commands.breach import course
from hutch.commands.breach.going import Stop, go_on
from hutch.commands.context import Context
from hutch.commands.times import when
from hutch.model.breach import GATES
from hutch.model.event import parse_instant
from hutch.runbook.visible import visible


@click.group()
def breach() -> None:
    """A data breach under a code name, seen only by those named: contain, assess, notify, document.

    Gates are passed in order, each with its proof on the timeline. What changes something waits for approval.
    """


for command in (assess, form, letters, list_, notify, report_, reset):
    breach.add_command(command)


@breach.command("open")
@service_option
@click.option("--name", default="", help="The code name; without it one is made.")
@click.option("--aware", default="", help="When somebody became aware, a time or 20m ago: the 72 hours run from there.")
@click.option("--incident", "incident_id", default="", help="Make it of this open incident, as an alert opened it.")
@only_option
@as_json
def open_(service: str, name: str, aware: str, incident_id: str, only: Sequence[str], json_out: bool) -> None:
    """Open a private SEV-1 incident with the clocks of a breach: 15 min, 60 min, 72 h.

    With --incident that one becomes private and SEV-1, and the clocks run from when it was detected.
    """

    async def go(context: Context) -> dict[str, Any]:
        moment = when(aware, context.clock.now(), "--aware") if aware else None
        if incident_id:
            state = await course.take_over(context, incident_id, name, moment, only, actor())
        else:
            state = await course.begin(context, service, name, moment, only, actor())
        return await _told(context, state.id)

    _show(with_context(go), json_out)


@breach.command()
@click.argument("incident_id")
@click.option("--days", type=click.IntRange(1, 3650), default=30, show_default=True, help="Evidence of so many days.")
@click.option("--closed", "how", default="", help="How the hole was closed; the keys come after that.")
@yes_option
@as_json
@click.pass_context
def contain(ctx: click.Context, incident_id: str, days: int, how: str, yes: bool, json_out: bool) -> None:
    """Evidence, the hole, keys, sessions, proof. Goes on where it stopped; exit code 4 where it waits for a person."""

    async def go(context: Context) -> tuple[dict[str, Any], Stop]:
        stop = await go_on(
            context, incident_id, days, how, actor(),
            lambda gate: changed(context, incident_id, gate, yes),
            lambda gate: click.echo(f"{gate.id}: {gate.title}", err=True),
        )  # fmt: skip
        return await _told(context, incident_id), stop

    told, stop = with_context(go)
    _show(told, json_out)
    if stop.gate is None:
        return
    if stop.run is None:
        click.echo(f"close the hole, then: hutch breach contain {incident_id} --closed HOW", err=True)
    else:
        waits = stop.run.id
        click.echo(f"run {waits} waits: hutch runs show {waits}, hutch runs approve {waits}, then again", err=True)
    ctx.exit(WAITING)


@breach.command()
@click.argument("incident_id")
@click.argument("gate", type=click.Choice([gate.id for gate in GATES]))
@click.option("--how", required=True, help="What was done and what shows it.")
@as_json
def tick(incident_id: str, gate: str, how: str, json_out: bool) -> None:
    """Pass GATE, which has to be the next one, by saying how it was done by hand."""

    async def go(context: Context) -> dict[str, Any]:
        await course.tick(context, incident_id, gate, how, actor())
        return await _told(context, incident_id)

    _show(with_context(go), json_out)


@breach.command()
@click.argument("incident_id")
@as_json
def show(incident_id: str, json_out: bool) -> None:
    """The gates with their proofs, and what each clock says."""
    _show(with_context(lambda context: _told(context, incident_id)), json_out)


async def _told(context: Context, incident_id: str) -> dict[str, Any]:
    state, found = await course.load(context, incident_id)
    return {**course.told(context, state, found), "now": context.clock.now().isoformat()}


def _next(row: dict[str, Any]) -> str:
    run = row.get("run")
    return f"next: {row['title']}" + (f" (begun: hutch runs show {run})" if run else "")


def _show(told: dict[str, Any], json_out: bool) -> None:
    now = parse_instant(told.pop("now"))
    if json_out:
        emit(told)
        return
    click.echo(f"{told['incident']} {visible(told['code_name'])} ({told['service']})")
    rows = [
        {
            "stage": row["stage"], "gate": row["gate"],
            "passed": ago(parse_instant(row["passed_at"]), now) if row["passed_at"] else "",
            "proof": visible(row.get("proof", "") or (_next(row) if row["gate"] == told["next"] else "")),
        }
        for row in told["gates"]
    ]  # fmt: skip
    table(rows, ["stage", "gate", "passed", "proof"], "")
    for clock in told["clocks"]:
        end = {"met": "kept", "cancelled": "cancelled"}.get(
            clock["state"], f"due {ago(parse_instant(clock['due']), now)}"
        )
        late = f", {round(clock['late_by'] / 60)} min late" if clock["late_by"] >= 30 else ""
        click.echo(f"{clock['clock']}: {end}{late}")
