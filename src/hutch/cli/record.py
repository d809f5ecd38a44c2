"""``hutch incident assess | affected | pin | unpin | correct``: what is kept with an incident beside its course."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

import click

from hutch.cli.shell import actor, as_json, emit, with_context
from hutch.commands import assess as assessing
from hutch.commands import pins, record
from hutch.commands.context import Context
from hutch.commands.views import incident_json
from hutch.model.incident import Incident, stream_of
from hutch.review.wording import one_line


@click.command()
@click.argument("incident_id")
@as_json
def assess(incident_id: str, json_out: bool) -> None:
    """Propose a severity from what is measured now, with the criterion and the figure."""
    _say(lambda c: _assessed(c, incident_id), json_out)


async def _assessed(context: Context, incident_id: str) -> Incident:
    return (await assessing.assess(context, incident_id, actor()))[0]


@click.command()
@click.argument("incident_id")
@click.option("--service", "services", multiple=True, help="A configured service that is hit too; repeat it.")
@click.option("--users", default="", help="Who is hit, in words: all in Europe, about 1200.")
@click.option("--share", type=float, default=None, help="Which part of the users, in %.")
@as_json
def affected(incident_id: str, services: Sequence[str], users: str, share: float | None, json_out: bool) -> None:
    """Say which services and users are hit; it replaces what was said before."""
    _say(lambda c: record.affected(c, incident_id, services, users, share, actor()), json_out)


@click.command()
@click.argument("incident_id")
@click.argument("event")
@as_json
def pin(incident_id: str, event: str, json_out: bool) -> None:
    """Keep EVENT on top of the incident: its number in the log, or its ref where it is one of a run."""
    _say(lambda c: pins.pin(c, incident_id, _ref(incident_id, event), actor()), json_out)


@click.command()
@click.argument("incident_id")
@click.argument("event")
@as_json
def unpin(incident_id: str, event: str, json_out: bool) -> None:
    """Take the pin off EVENT."""
    _say(lambda c: pins.unpin(c, incident_id, _ref(incident_id, event), actor()), json_out)


def _ref(incident_id: str, event: str) -> str:
    return event if "#" in event else f"{stream_of(incident_id)}#{event}"


@click.command()
@click.argument("incident_id")
@click.argument("event", type=click.IntRange(1))
@click.argument("text")
@as_json
def correct(incident_id: str, event: int, text: str, json_out: bool) -> None:
    """Say what is true instead of EVENT. The event itself stays: the log is never rewritten."""
    _say(lambda c: record.correct(c, incident_id, event, text, actor()), json_out)


def shown(state: Incident) -> Iterator[str]:
    """What is kept with it, a line each."""
    kept = state.record
    if kept.exercise:
        yield "exercise: only exercise channels hear of it"
    if kept.private:
        yield f"private: seen only by {one_line(', '.join(kept.only)) or 'nobody'}"
    if kept.proposal:
        p = kept.proposal
        yield f"proposed {p.severity.label}: {one_line(p.criterion)} ({one_line(p.evidence)}, {p.at:%H:%M:%S} UTC)"
    hit = kept.affected
    users = " ".join(w for w in (hit.users, "" if hit.share is None else f"({hit.share:g} % of users)") if w)
    if hit.services or users:
        yield f"affected: {one_line('; '.join(w for w in (', '.join(hit.services), users) if w))}"
    for ref in kept.pins:
        yield f"pinned: {one_line(ref)}"
    for seq, text in kept.corrections.items():
        yield f"corrected: event {seq}: {one_line(text)}"
    for file in kept.files:
        gone = " (erased)" if file.erased else ""
        yield f"evidence: event {file.seq}, {one_line(file.name)}, {file.size} bytes, sha256 {file.sha256[:12]}{gone}"


def _say(work: Callable[[Context], Awaitable[Incident]], json_out: bool) -> None:
    said(with_context(work), json_out)


def said(state: Incident, json_out: bool) -> None:
    """The incident and what is kept with it."""
    if json_out:
        emit(incident_json(state))
        return
    click.echo(f"{state.id}  {state.severity.label}  {state.phase}  {one_line(state.title)}")
    for line in shown(state):
        click.echo(f"  {line}")
