"""``hutch archive``: resolved incidents leave the store for a folder or a bucket, and come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from hutch.cli.shell import actor, as_json, emit, table, with_context
from hutch.commands import archive as commands
from hutch.commands.context import Context
from hutch.model.event import Event, instant
from hutch.model.incident import Incident
from hutch.review.reading import Told
from hutch.review.sentences import sentence


@click.group()
def archive() -> None:
    """Incidents that left the store: written, proved and only then taken out; the log's chain goes on proving them."""


@archive.command()
@click.argument("incident_ids", nargs=-1, metavar="[INCIDENT]...")
@click.option("--dry-run", is_flag=True, help="Only say which ones are due.")
@as_json
@click.pass_context
def run(ctx: click.Context, incident_ids: Sequence[str], dry_run: bool, json_out: bool) -> None:
    """Archive what is due by `archive.after`, or the INCIDENTs that you name, however young.

    Open ones, those that owe something, those under a hold, and breaches within their time stay, whoever asks. Cut off
    at any point, it is given again.
    """
    if dry_run:
        names = list(incident_ids) or with_context(commands.due, machine=True)
        emit(names) if json_out else click.echo("\n".join(names) or "nothing is due")
        return
    done = with_context(lambda c: commands.sweep(c, actor(), incident_ids), machine=not incident_ids)
    if json_out:
        emit([asdict(one) for one in done])
    else:
        for one in done:
            click.echo(one.why or f"{one.incident}: {one.events} events lie in {one.place}/{one.archive} now")
        if not done:
            click.echo("nothing is due")
    ctx.exit(1 if any(one.why for one in done) and incident_ids else 0)


@archive.command("list")
@as_json
def list_(json_out: bool) -> None:
    """The incidents that lie in archives, and where."""
    rows = with_context(_rows)
    columns = ["id", "severity", "service", "title", "resolved", "archived", "events", "place", "archive"]
    emit(rows) if json_out else table(rows, columns, "no incident lies in an archive")


async def _rows(context: Context) -> list[dict[str, Any]]:
    return [_row(state) for state in await commands.listed(context)]


def _row(state: Incident) -> dict[str, Any]:
    kept = state.archived
    assert kept is not None
    return {
        "id": state.id,
        "severity": state.severity.label,
        "service": state.service,
        "title": state.title,
        "resolved": instant(state.resolved_at)[:10] if state.resolved_at else "",
        "archived": instant(kept.at)[:10],
        "events": kept.events,
        "place": kept.place,
        "archive": kept.archive,
        "sha256": kept.sha256,
    }


@archive.command()
@click.argument("incident_id")
@as_json
def show(incident_id: str, json_out: bool) -> None:
    """What an archived incident holds, read from its archive and proved against the log; nothing is changed."""
    _, found = with_context(lambda c: commands.opened(c, incident_id))
    events = sorted((e for one in found.streams.values() for e in one), key=lambda e: (e.at, e.stream, e.seq))
    if json_out:
        emit([event.as_dict() for event in events])
        return
    for event in events:
        click.echo(_line(event))


def _line(event: Event) -> str:
    return f"{event.at:%Y-%m-%d %H:%M:%S} UTC  {event.stream}#{event.seq}  {sentence(Told(event))}"


@archive.command()
@click.argument("incident_id")
def restore(incident_id: str) -> None:
    """Put an archived incident back into the store, proved; its archive is taken away then."""
    state = with_context(lambda c: commands.restore(c, incident_id, actor()))
    click.echo(f"{state.id} is back in the store, to its {state.seq} events: `hutch incident show {state.id}`")


@archive.command()
@click.argument("incident_id")
@click.option("--reason", required=True, help="Why it must stay; it stands in the log.")
def hold(incident_id: str, reason: str) -> None:
    """Keep an incident in the store until `hutch archive release`, however old: a legal hold."""
    with_context(lambda c: commands.hold(c, incident_id, reason, actor()))
    click.echo(f"{incident_id} stays in the store until `hutch archive release {incident_id}`")


@archive.command()
@click.argument("incident_id")
@click.option("--reason", required=True, help="Why it need not stay any more; it stands in the log.")
def release(incident_id: str, reason: str) -> None:
    """End a hold."""
    with_context(lambda c: commands.release(c, incident_id, reason, actor()))
    click.echo(f"{incident_id} is held no more")
