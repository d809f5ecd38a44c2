"""The JSON API under ``/api/v1``. Loopback only; a change takes a JSON body, which no foreign page can send."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from hutch.commands import byhand, incidents, reviews, runs, transitions
from hutch.commands.context import CommandError, Context
from hutch.commands.diagnose import diagnose_json
from hutch.commands.respond import run_document
from hutch.commands.views import incident_json, run_json, run_summary
from hutch.model.access import Permission
from hutch.model.event import instant
from hutch.model.severity import Severity
from hutch.web.acting import Actor, may_approve
from hutch.web.gate import may, person_of
from hutch.web.lists import MOST, Asked, narrowed
from hutch.web.sights import caught_up, incidents_for, sees, services_for, shown_to
from hutch.web.site import site_of

router = APIRouter(prefix="/api/v1")
Flag = Annotated[bool, Body(embed=True)]
Text = Annotated[str, Body(embed=True, max_length=20_000)]
Seen = Annotated[int, Body(embed=True, ge=0)]
"""The ``seq`` that the caller looked at: if the course changed since, nothing is done, and the answer says what."""


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


@router.get("/services")
async def services(request: Request) -> list[dict[str, Any]]:
    """The configured services and their targets."""
    found = [_context(request).services[name] for name in services_for(request)]
    return [{"name": s.name, "targets": [c.target for c in s.connections.values()]} for s in found]


@router.get("/services/{name}/diagnosis")
async def diagnosis(request: Request, name: str) -> dict[str, Any]:
    """Look at a service now, read-only."""
    context = _context(request)
    return await diagnose_json(context, context.service(name))


@router.get("/incidents")
async def list_incidents(
    request: Request, state: str = "", service: str = "", severity: str = "", after: str = "", limit: int = MOST
) -> list[dict[str, Any]]:
    """Every incident, oldest first. Narrowed (by ``state`` open or resolved, ``service``, ``severity``): at most
    ``limit``, open ones first, the promise that is due next first; ``next`` of the last is the ``after`` of the next
    page."""
    asked, context = Asked(state, service, severity, after), _context(request)
    if not asked.narrow:
        return [incident_json(i) for i in await incidents_for(request)]
    return await narrowed(context, asked, min(max(limit, 1), MOST), await shown_to(request))


@router.post("/incidents", status_code=201)
async def declare(
    request: Request,
    title: Text,
    severity: Text,
    actor: Actor,
    service: Text = "",
    runbook: Text = "",
    private: Flag = False,
) -> dict[str, Any]:
    """Open an incident by hand."""
    context = _context(request)
    found = context.service(service)
    may(request, Permission.RESPOND, found.name)
    state = await incidents.declare(
        context,
        title=title,
        service=found.name,
        severity=_severity(severity),
        runbook=runbook or found.config.runbook,
        source="api",
        actor=actor,
        private=private,
    )
    return incident_json(state)


@router.get("/incidents/{incident_id}")
async def show_incident(request: Request, incident_id: str) -> dict[str, Any]:
    """One incident."""
    return incident_json(await incidents.load(_context(request), incident_id))


@router.get("/incidents/{incident_id}/timeline")
async def timeline(request: Request, incident_id: str) -> list[dict[str, Any]]:
    """Everything that happened, in order."""
    entries = await reviews.timeline_of(_context(request), incident_id)
    return [
        {"at": instant(e.at), "actor": e.actor, "kind": e.kind, "text": e.text, "ref": f"{e.stream}#{e.seq}"}
        for e in entries
    ]


@router.post("/incidents/{incident_id}/acknowledgement")
async def acknowledge(request: Request, incident_id: str, actor: Actor) -> dict[str, Any]:
    """Somebody has it."""
    return incident_json(await incidents.acknowledge(_context(request), incident_id, actor))


@router.post("/incidents/{incident_id}/notes")
async def note(request: Request, incident_id: str, text: Text, actor: Actor) -> dict[str, Any]:
    """A note on the timeline."""
    return incident_json(await incidents.note(_context(request), incident_id, text, actor))


@router.post("/incidents/{incident_id}/severity")
async def severity(
    request: Request, incident_id: str, severity: Text, reason: Text, actor: Actor, seen: Seen = 0
) -> dict[str, Any]:
    """Change the severity, with the reason."""
    level = _severity(severity)
    return incident_json(await transitions.set_severity(_context(request), incident_id, level, reason, actor, seen))


@router.post("/incidents/{incident_id}/updates")
async def update(request: Request, incident_id: str, text: Text, actor: Actor) -> dict[str, Any]:
    """Record an update that was given."""
    return incident_json(await incidents.post_update(_context(request), incident_id, text, actor))


@router.post("/incidents/{incident_id}/resolution")
async def resolve(request: Request, incident_id: str, text: Text, actor: Actor, seen: Seen = 0) -> dict[str, Any]:
    """Resolve by hand."""
    return incident_json(await transitions.resolve(_context(request), incident_id, text, actor, seen))


@router.post("/incidents/{incident_id}/reopening")
async def reopen(request: Request, incident_id: str, reason: Text, actor: Actor, seen: Seen = 0) -> dict[str, Any]:
    """It is back."""
    return incident_json(await transitions.reopen(_context(request), incident_id, reason, actor, seen))


@router.get("/runs")
async def list_runs(request: Request) -> list[dict[str, Any]]:
    """Every run, oldest first."""
    await caught_up(request)
    return [run_summary(r) for r in await runs.listing(_context(request)) if sees(request, f"run:{r.id}")]


@router.post("/runs", status_code=201)
async def start_run(
    request: Request,
    document: Text,
    actor: Actor,
    service: Text = "",
    values: dict[str, str] | None = None,
    binds: dict[str, str] | None = None,
    step: Text = "",
    dry_run: Annotated[bool, Body(embed=True)] = False,
) -> dict[str, Any]:
    """Start a runbook of a configured document, or one ``step`` of it; the worker drives it. No path is opened."""
    if document.partition("#")[0] not in await site_of(request).shelf.names():
        raise CommandError(f"no configured runbook document is called {document.partition('#')[0][:80]!r}", 2)
    service = _context(request).service(service).name
    may(request, Permission.RESPOND, service)
    mode = "dry-run" if dry_run else ""
    found = await run_document(
        _context(request), document, service, values=values, binds=binds, mode=mode, step=step, actor=actor
    )
    return run_json(found)


@router.get("/runs/{run_id}")
async def show_run(request: Request, run_id: str) -> dict[str, Any]:
    """What a run saw, offers and did."""
    return run_json(await runs.load(_context(request), run_id))


@router.post("/runs/{run_id}/approval")
async def approve(request: Request, run_id: str, option: Text, digest: Text, actor: Actor) -> dict[str, Any]:
    """Approve an option exactly as it was shown: its digest is needed."""
    await may_approve(request, await runs.load(_context(request), run_id), option)
    proved = person_of(request).proved
    return run_json(await runs.approve(_context(request), run_id, option, actor, digest=digest, proved=proved))


@router.post("/runs/{run_id}/denial")
async def deny(request: Request, run_id: str, option: Text, reason: Text, actor: Actor) -> dict[str, Any]:
    """Decline an option."""
    return run_json(await runs.deny(_context(request), run_id, option, reason, actor))


@router.post("/runs/{run_id}/decision")
async def decide(
    request: Request, run_id: str, choice: Text, actor: Actor, option: Text = "", note: Text = ""
) -> dict[str, Any]:
    """Say whether a change worked: ``worked`` or ``failed``."""
    if choice not in ("worked", "failed"):
        raise CommandError(f"choice is {choice!r}; one of: worked, failed", 3)
    return run_json(await runs.settle(_context(request), run_id, option, choice, note, actor))


@router.post("/runs/{run_id}/ticks")
async def tick(
    request: Request,
    run_id: str,
    actor: Actor,
    item: Text = "",
    note: Text = "",
    done: Annotated[bool, Body(embed=True)] = True,
) -> dict[str, Any]:
    """Say that a step was done by hand, or could not be (``done`` false)."""
    return run_json(await byhand.tick(_context(request), run_id, item, note, actor, done=done))


@router.post("/runs/{run_id}/undo", status_code=201)
async def undo(request: Request, run_id: str, actor: Actor, option: Text = "") -> dict[str, Any]:
    """Offer the way back from what an option did: the new run, which waits for approval."""
    return run_json(await byhand.undo(_context(request), run_id, option, actor))


@router.post("/runs/{run_id}/cancellation")
async def cancel(request: Request, run_id: str, reason: Text, actor: Actor) -> dict[str, Any]:
    """Start nothing further."""
    return run_json(await runs.cancel(_context(request), run_id, reason, actor))


def _severity(text: str) -> Severity:
    try:
        return Severity.of(text)
    except ValueError as error:
        raise CommandError(str(error), 3) from error
