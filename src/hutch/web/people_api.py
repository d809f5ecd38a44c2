"""The JSON API of people and words: who is on call, roles, updates looked at and sent, what became of messages."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request

from hutch.commands import incidents, messages, oncall, updates
from hutch.commands.context import CommandError, Context
from hutch.commands.updates import Preview
from hutch.commands.views import incident_json, roles_json
from hutch.model.event import parse_instant
from hutch.model.message import Audience
from hutch.model.roles import Role
from hutch.web.acting import Actor

router = APIRouter(prefix="/api/v1")
Text = Annotated[str, Body(embed=True, max_length=20_000)]
Who = Annotated[str, Body(embed=True, max_length=200)]


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


@router.get("/oncall")
async def on_call(request: Request) -> list[dict[str, Any]]:
    """Each schedule: who is on call, and who is next."""
    return await oncall.show(_context(request))


@router.post("/oncall/{schedule}/overrides", status_code=201)
async def override(
    request: Request, schedule: str, who: Who, since: Text, until: Text, reason: Text, actor: Actor
) -> list[dict[str, Any]]:
    """Put somebody on call for a time, with the reason; times with their offset."""
    context = _context(request)
    try:
        begins, ends = parse_instant(since), parse_instant(until)
    except ValueError as error:
        raise CommandError(str(error), 3) from error
    await oncall.override(context, schedule, who, begins, ends, reason, actor)
    return await oncall.show(context, schedule)


@router.get("/incidents/{incident_id}/roles")
async def roles(request: Request, incident_id: str) -> dict[str, Any]:
    """Who does what."""
    return dict(roles_json(await incidents.load(_context(request), incident_id)))


@router.post("/incidents/{incident_id}/roles")
async def assign(
    request: Request, incident_id: str, role: Text, who: Who, actor: Actor, reason: Text = ""
) -> dict[str, Any]:
    """Give somebody a role; taking it from another needs a reason."""
    if role not in list(Role):
        raise CommandError(f"role is {role[:40]!r}; one of: {', '.join(Role)}", 3)
    return incident_json(await incidents.assign(_context(request), incident_id, who, actor, Role(role), reason))


@router.get("/incidents/{incident_id}/messages")
async def sent(request: Request, incident_id: str) -> list[dict[str, Any]]:
    """Every message of an incident and what became of it, without its text."""
    context = _context(request)
    state = await incidents.load(context, incident_id)
    return [messages.as_dict(s) for s in await messages.sent_of(context, state.stream)]


@router.post("/incidents/{incident_id}/updates/preview")
async def preview(
    request: Request,
    incident_id: str,
    audience: Text,
    template: Text = "",
    text: Text = "",
    facts: dict[str, str] | None = None,
) -> dict[str, Any]:
    """What an update would say, to whom it would go, and what stands against it. Nothing is sent."""
    return (await _seen(request, incident_id, audience, template, text, facts)).as_dict()


@router.post("/incidents/{incident_id}/updates/sending")
async def sending(
    request: Request,
    incident_id: str,
    audience: Text,
    digest: Text,
    actor: Actor,
    template: Text = "",
    text: Text = "",
    facts: dict[str, str] | None = None,
    override: Text = "",
) -> dict[str, Any]:
    """Send exactly what was previewed under this digest."""
    seen = await _seen(request, incident_id, audience, template, text, facts)
    if not digest:
        raise CommandError("digest is missing: preview it first", 3)
    await updates.send(_context(request), seen, actor, override=override, digest=digest)
    return {**seen.as_dict(), "sent": True}


async def _seen(
    request: Request, incident_id: str, audience: str, template: str, text: str, given: dict[str, str] | None
) -> Preview:
    if audience not in list(Audience):
        raise CommandError(f"audience is {audience[:40]!r}; one of: {', '.join(Audience)}", 3)
    return await updates.preview(
        _context(request), incident_id, Audience(audience), template=template, text=text, given=given
    )
