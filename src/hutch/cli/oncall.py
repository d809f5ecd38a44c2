"""``hutch oncall``: who is on call, and overrides."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import click

from hutch.cli.shell import actor, as_json, emit, with_context
from hutch.commands import oncall as commands
from hutch.commands.context import Context
from hutch.model.event import instant, parse_instant
from hutch.model.oncall import Turn


@click.group()
def oncall() -> None:
    """Who is on call now and next, and overrides of it."""


@oncall.command()
@click.argument("schedule", default="")
@click.option("--at", "at", default="", help="Another time than now, as 2026-01-15T10:00:00Z.")
@as_json
def show(schedule: str, at: str, json_out: bool) -> None:
    """Who is on call, until when, and who is next; of SCHEDULE, or of all."""
    when = _instant(at, "UTC") if at else None
    rows = with_context(lambda c: commands.show(c, schedule, when))
    if json_out:
        emit(rows)
        return
    if not rows:
        click.echo("no schedule; add one under oncall")
    for row in rows:
        zone = ZoneInfo(row["zone"])
        held = f"{row['who']} until {_local(row['until'], zone)}" if row["who"] else "NOBODY"
        click.echo(f"{row['schedule']}: {held}")
        for turn in row["turns"][1 if row["who"] else 0 :]:
            click.echo(f"  then {turn['who']} from {_local(turn['since'], zone)} to {_local(turn['until'], zone)}")
        for one in row["overrides"]:
            until = _local(one["until"], zone)
            click.echo(f"  override {one['id']}: {one['who']} {_local(one['since'], zone)} to {until}: {one['reason']}")


@oncall.command()
@click.argument("schedule")
@click.argument("who")
@click.option("--from", "since", default="", help="When it begins, on the schedule's clocks or with an offset; now.")
@click.option("--until", required=True, help="When it ends, on the schedule's clocks or with an offset.")
@click.option("--reason", required=True)
@as_json
def override(schedule: str, who: str, since: str, until: str, reason: str, json_out: bool) -> None:
    """Put WHO on call for a time, whatever the rotation says."""

    async def go(context: Context) -> Turn:
        zone = commands.schedule(context, schedule).zone
        begins = _instant(since, zone) if since else context.clock.now()
        return await commands.override(context, schedule, who, begins, _instant(until, zone), reason, actor())

    turn = with_context(go)
    told = {"id": turn.id, "who": turn.who, "since": instant(turn.since), "until": instant(turn.until)}
    emit(told) if json_out else click.echo(f"override {turn.id}: {turn.who} until {turn.until:%Y-%m-%d %H:%M} UTC")


@oncall.command("remove")
@click.argument("schedule")
@click.argument("override_id")
@click.option("--reason", default="")
def remove(schedule: str, override_id: str, reason: str) -> None:
    """Take an override back."""
    with_context(lambda c: commands.take_back(c, schedule, override_id, reason, actor()))
    click.echo(f"{schedule}: override {override_id} was taken back")


def _local(text: str, zone: ZoneInfo) -> str:
    return f"{parse_instant(text).astimezone(zone):%a %Y-%m-%d %H:%M %Z}"


def _instant(text: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return parse_instant((at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone))).isoformat())
    except ValueError as error:
        raise click.UsageError(f"{text!r} is no time; write for example 2026-01-15T10:00") from error
