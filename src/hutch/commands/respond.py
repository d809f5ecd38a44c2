"""Answers an incident with its runbook, once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

from hutch.commands import incidents, needs, runs
from hutch.commands.choosing import choose
from hutch.commands.context import CommandError, Context
from hutch.commands.prepare import only, prepare
from hutch.commands.situation import Situation
from hutch.commands.source import Source, open_source
from hutch.commands.telling import SHOWN
from hutch.model.event import Draft, instant
from hutch.model.incident import Incident
from hutch.model.program import Program
from hutch.model.run import Run
from hutch.runbook.placeholders import normal
from hutch.runbook.values import is_secret


async def respond(context: Context, incident_id: str, done: int | None = None) -> Run | None:
    """Start the incident's runbook unless one of its runs is still under way. None where it has no runbook.

    The job ``done`` is finished with the start: one that is done again, late, would start a second run.
    """
    state = await incidents.load(context, incident_id)
    if not state.runbook and state.open:
        state = await choose(context, state)
    if not state.runbook or not state.open or await _under_way(context, state):
        return None
    return await run_document(context, state.runbook, state.service, incident=state, done=done)


async def run_document(
    context: Context,
    reference: str,
    service_name: str = "",
    *,
    incident: Incident | None = None,
    values: dict[str, str] | None = None,
    binds: dict[str, str] | None = None,
    mode: str = "",
    step: str = "",
    actor: str = "hutch",
    done: int | None = None,
) -> Run:
    """Start ``DOC#anchor`` on a service; with ``step`` exactly that step of it, which a person asks for.

    Raises ``CommandError`` for an unknown document, anchor, step or service.
    """
    _refuse_secrets(context, values or {})
    service = context.service(service_name)
    situation = Situation(service, values or {}, binds or {}, incident_values(incident))
    source, program, name = await asyncio.to_thread(_made, context, reference, step, situation)
    return await runs.start(
        context,
        service=service.name,
        title=source.runbook.title + (f": {name}" if name else ""),
        made_from=runs.MadeFrom(reference, source.document.source, source.document.hash, source.documents, situation),
        program=program,
        incident=incident.id if incident else "",
        mode=mode,
        actor=actor,
        done=done,
    )


def _made(context: Context, reference: str, step: str, situation: Situation) -> tuple[Source, Program, str]:
    """The document, the program, and what the step is called that was asked for. A large document takes its time."""
    source = open_source(context, reference)
    if not step:
        return source, prepare(source.runbook, situation), ""
    found = next((s for _, s in source.runbook.steps() if s.id == step), None)
    return source, only(source.runbook, step, situation), found.name if found else step


def unneeded(context: Context, reference: str, values: Mapping[str, str], binds: Mapping[str, str]) -> list[str]:
    """What is given for a run and nothing in the runbook takes, each as a warning."""
    if not values and not binds:
        return []
    return [*needs.unneeded(open_source(context, reference).runbook, values, binds)]


def _refuse_secrets(context: Context, values: Mapping[str, str]) -> None:
    """A value that is a secret would stand in an argument list and in the log."""
    for name, value in values.items():
        if is_secret(name) or context.secrets.mask(value) != value:
            raise CommandError(f"the value of {name} is a secret, which no statement may carry: use a typed action", 2)


def remade(context: Context, run: Run, captured: Mapping[str, str]) -> Program:
    """The program of a run made anew, with the values that its steps have given so far."""
    name, _, anchor = run.document.partition("#")
    source = open_source(context, f"{run.document_path or name}#{anchor}")
    situation = Situation(context.service(run.service), run.given, run.binds, run.told, captured)
    return prepare(source.runbook, situation)


def incident_values(incident: Incident | None) -> dict[str, str]:
    """The placeholders that an incident fills in, and the labels of its alerts; those are no more than what a sender
    says, so a label that was cut short in the event is none, and of two that are called alike none is meant."""
    if incident is None:
        return {}
    values = {
        "incident-id": incident.id,
        "incident-title": incident.title,
        "incident-start": instant(incident.detected_at),
        "severity": incident.severity.label,
    }
    values |= {"incident-end": instant(incident.resolved_at)} if incident.resolved_at else {}
    whole = {name: value for name, value in (incident.labels or {}).items() if 0 < len(value) < SHOWN}
    alike = Counter(normal(name) for name in whole)
    return {normal(name): value for name, value in whole.items() if alike[normal(name)] == 1} | values


async def _under_way(context: Context, state: Incident) -> bool:
    found = [await runs.load(context, run) for run in state.runs]
    return any(not run.finished for run in found)


async def cannot_respond(context: Context, incident_id: str, reason: str) -> Incident:
    """Say on the timeline that the runbook could not start: a person has to."""
    text = f"the runbook did not start by itself: {reason}"
    return await incidents.change(context, incident_id, lambda _: [Draft("note.added", {"text": text})])
