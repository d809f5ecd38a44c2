"""Who is on call, and overrides of it, by form."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import oncall
from hutch.commands.context import CommandError, Context
from hutch.web.forms import Fields, do, wanted
from hutch.web.present import oncall as show
from hutch.web.present.words import line
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

FURTHEST = timedelta(days=366)
"""How far from today a week may be looked at."""


@router.get("/oncall")
async def page(request: Request, week: str = "") -> Response:
    """Each schedule: who is on call now, who is next; a week from ``week`` (2026-01-31), or from today."""
    site = site_of(request)
    context, now = site.context, site.context.clock.now()
    start = _start(week, now)
    known = context.config.people.schedules
    made = {name: await oncall.made(context, name) for name in known}
    rows = [show.week_of(known[name], start, changes) for name, changes in made.items()]
    return site.draw(
        request,
        "oncall",
        streams="oncall:*",
        schedules=[show.view(r, start, made[r.schedule.name], now) for r in rows],
        drawing=show.drawing(rows, start, now),
        people=[line(p) for p in context.config.people.people],
        start=f"{start.day} {start:%B %Y}",
        earlier=show.beside(start, -1),
        later=show.beside(start, 1),
        week=f"{start:%Y-%m-%d}" if week else "",
    )


def _start(week: str, now: datetime) -> datetime:
    try:
        day = date.fromisoformat(week) if week else show.midnight(now).date()
    except ValueError as error:
        raise CommandError(f"week: cannot read {week[:20]!r}; write a day as 2026-01-31", 2) from error
    start = datetime.combine(day, time(), UTC)
    if abs(start - now) > FURTHEST:
        raise CommandError("that week is more than a year away", 2)
    return start


@router.post("/oncall/{schedule}/overrides")
async def override(request: Request, schedule: str) -> Response:
    """Put somebody on call for a time, whatever the rotation says."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        zone = ZoneInfo(oncall.schedule(context, schedule).zone)
        name, reason = wanted(fields, "who", "who is on call"), wanted(fields, "reason", "the reason")
        until = _time(wanted(fields, "until", "when it ends"), zone)
        since = _time(fields["since"], zone) if fields.get("since") else context.clock.now()
        turn = await oncall.override(context, schedule, name, since, until, reason, who)
        return f"{turn.who} is on call for {schedule} until {turn.until:%Y-%m-%d %H:%M} UTC."

    return await do(request, "/oncall", deed)


@router.post("/oncall/{schedule}/overrides/{override_id}/removal")
async def remove(request: Request, schedule: str, override_id: str) -> Response:
    """Take an override back."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        await oncall.take_back(context, schedule, override_id, fields.get("reason", ""), who)
        return f"The override of {schedule} was taken back."

    return await do(request, "/oncall", deed)


def _time(text: str, zone: ZoneInfo) -> datetime:
    """A time on the schedule's clocks."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"cannot read the time {text[:30]!r}; write for example 2026-01-15T10:00", 2) from error
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
