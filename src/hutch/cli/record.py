"""``hutch incident assess | affected | pin | unpin | correct``: what is kept with an incident beside its course."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence

import click

from hutch.cli.shell import actor, as_json, emit, with_context
from hutch.commands import assess as assessing
from hutch.commands import record
from hutch.commands.context import Context
from hutch.commands.views import incident_json
from hutch.model.incident import Incident
from hutch.review.wording import one_line

EVENT = "The number of the event in the incident's log: #12 of the timeline is 12."


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
@click.argument("event", type=click.IntRange(1))
@click.option("--note", default="", help="Why it matters.")
@as_json
def pin(incident_id: str, event: int, note: str, json_out: bool) -> None:
    """Keep EVENT, by its number in the log, on top of the incident."""
    _say(lambda c: record.pin(c, incident_id, event, note, actor()), json_out)


@click.command()
@click.argument("incident_id")
@click.argument("event", type=click.IntRange(1))
@as_json
def unpin(incident_id: str, event: int, json_out: bool) -> None:
    """Take the pin off EVENT."""
    _say(lambda c: record.unpin(c, incident_id, event, actor()), json_out)


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
    for seq, note in kept.pins.items():
        yield f"pinned: event {seq}{f', {one_line(note)}' if note else ''}"
    for seq, text in kept.corrections.items():
        yield f"corrected: event {seq}: {one_line(text)}"
    for file in kept.files:
        gone = " (erased)" if file.erased else ""
        yield f"evidence: event {file.seq}, {one_line(file.name)}, {file.size} bytes, sha256 {file.sha256[:12]}{gone}"


def _say(work: Callable[[Context], Awaitable[Incident]], json_out: bool) -> None:
    state = with_context(work)
    if json_out:
        emit(incident_json(state))
        return
    click.echo(f"{state.id}  {state.severity.label}  {state.phase}  {one_line(state.title)}")
    for line in shown(state):
        click.echo(f"  {line}")
