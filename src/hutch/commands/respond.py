"""Answers an incident with its runbook, once."""

from __future__ import annotations

from hutch.commands import incidents, runs
from hutch.commands.context import Context
from hutch.commands.documents import open_runbook
from hutch.commands.prepare import prepare
from hutch.commands.situation import Situation
from hutch.model.event import Draft, instant
from hutch.model.incident import Incident
from hutch.model.run import Run


async def respond(context: Context, incident_id: str) -> Run | None:
    """Start the incident's runbook unless one of its runs is still under way. None where it has no runbook."""
    state = await incidents.load(context, incident_id)
    if not state.runbook or not state.open or await _under_way(context, state):
        return None
    return await run_document(context, state.runbook, state.service, incident=state)


async def run_document(
    context: Context,
    reference: str,
    service_name: str = "",
    *,
    incident: Incident | None = None,
    values: dict[str, str] | None = None,
    binds: dict[str, str] | None = None,
    mode: str = "",
    actor: str = "hutch",
) -> Run:
    """Start ``DOC#anchor`` on a service. Raises ``CommandError`` for an unknown document, anchor or service."""
    service = context.service(service_name)
    document, runbook = open_runbook(context, reference)
    situation = Situation(service, values or {}, binds or {}, incident_values(incident))
    return await runs.start(
        context,
        service=service.name,
        title=runbook.title,
        document=reference,
        document_hash=document.hash,
        document_path=document.source,
        program=prepare(runbook, situation),
        incident=incident.id if incident else "",
        mode=mode,
        actor=actor,
    )


def incident_values(incident: Incident | None) -> dict[str, str]:
    """The placeholders that an incident fills in."""
    if incident is None:
        return {}
    values = {
        "incident-id": incident.id,
        "incident-title": incident.title,
        "incident-start": instant(incident.detected_at),
        "severity": incident.severity.label,
    }
    return values | ({"incident-end": instant(incident.resolved_at)} if incident.resolved_at else {})


async def _under_way(context: Context, state: Incident) -> bool:
    found = [await runs.load(context, run) for run in state.runs]
    return any(not run.finished for run in found)


async def cannot_respond(context: Context, incident_id: str, reason: str) -> Incident:
    """Say on the timeline that the runbook could not start: a person has to."""
    text = f"the runbook did not start by itself: {reason}"
    return await incidents.change(context, incident_id, lambda _: [Draft("note.added", {"text": text})])
