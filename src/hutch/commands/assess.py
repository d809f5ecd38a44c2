"""Proposes a severity from what is measured. Nobody's severity is changed by it: that is a person's word.

While a service is watched, an open incident gets a first proposal, and a further one only for something worse; where
that is a larger part of the users within the same severity, the timeline tells it. Asked for by a person, it says what
is measured now, milder or worse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.commands.standings import watched
from hutch.model.event import Draft
from hutch.model.impact import DOWN, USERS, Judgement, judge
from hutch.model.incident import Incident

Figures = Mapping[str, float]

STEP, ALL = 10.0, 100.0
"""Percentage points by which the share of users that is hit has to rise to be told again; and all of them."""


def figures(
    context: Context, values: Mapping[str, float | None], quorums: Mapping[str, float | None] | None = None
) -> Figures:
    """What is known of the signals that the criteria ask for. ``quorums``: uptimes in %, by rules with a quorum."""
    wanted = {c.signal for c in context.config.criteria if c.signal}
    found = {name: value for name, value in values.items() if name in wanted and value is not None}
    agreed = [value for value in (quorums or {}).values() if value is not None]
    return {**found, **({DOWN: 100.0 - max(agreed)} if agreed and DOWN in wanted else {})}


def judged(context: Context, state: Incident, known: Figures) -> Judgement | None:
    """The criterion that its service's figures, or the cause that was named, meet."""
    return judge(context.config.criteria, known, str((state.cause or {}).get("code", "")))


def news(state: Incident, found: Judgement | None) -> bool:
    """Whether it says more than the proposal that stands."""
    before = state.record.proposal
    return found is not None and (before is None or found.severity < before.severity)


def risen(state: Incident, known: Figures) -> float | None:
    """The share of users that is hit by now, where that is worth telling: :data:`STEP` points more than the largest
    that was told, or all of them. None otherwise."""
    share, before = known.get(USERS), state.record.measured or 0.0
    if share is None or share <= before:
        return None
    return share if share >= before + STEP or share >= ALL else None


async def watch(context: Context, service: str, known: Figures) -> None:
    """Propose for the open incidents of a service what its figures speak for, and tell how many users it came to hit
    where the severity stays as it is."""
    async with context.board.lock:
        await context.board.catch_up(context.store, context.clock.now())
        opened = [i for i in context.board.of(service) if i.open]
    for state in opened:
        if news(state, judged(context, state, known)) or risen(state, known) is not None:
            await incidents.change(context, state.id, lambda s: _drafts(context, s, known))


def _drafts(context: Context, state: Incident, known: Figures) -> Sequence[Draft]:
    found = judged(context, state, known)
    if found and state.open and news(state, found):
        return [Draft("severity.proposed", found.data())]
    share = risen(state, known) if state.open else None
    return [Draft("impact.measured", {"figures": {USERS: share}})] if share is not None else []


async def assess(context: Context, incident_id: str, actor: str) -> tuple[Incident, Judgement]:
    """What is measured now, as a proposal on the timeline. Raises :class:`CommandError` where nothing is known."""
    state = await incidents.load(context, incident_id)
    seen, _ = await watched(context, state.service)
    found = judged(context, state, figures(context, {s.name: s.value for s in seen.signals}))
    if found is None:
        raise CommandError(
            f"nothing is measured of {state.service}: no process watches it (hutch serve), or it has no signals; set "
            f"the severity yourself: hutch incident severity {incident_id} SEV-n --reason …"
        )
    data = found.data()
    after = await incidents.change(context, incident_id, lambda _: [Draft("severity.proposed", data, actor)])
    return after, found
