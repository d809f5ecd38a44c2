"""What people, alerts and runs do to an incident. Each reads, decides purely, and appends what it read for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from hutch.commands.context import CommandError, Context
from hutch.commands.recalled import Known
from hutch.commands.seen import hidden, seen_as, whole
from hutch.model import incident as incidents
from hutch.model import roles
from hutch.model.circle import ADMITTED, CLOSED
from hutch.model.event import Draft, instant
from hutch.model.incident import Incident, Phase
from hutch.model.roles import Role
from hutch.model.severity import Severity
from hutch.ports import Append, Conflict, Job
from hutch.review.wording import one_line

TRIES = 20
"""How often a decision is taken anew because somebody else wrote first."""


async def load(context: Context, incident_id: str) -> Incident:
    """The incident as it stands. Raises :class:`CommandError` for an unknown one."""
    return (await known(context, incident_id)).state


async def known(context: Context, incident_id: str) -> Known:
    """The incident with what is kept of its events. Raises :class:`CommandError` for an unknown one."""
    unseen = incidents.stream_of(incident_id) in await hidden(context.store)
    found = None if unseen else await context.recalled.of(whole(context.store), incident_id)
    if found is None:
        raise CommandError(f"no incident {incident_id}; `hutch incident list` shows them", 2)
    return found


async def listing(context: Context) -> list[Incident]:
    """Every incident, oldest first."""
    streams = await context.store.streams("incident:")
    found = await asyncio.gather(*(context.store.read(s) for s in streams))
    return [state for events in found if (state := incidents.fold(events))]


async def declare(
    context: Context,
    *,
    title: str,
    service: str,
    severity: Severity,
    detected_at: datetime | None = None,
    runbook: str = "",
    summary: str = "",
    source: str = "person",
    actor: str = "hutch",
    also: Sequence[Draft] = (),
    respond: bool = True,
    exercise: bool = False,
    private: bool = False,
    only: Sequence[str] = (),
) -> Incident:
    """Open an incident: its first event, its promises, and ``also``, in one transaction.

    With ``respond`` the runbook starts by itself. An ``exercise`` sends to exercise channels only. A ``private`` one is
    shown to those who take part in it, and to ``only``.
    """
    now = context.clock.now()
    data: dict[str, object] = {"title": title, "service": service, "runbook": runbook, "summary": summary}
    data |= {"source": source, **({"exercise": True} if exercise else {}), **({"private": True} if private else {})}
    if private:
        admitted = (Draft(ADMITTED, {"who": name}, actor) for name in only if name != actor)
        also = [Draft(CLOSED, {}, actor), *admitted, *also]
    drafts = declaration(context, data, severity, detected_at or now, actor=actor, also=also)
    for _ in range(TRIES):
        names = await whole(context.store).streams("incident:")
        incident_id = incidents.next_id((n.removeprefix("incident:") for n in names), now.year)
        try:
            append = Append(incidents.stream_of(incident_id), drafts, expect=0)
            jobs = [clock_job(incident_id), *([respond_job(incident_id)] if respond and runbook else [])]
            await context.store.commit([append], jobs)
        except Conflict:
            continue
        with seen_as(None):
            return await load(context, incident_id)
    raise CommandError("could not get an incident number: too many are being declared at once; try again")


def declaration(
    context: Context,
    data: Mapping[str, object],
    severity: Severity,
    since: datetime,
    *,
    actor: str = "hutch",
    also: Sequence[Draft] = (),
) -> tuple[Draft, ...]:
    """The first events of an incident: ``data`` has its title, service, runbook, summary and source."""
    told = {**data, "severity": severity.label, "detected_at": instant(since)}
    promises = incidents.first_clocks(severity, since, context.config.policy)
    return (Draft("incident.declared", told, actor), *also, *promises)


Decide = Callable[[Incident], Sequence[Draft]]


async def change(context: Context, incident_id: str, decide: Decide, jobs: Sequence[Job] = ()) -> Incident:
    """Append what ``decide`` makes of the incident as it stands; decide again when somebody else wrote first."""
    for _ in range(TRIES):
        state = await load(context, incident_id)
        drafts = tuple(decide(state))
        if not drafts:
            return state
        check_here(state)
        try:
            append = Append(state.stream, drafts, expect=state.seq)
            await context.store.commit([append], [*jobs, clock_job(incident_id)])
        except Conflict:
            continue
        return await load(context, incident_id)
    raise CommandError(f"{incident_id} is being changed by too many at once; try again")


def check_here(state: Incident) -> None:
    """Raises :class:`CommandError` for one whose events lie in an archive: nothing is added behind them."""
    if state.archived:
        where = f"lies in an archive, in {state.archived.place} since {state.archived.at:%Y-%m-%d}"
        raise CommandError(f"{state.id} {where}: `hutch archive restore {state.id}` brings it back")


def clock_job(incident_id: str, at: datetime | None = None) -> Job:
    """Has the incident's clocks looked at, now or at ``at``."""
    stream = incidents.stream_of(incident_id)
    return Job("clock", f"clock:{stream}", at, {"incident": incident_id}, unique="timer" if at else "")


def respond_job(incident_id: str) -> Job:
    """Starts the incident's runbook, once."""
    return Job("respond", incidents.stream_of(incident_id), None, {"incident": incident_id})


# ------------------------------------------------------------------ what a person does


async def admit(context: Context, incident_id: str, who: str, actor: str) -> Incident:
    """Let somebody in to a private incident; harmless where it is not private."""
    return await change(context, incident_id, lambda _: [Draft(ADMITTED, {"who": one_line(who, 80)}, actor)])


async def close_off(context: Context, incident_id: str, actor: str) -> Incident:
    """Make an incident private from now on: only those who take part see it on the pages."""
    return await change(context, incident_id, lambda _: [Draft(CLOSED, {}, actor)])


async def acknowledge(context: Context, incident_id: str, actor: str) -> Incident:
    """Somebody has it: the response promise is met."""

    return await change(context, incident_id, lambda state: acknowledgement_drafts(context, state, actor))


def acknowledgement_drafts(context: Context, state: Incident, actor: str) -> list[Draft]:
    """The events of an acknowledgement; none where somebody has it since it was declared, or last reopened."""
    if state.acknowledged_by and state.clock("response") is None:
        return []
    met = incidents.meet(state, "response", context.clock.now())
    moved = incidents.move(state, Phase.ASSESSMENT, f"acknowledged by {actor}", actor)
    return [Draft("incident.acknowledged", {}, actor), *met, *moved]


async def assign(
    context: Context, incident_id: str, who: str, actor: str, role: Role = Role.COMMANDER, reason: str = ""
) -> Incident:
    """``who`` has that role. Taken from somebody it needs a reason: of two at once the second hears who has it."""
    name, why = one_line(who, 100), context.secrets.mask(reason)
    if not name:
        raise CommandError("a role is given to somebody: name who", 2)
    try:
        return await change(context, incident_id, lambda state: roles.assign(state.roles, role, name, why, actor))
    except roles.Taken as error:
        raise CommandError(str(error)) from None


async def release(context: Context, incident_id: str, role: Role, who: str, reason: str, actor: str) -> Incident:
    """Nobody has that role any more."""
    why = context.secrets.mask(reason)
    return await change(context, incident_id, lambda state: roles.release(state.roles, role, who, why, actor))


async def note(context: Context, incident_id: str, text: str, actor: str) -> Incident:
    """A note on the timeline."""
    masked = context.secrets.mask(text)
    return await change(context, incident_id, lambda _: [Draft("note.added", {"text": masked}, actor)])


async def set_severity(context: Context, incident_id: str, to: Severity, reason: str, actor: str) -> Incident:
    """Change the severity; what is not yet met is due anew, from the same start."""

    return await change(context, incident_id, lambda state: severity_drafts(context, state, to, reason, actor))


def severity_drafts(context: Context, state: Incident, to: Severity, reason: str, actor: str) -> list[Draft]:
    """The events of a changed severity; none where it is that already."""
    if state.severity is to:
        return []
    data = {"from": state.severity.label, "to": to.label, "reason": reason}
    clocks = incidents.after_severity(state, to, context.config.policy)
    return [Draft("severity.changed", data, actor), *clocks]


async def post_update(context: Context, incident_id: str, text: str, actor: str, path: str = "") -> Incident:
    """An update was given to the stakeholders: that promise is met and the next one starts."""
    data = {"text": context.secrets.mask(text), "audience": "stakeholders", "path": path}

    def decide(state: Incident) -> list[Draft]:
        promises = incidents.after_update(state, context.clock.now(), context.config.policy)
        return [Draft("update.posted", data, actor), *promises]

    return await change(context, incident_id, decide)


async def resolve(context: Context, incident_id: str, resolution: str, actor: str) -> Incident:
    """The service is well again: updates end, the review is promised, the regression watch begins."""

    def decide(state: Incident) -> list[Draft]:
        return resolution_drafts(context, state, resolution, actor)

    return await change(context, incident_id, decide, [watch_job(context, incident_id)])


async def reopen(context: Context, incident_id: str, reason: str, actor: str) -> Incident:
    """It is back: the promises of its severity start again."""

    return await change(context, incident_id, lambda state: reopening_drafts(context, state, reason, actor))


def reopening_drafts(context: Context, state: Incident, reason: str, actor: str) -> list[Draft]:
    """The events of a reopening; none where it is open."""
    if state.open:
        return []
    review = state.clock("review")
    now = context.clock.now()
    again = incidents.owed(state, now, context.config.policy[state.severity], "reopened", "reopened")
    ended = [Draft("clock.cancelled", {"clock": review.id, "why": "reopened"})] if review else []
    return [Draft("incident.reopened", {"reason": reason}, actor), *ended, *again]


def resolution_drafts(context: Context, state: Incident, resolution: str, actor: str) -> list[Draft]:
    """The events of a resolution; none where it is resolved already."""
    if not state.open:
        return []
    now = context.clock.now()
    until = now + context.config.scaled(context.config.watch_for)
    return [
        *incidents.move(state, Phase.RESOLUTION, resolution, actor),
        Draft("incident.resolved", {"resolution": resolution, "by": actor}, actor),
        *incidents.after_resolution(state, now),
        Draft("watch.started", {"until": instant(until)}),
    ]


# ------------------------------------------------------------------ what clocks do


def watch_job(context: Context, incident_id: str) -> Job:
    """Looks at a resolved incident again when its regression watch is over."""
    at = context.clock.now() + context.config.scaled(context.config.watch_for)
    return Job("watch", f"watch:{incident_id}", at, {"incident": incident_id}, unique="timer")


async def end_watch(context: Context, incident_id: str) -> Incident:
    """The regression watch passed without a relapse: what is left is the review."""

    def decide(state: Incident) -> list[Draft]:
        if state.open or state.watch_until is None or state.watch_until > context.clock.now():
            return []
        return [Draft("watch.passed", {}), *incidents.move(state, Phase.REVIEW, "no regression while watched")]

    return await change(context, incident_id, decide)
