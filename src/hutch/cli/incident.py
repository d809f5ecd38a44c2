"""``hutch incident``: declare and work on incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC
from typing import Any

import click

from hutch.cli.evidence import attach, erase, evidence
from hutch.cli.export import export
from hutch.cli.record import affected, assess, correct, pin, shown, unpin
from hutch.cli.roles import admit, assign, release, roles
from hutch.cli.shell import actor, ago, as_json, emit, service_option, span, table, with_context
from hutch.cli.update import update
from hutch.commands import incidents, past, private, reviews, transitions
from hutch.commands.context import Context
from hutch.commands.register import page
from hutch.commands.views import incident_json
from hutch.model.event import instant
from hutch.model.incident import Incident
from hutch.model.register import Wanted
from hutch.model.severity import Severity
from hutch.review.wording import one_line, to_second

seen_option = click.option(
    "--seen", type=click.IntRange(0), default=0,
    help="The `seq` that you looked at: if its course changed since, nothing is done and you hear what happened.",
)  # fmt: skip


only_option = click.option("--only", multiple=True, metavar="NAME", help="Who is let in too; repeat it.")


@click.group()
def incident() -> None:
    """Declare and work on incidents."""


incident.add_command(export)
incident.add_command(admit)


@incident.command()
@click.argument("title")
@service_option
@click.option("--severity", required=True, help="SEV-1 … SEV-4.")
@click.option("--runbook", default="", help="DOC#anchor to start; the service's own where it has one.")
@click.option("--exercise", is_flag=True, help="It is practice: only exercise channels hear of it.")
@click.option("--private", "secret", is_flag=True, help="Seen only by those who take part, and those of --only.")
@only_option
@as_json
def declare(
    title: str,
    service: str,
    severity: str,
    runbook: str,
    exercise: bool,
    secret: bool,
    only: Sequence[str],
    json_out: bool,
) -> None:
    """Open an incident by hand; its clocks start and its runbook runs."""
    level = _severity(severity)
    if only and not secret:
        raise click.UsageError("--only NAME goes with --private")

    async def go(context: Context) -> Incident:
        found = context.service(service)
        return await incidents.declare(
            context,
            title=title,
            service=found.name,
            severity=level,
            runbook=runbook or found.config.runbook,
            actor=actor(),
            exercise=exercise,
            private=secret,
            only=private.named(only, actor()) if secret else (),
        )

    _show(with_context(go), json_out)


@incident.command("list")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@click.option("--service", default="", help="Only those of this service.")
@click.option("--severity", default="", help="Only those of this severity: SEV-1 … SEV-4.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many of each.")
@as_json
def list_(everything: bool, service: str, severity: str, limit: int, json_out: bool) -> None:
    """Open incidents, the one whose next promise is due first at the top."""
    wanted = Wanted(True, service, _severity(severity) if severity else None, most=limit)

    async def go(context: Context) -> list[dict[str, Any]]:
        now = context.clock.now()
        pages = [await page(context, replace(wanted, open=o)) for o in ((True, False) if everything else (True,))]
        if any(one.more for one in pages):
            click.echo(f"only the first {limit} are listed: see --limit, --service and --severity", err=True)
        found = [i for one in pages for i in one.incidents]
        return [{**incident_json(i), "detected": ago(i.detected_at, now), "next": _next(i, context)} for i in found]

    rows = with_context(go)
    emit(rows) if json_out else table(
        rows, ["id", "severity", "phase", "service", "title", "detected", "next"], "no open incident"
    )


@incident.command()
@click.argument("incident_id")
@as_json
def show(incident_id: str, json_out: bool) -> None:
    """One incident: state, cause, promises."""
    _show(with_context(lambda c: incidents.load(c, incident_id)), json_out)


@incident.command()
@click.argument("incident_id")
@as_json
def ack(incident_id: str, json_out: bool) -> None:
    """Say that you have it: the response promise is met."""
    _show(with_context(lambda c: incidents.acknowledge(c, incident_id, actor())), json_out)


for command in (assign, release, roles, assess, affected, pin, unpin, correct, attach, evidence, erase):
    incident.add_command(command)


@incident.command()
@click.argument("incident_id")
@click.argument("severity")
@click.option("--reason", required=True)
@seen_option
@as_json
def severity(incident_id: str, severity: str, reason: str, seen: int, json_out: bool) -> None:
    """Change the severity; what is not yet met is due anew."""
    level = _severity(severity)
    _show(with_context(lambda c: transitions.set_severity(c, incident_id, level, reason, actor(), seen)), json_out)


@incident.command()
@click.argument("incident_id")
@click.argument("text")
@as_json
def note(incident_id: str, text: str, json_out: bool) -> None:
    """Put a note on the timeline."""
    _show(with_context(lambda c: incidents.note(c, incident_id, text, actor())), json_out)


incident.add_command(update)


@incident.command()
@click.argument("incident_id")
@click.argument("resolution")
@seen_option
@as_json
def resolve(incident_id: str, resolution: str, seen: int, json_out: bool) -> None:
    """Resolve by hand, saying what was done; the regression watch begins."""
    _show(with_context(lambda c: transitions.resolve(c, incident_id, resolution, actor(), seen)), json_out)


@incident.command()
@click.argument("incident_id")
@click.option("--reason", required=True)
@seen_option
@as_json
def reopen(incident_id: str, reason: str, seen: int, json_out: bool) -> None:
    """It is back."""
    _show(with_context(lambda c: transitions.reopen(c, incident_id, reason, actor(), seen)), json_out)


@incident.command("private")
@click.argument("incident_id")
@only_option
@as_json
def private_(incident_id: str, only: Sequence[str], json_out: bool) -> None:
    """Hide it from all but those who take part in it and those named with --only; `admit` lets in more."""
    _show(with_context(lambda c: private.make_private(c, incident_id, only, actor())), json_out)


@incident.command()
@click.argument("incident_id")
@click.option("--reason", required=True)
@as_json
def public(incident_id: str, reason: str, json_out: bool) -> None:
    """Let everybody see it again, and all that was written meanwhile."""
    _show(with_context(lambda c: private.make_public(c, incident_id, reason, actor())), json_out)


@incident.command()
@click.argument("incident_id")
@as_json
def similar(incident_id: str, json_out: bool) -> None:
    """Past incidents that this one is like, and what helped then."""
    found = with_context(lambda c: past.similar(c, incident_id))
    if json_out:
        emit([{**asdict(one), "detected_at": instant(one.detected_at)} for one in found])
        return
    for one in found:
        click.echo(f"{one.id}  {one.severity}  {one.detected_at:%Y-%m-%d}  {one_line(one.title, 80)}")
        click.echo(f"  shares  {one_line('; '.join(one.shares))}")
        click.echo(f"  helped  {one_line('; '.join(one.helped) or one.resolution or 'nothing is known')}")
    if not found:
        click.echo("no past incident is like it")


@incident.command()
@click.argument("incident_id")
@as_json
def timeline(incident_id: str, json_out: bool) -> None:
    """Everything that happened, in order."""
    entries = with_context(lambda c: reviews.timeline_of(c, incident_id))
    if json_out:
        emit(
            [
                {"at": instant(e.at), "actor": e.actor, "kind": e.kind, "text": e.text, "ref": f"{e.stream}#{e.seq}"}
                for e in entries
            ]
        )
        return
    for e in entries:
        click.echo(f"{to_second(e.at, UTC, entries[0].at)}  {e.actor:<12} {e.text}")


def _severity(text: str) -> Severity:
    try:
        return Severity.of(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _next(state: Incident, context: Context) -> str:
    if state.archived:
        return f"archived in {state.archived.place}"
    clock = state.next_promise()
    return f"{clock.name} {ago(clock.due, context.clock.now())}" if clock else ""


def _show(state: Incident, json_out: bool) -> None:
    if json_out:
        emit(incident_json(state))
        return
    click.echo(f"{state.id}  {state.severity.label}  {state.phase}  {state.title}")
    if state.cause:
        click.echo(f"  cause {state.cause['code']}: {state.cause['summary']}")
    for line in shown(state):
        click.echo(f"  {line}")
    for clock in state.clocks:
        late = f", late by {span(clock.late_by)}" if clock.late_by else ""
        click.echo(f"  {clock.id:<12} due {clock.due:%Y-%m-%d %H:%M:%S} UTC  {clock.state}{late}")
    for run in state.runs:
        click.echo(f"  run {run}: hutch runs show {run}")
