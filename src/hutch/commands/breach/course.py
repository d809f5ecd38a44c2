"""Opening a breach, where it stands, and passing a gate: only in order, each with what proves it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from hutch.commands import incidents, private
from hutch.commands.context import CommandError, Context
from hutch.model.breach import BEGUN, CLOCKS, ENDS, GATES, OPENED, PASSED, Breach, Gate, Step, fold, gate_of
from hutch.model.event import Draft, instant
from hutch.model.incident import Incident, meet, start_clock
from hutch.model.severity import Severity
from hutch.review.wording import one_line

LONGEST_NAME = 60
COLOURS: Final = ("amber", "azure", "copper", "coral", "indigo", "ivory", "jade", "olive", "scarlet", "silver", "umber")
THINGS: Final = ("anchor", "bridge", "comet", "falcon", "harbour", "kestrel", "lantern", "meadow", "orchard", "summit")
"""Of these a code name is made: whoever overhears it learns nothing."""


async def begin(
    context: Context, service: str, name: str, aware_at: datetime | None, only: Sequence[str], actor: str
) -> Incident:
    """Open a private SEV-1 incident under a code name, with the promises of containment, assessment and notice."""
    found, now = context.service(service), context.clock.now()
    aware, called = _aware(aware_at or now, now), _called(name)
    return await incidents.declare(
        context,
        title=called,
        service=found.name,
        severity=Severity.SEV1,
        actor=actor,
        also=_opening(context, called, aware, now, actor),
        respond=False,
        private=True,
        only=private.named(only, actor),
    )


async def take_over(
    context: Context, incident_id: str, name: str, aware_at: datetime | None, only: Sequence[str], actor: str
) -> Incident:
    """Make a breach of an incident that is open already, as an alert opened it: private from now on, SEV-1, and its
    promises run from when it was detected. Raises :class:`CommandError` where it is one, or is resolved."""
    now = context.clock.now()
    called, names = _called(name), private.named(only, actor)

    def decide(state: Incident) -> list[Draft]:
        if any(clock.name == CLOCKS["contain"][0] for clock in state.clocks):
            raise CommandError(f"{incident_id} is a breach already; `hutch breach show {incident_id}` says how far", 2)
        if not state.open:
            raise CommandError(f"{incident_id} is resolved; reopen it first: `hutch incident reopen {incident_id}`", 2)
        aware = _aware(aware_at or state.detected_at, now)
        closed = private.closing(names, actor)
        raised = incidents.severity_drafts(context, state, Severity.SEV1, "it may be a breach", actor)
        return [*closed, *raised, *_opening(context, called, aware, state.detected_at, actor)]

    return await incidents.change(context, incident_id, decide)


def _aware(aware: datetime, now: datetime) -> datetime:
    if not now - timedelta(days=365) <= aware <= now:
        raise CommandError("--aware must be a moment of the last year: when somebody became aware of the breach", 2)
    return aware


def _called(name: str) -> str:
    return one_line(name, LONGEST_NAME) or f"{secrets.choice(COLOURS)} {secrets.choice(THINGS)}"


def _opening(context: Context, called: str, aware: datetime, detected: datetime, actor: str) -> list[Draft]:
    opened = Draft(OPENED, {"code_name": called, "aware_at": instant(aware)}, actor)
    starts = {"contain": detected, "assess": detected, "notify": aware}
    clocks = []
    for stage, (clock, length) in CLOCKS.items():
        due = starts[stage] + context.config.scaled(length)
        clocks.append(start_clock(None, clock, starts[stage], due, f"{stage} within {_told(length)}"))
    return [opened, *clocks]


def _told(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    return f"{minutes} min" if minutes <= 60 else f"{minutes // 60} h"


async def load(context: Context, incident_id: str) -> tuple[Incident, Breach]:
    """The incident and its breach. Raises :class:`CommandError` where it is none."""
    state = await incidents.load(context, incident_id)
    found = fold(await context.store.read(state.stream))
    if found is None:
        raise CommandError(f"{incident_id} is no breach; `hutch breach open` begins one", 2)
    return state, found


async def passed(
    context: Context,
    incident_id: str,
    gate: Gate,
    proof: str,
    actor: str,
    run: str = "",
    figures: Mapping[str, object] | None = None,
    before: Sequence[Draft] = (),
) -> None:
    """Note that a gate was passed, and keep its stage's promise; with what else stands ``before`` it, or none of it.
    Harmless where it was passed meanwhile."""
    _, found = await load(context, incident_id)
    if gate.id in found.passed:
        return
    data: dict[str, Any] = {"gate": gate.id, "title": gate.title, "proof": context.secrets.mask(proof), "run": run}
    data |= {"figures": dict(figures)} if figures else {}
    clock = CLOCKS[ENDS[gate.id]][0] if gate.id in ENDS else ""

    def decide(state: Incident) -> list[Draft]:
        return [*before, Draft(PASSED, data, actor), *(meet(state, clock, context.clock.now()) if clock else [])]

    await incidents.change(context, incident_id, decide)


async def begun(context: Context, incident_id: str, gate: Gate, step: Step, run: str, actor: str) -> None:
    """Note which run is to do a step of a gate, before it is started; none where there was nothing to do."""
    draft = Draft(BEGUN, {"gate": gate.id, "title": step.title, "run": run, "step": step.id}, actor)
    await incidents.change(context, incident_id, lambda _: [draft])


async def tick(context: Context, incident_id: str, gate_id: str, how: str, actor: str) -> None:
    """A person passes the gate that is next by saying how it was done. Raises :class:`CommandError`."""
    _, found = await load(context, incident_id)
    gate = found.next_gate()
    if gate is None or gate.id != gate_id:
        known = gate_id in {g.id for g in GATES}
        later = f"the next gate is {gate.id} ({gate.title})" if gate else "every gate was passed"
        raise CommandError(f"{gate_id}: {'' if known else 'there is no such gate; '}{later}", 2)
    if not how.strip():
        raise CommandError("say how it was done, with --how: it is the proof that stands on the timeline", 2)
    await passed(context, incident_id, gate, f"{how.strip()[:2000]} (told by a person)", actor)


async def listing(context: Context) -> list[tuple[Incident, Breach]]:
    """The register: every breach that may be seen, oldest first."""
    found = []
    for state in await incidents.listing(context):
        breach = fold(await context.store.read(state.stream))
        if breach:
            found.append((state, breach))
    return found


def told(context: Context, state: Incident, found: Breach) -> dict[str, Any]:
    """With stable keys: gates with their proofs, and what each clock says."""
    gates = []
    for gate in GATES:
        row: dict[str, Any] = {"gate": gate.id, "stage": gate.stage, "title": gate.title, "passed_at": None}
        done = found.passed.get(gate.id)
        if done:
            row |= {"passed_at": instant(done.at), "by": done.by, "proof": done.proof, "run": done.run}
        elif gate.id in found.runs:  # begun, and waiting, under way or broken off: its journal tells which
            row |= {"run": found.runs[gate.id]}
        gates.append(row)
    upcoming = found.next_gate()
    return {
        "incident": state.id,
        "code_name": found.code_name,
        "service": state.service,
        "aware_at": instant(found.aware_at),
        "next": upcoming.id if upcoming else None,
        "gates": gates,
        "clocks": [_clock(context, state, name) for name, _ in CLOCKS.values()],
        "figures": dict(found.figures),
    }


def _clock(context: Context, state: Incident, name: str) -> dict[str, Any]:
    clock = next(c for c in state.clocks if c.name == name)
    late = clock.late_by.total_seconds() if clock.ended_at else (context.clock.now() - clock.due).total_seconds()
    return {"clock": name, "due": instant(clock.due), "state": clock.state.value, "late_by": max(late, 0.0)}


def stage_gate(found: Breach, gate_id: str) -> Gate:
    """The gate, where it is the next one. Raises :class:`CommandError` naming what comes before."""
    gate, upcoming = gate_of(gate_id), found.next_gate()
    if gate_id in found.passed:
        raise CommandError(f"{gate_id} was passed already: {found.passed[gate_id].proof}")
    if upcoming and upcoming.id != gate_id:
        raise CommandError(f"{gate_id} comes after {upcoming.id} ({upcoming.title}), which was not passed yet")
    return gate
