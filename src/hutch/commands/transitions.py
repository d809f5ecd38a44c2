"""The steps that a person takes in an incident's course: guarded, with a reason, and never over somebody's head.

Who decides has looked at the incident at some event (``seen``). If its course changed since, nothing is done, and the
answer says what happened and who did it. What Hutch does by itself goes through :mod:`hutch.commands.incidents`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.event import Event
from hutch.model.incident import Incident
from hutch.model.lifecycle import COURSE, refusal
from hutch.model.severity import Severity
from hutch.ports import Append, Conflict, Job
from hutch.review.reading import Told
from hutch.review.sentences import sentence


async def resolve(context: Context, incident_id: str, resolution: str, actor: str, seen: int = 0) -> Incident:
    """It is well again. Refused where it is resolved already, saying when and how."""
    said = context.secrets.mask(resolution)
    jobs = [incidents.watch_job(context, incident_id)]
    return await _take(
        context,
        incident_id,
        "resolve",
        said,
        seen,
        lambda s: incidents.resolution_drafts(context, s, said, actor),
        jobs,
    )


async def reopen(context: Context, incident_id: str, reason: str, actor: str, seen: int = 0) -> Incident:
    """It is back. Refused where it is open."""
    said = context.secrets.mask(reason)
    return await _take(
        context, incident_id, "reopen", said, seen, lambda s: incidents.reopening_drafts(context, s, said, actor)
    )


async def set_severity(
    context: Context, incident_id: str, to: Severity, reason: str, actor: str, seen: int = 0
) -> Incident:
    """Another severity; what is not yet met is due anew. Refused without a reason."""
    said = context.secrets.mask(reason)
    return await _take(
        context, incident_id, "severity", said, seen,
        lambda s: incidents.severity_drafts(context, s, to, said, actor),
    )  # fmt: skip


async def _take(
    context: Context,
    incident_id: str,
    step: str,
    reason: str,
    seen: int,
    decide: incidents.Decide,
    jobs: Sequence[Job] = (),
) -> Incident:
    state = await incidents.load(context, incident_id)
    seen = seen or state.seq
    for _ in range(incidents.TRIES):
        if why := refusal(step, state, reason):
            raise CommandError(f"{incident_id}: {why}; nothing was done{await _since(context, state, seen)}")
        if news := await _since(context, state, seen):
            raise CommandError(f"{incident_id} changed while you decided, and nothing was done{news}; look at it again")
        drafts = tuple(decide(state))
        if not drafts:
            return state
        with suppress(Conflict):
            append = Append(state.stream, drafts, expect=state.seq)
            await context.store.commit([append], [*jobs, incidents.clock_job(incident_id)])
            return await incidents.load(context, incident_id)
        state = await incidents.load(context, incident_id)
    raise CommandError(f"{incident_id} is being changed by too many at once; try again")


async def _since(context: Context, state: Incident, seen: int) -> str:
    """What happened to its course behind the event that was seen, in words."""
    told = [e for e in await context.store.read(state.stream, seen) if e.kind in COURSE and e.seq <= state.seq]
    return "".join(f"; {_said(e)}" for e in told[-3:])


def _said(event: Event) -> str:
    return f"{event.at:%H:%M:%S} UTC {event.actor}: {sentence(Told(event))}"
