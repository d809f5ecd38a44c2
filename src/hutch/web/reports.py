"""The report's page, and the same as CSV and JSON; the period stands in the address."""

from __future__ import annotations

import json
from functools import partial
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from hutch.commands.context import Context
from hutch.commands.report import made
from hutch.commands.times import when
from hutch.review.report import Report
from hutch.review.reportdata import as_data, csv_lines
from hutch.web.present import report as show
from hutch.web.present.words import line
from hutch.web.sights import caught_up, sees
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

SPANS = ("7d", "30d", "90d", "365d")


@router.get("/reports")
async def page(request: Request, since: str = "30d", until: str = "", exercises: str = "") -> Response:
    """How the team did from ``since`` (30d, 2026-01-31) to ``until``; exercises count apart."""
    site, practice = site_of(request), exercises == "yes"
    found = await _report(request, since, until, practice)
    others = await _report(request, since, until, not practice)
    asked = {"since": since, **({"until": until} if until else {})}
    mine = {**asked, **({"exercises": "yes"} if practice else {})}
    return site.draw(
        request,
        "reports",
        streams="",
        report=show.view(found),
        other=len(others.incidents),
        practice=practice,
        spans=SPANS,
        since=line(since),
        until=line(until),
        period=f"{found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC",
        query=urlencode(mine),
        turned=urlencode({**asked, **({} if practice else {"exercises": "yes"})}),
    )


@router.get("/reports/report.json")
async def as_json(request: Request, since: str = "30d", until: str = "", exercises: str = "") -> Response:
    """The report as ``hutch report --json`` gives it."""
    found = await _report(request, since, until, exercises == "yes")
    return Response(json.dumps(as_data(found), indent=2), media_type="application/json")


@router.get("/reports/report.csv")
async def as_csv(request: Request, since: str = "30d", until: str = "", exercises: str = "") -> Response:
    """One incident a line."""
    found = await _report(request, since, until, exercises == "yes")
    named = {"Content-Disposition": 'attachment; filename="incidents.csv"'}
    return PlainTextResponse("".join(csv_lines(found)), media_type="text/csv", headers=named)


async def _report(request: Request, since: str, until: str, exercises: bool) -> Report:
    context: Context = site_of(request).context
    now = context.clock.now()
    await caught_up(request)
    end = when(until, now, "until") if until else now
    return await made(context, when(since, now, "since"), end, exercises=exercises, covers=partial(sees, request))
