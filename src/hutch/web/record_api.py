"""The JSON API of what is kept with an incident: the severity that is measured, who is affected, corrections."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from hutch.commands import assess, record
from hutch.commands.context import Context
from hutch.commands.views import incident_json
from hutch.web.acting import Actor

router = APIRouter(prefix="/api/v1")


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


@router.post("/incidents/{incident_id}/assessment")
async def assessment(request: Request, incident_id: str, actor: Actor) -> dict[str, Any]:
    """Propose a severity from what is measured now: see ``proposed_severity``."""
    return incident_json((await assess.assess(_context(request), incident_id, actor))[0])


@router.post("/incidents/{incident_id}/affected")
async def affected(
    request: Request,
    incident_id: str,
    actor: Actor,
    services: Annotated[list[str] | None, Body(embed=True, max_length=100)] = None,
    users: Annotated[str, Body(embed=True, max_length=2000)] = "",
    share: Annotated[float | None, Body(embed=True)] = None,
) -> dict[str, Any]:
    """Say which services and users are hit; ``share`` is their part in %."""
    return incident_json(await record.affected(_context(request), incident_id, services or [], users, share, actor))


@router.post("/incidents/{incident_id}/corrections")
async def correct(
    request: Request,
    incident_id: str,
    actor: Actor,
    event: Annotated[int, Body(embed=True, ge=1)],
    text: Annotated[str, Body(embed=True, max_length=2000)],
) -> dict[str, Any]:
    """Say what is true instead of an event; the event stays."""
    return incident_json(await record.correct(_context(request), incident_id, event, text, actor))
