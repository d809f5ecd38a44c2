"""The alerts' page: what fires, where rules stand, and what is held back, with the forms for that."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import firings, maintenance, silences, standings
from hutch.commands.context import CommandError, Context
from hutch.model.access import Permission
from hutch.runbook.errors import RunbookError
from hutch.runbook.rules import duration
from hutch.web.forms import Fields, do, wanted
from hutch.web.gate import person_of
from hutch.web.present import alerts as show
from hutch.web.present import held
from hutch.web.present.words import line
from hutch.web.sights import caught_up, sees, services_for
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

READ = Permission.READ

MOST = 200
"""Alerts that a page shows."""


@router.get("/alerts")
async def page(request: Request, since: str = "24h", state: str = "", service: str = "", q: str = "") -> Response:
    """Alerts that began within ``since``, by state, service and words."""
    site = site_of(request)
    context, now = site.context, site.context.clock.now()
    length = show.SPANS.get(since)
    if length is None:
        raise CommandError(f"there is no span {since[:20]}; there are: {', '.join(show.SPANS)}", 2)
    asked = show.Wanted(state if state in show.STATES else "", service, tuple(q.casefold().split()[:10]))
    await caught_up(request)
    known = services_for(request)
    fired = [row for row in await firings.listing(context, length) if _for(request, row)]
    found = show.alerts(fired, asked, now)
    return site.draw(
        request,
        "alerts",
        streams="alert:* silence:* maintenance:*",
        alerts=found[:MOST],
        total=len(found),
        rules=show.rules([r for r in await standings.listing(context) if r["service"] in known], asked, now),
        held=held.rows(await silences.listing(context), await maintenance.listing(context), now),
        services=[line(name) for name in known],
        spans=list(show.SPANS),
        states=show.STATES,
        since=since,
        state=asked.state,
        service=line(service),
        q=line(q),
    )


def _for(request: Request, row: Mapping[str, Any]) -> bool:
    """Whether whoever asks may see that alert: those of a private incident are as private as it is."""
    incident = row["incident"]
    return sees(request, f"incident:{incident}") if incident else person_of(request).may(READ, str(row["service"]))


@router.post("/silences")
async def silence(request: Request) -> Response:
    """Hold alerts back for a while, with a reason."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        matchers = wanted(fields, "match", "what to hold back").split("\n")
        length = _length(wanted(fields, "length", "how long"))
        reason = wanted(fields, "reason", "the reason")
        made = await silences.begin(context, [m for m in matchers if m.strip()], length, reason, who)
        return f"{made.id} holds back {' '.join(map(str, made.matchers))} until {made.ends:%H:%M} UTC."

    return await do(request, "/alerts", deed)


@router.post("/silences/{silence_id}/end")
async def unsilence(request: Request, silence_id: str) -> Response:
    """End a silence now."""

    async def deed(context: Context, _fields: Fields, who: str) -> str:
        await silences.expire(context, silence_id, who)
        return f"{silence_id} is over; what it still held back is looked at again."

    return await do(request, "/alerts", deed)


@router.post("/maintenances")
async def plan(request: Request) -> Response:
    """Plan work: what fires on the service meanwhile is held back."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        name, length = wanted(fields, "name", "what is done"), _length(wanted(fields, "length", "how long"))
        starts = _start(fields.get("starts", ""), context.clock.now())
        made = await maintenance.add(context, name, fields.get("service", ""), starts, starts + length, who)
        return f"{made.id} is planned from {starts:%Y-%m-%d %H:%M} to {starts + length:%H:%M} UTC."

    return await do(request, "/alerts", deed)


@router.post("/maintenances/{window_id}/end")
async def call_off(request: Request, window_id: str) -> Response:
    """End it now, or call it off."""

    async def deed(context: Context, _fields: Fields, who: str) -> str:
        await maintenance.end(context, window_id, who)
        return f"{window_id} is over."

    return await do(request, "/alerts", deed)


def _length(text: str) -> timedelta:
    try:
        return duration(text)
    except RunbookError as error:
        raise CommandError(f"cannot read the length {text[:20]!r}; write 30m, 2h or 1d", 2) from error


def _start(text: str, now: datetime) -> datetime:
    """A time in UTC; now where none is given."""
    try:
        at = datetime.fromisoformat(text) if text else now
    except ValueError as error:
        raise CommandError(f"cannot read the time {text[:30]!r}; write 2026-01-15T10:00", 2) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
