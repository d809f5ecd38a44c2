"""Breaches on pages: the register, the room of one with its gates in order, and going on with containment.

A breach is private: whoever is not let in meets a register without it, by count or by number, and no room.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import PlainTextResponse, Response

from hutch.commands import incidents
from hutch.commands.breach import course, going, lettering, telling
from hutch.commands.breach.contain import upcoming
from hutch.commands.context import CommandError, Context
from hutch.commands.times import when
from hutch.model.access import Permission
from hutch.model.breach import RESET, Breach
from hutch.model.erasure import retold
from hutch.model.incident import Incident
from hutch.model.journal import fold
from hutch.web.forms import Fields, Went, do, wanted
from hutch.web.gate import may
from hutch.web.guard import read_form
from hutch.web.notices import Notice
from hutch.web.present import breach as show
from hutch.web.present import incident as show_incident
from hutch.web.present import room
from hutch.web.present import run as show_run
from hutch.web.present.words import line
from hutch.web.sights import caught_up, sees, services_for
from hutch.web.site import following, site_of

router = APIRouter(include_in_schema=False)

DAYS, DAYS_MOST = 30, 3650
"""Days of evidence that are copied, unless a person says another number; and at most."""

NOT_LOOKED = dict.fromkeys(("reach", "seen", "notice_form", "letters_shown", "report"))
"""What a page shows of which a person asked for a look: nothing of it."""

RUNS_MOST = 12
"""Runs of a breach that are looked through for one that waits: the newest."""


async def _seen(request: Request) -> list[tuple[Incident, Breach]]:
    found = await course.listing(site_of(request).context)
    await caught_up(request)
    return [one for one in found if sees(request, one[0].stream)]


@router.get("/breach")
async def register(request: Request) -> Response:
    """Every breach that lets them in, the newest first."""
    site = site_of(request)
    now = site.context.clock.now()
    return site.draw(
        request,
        "breaches",
        streams="incident:*",
        rows=[show.row(state, found, now) for state, found in reversed(await _seen(request))],
        services=services_for(request),
    )


@router.post("/breach")
async def begin(request: Request) -> Response:
    """Open one: a private SEV-1 incident under a code name, or what an alert opened made into one."""

    async def deed(context: Context, fields: Fields, who: str) -> Went:
        name, aware, of = fields.get("name", ""), fields.get("aware", ""), fields.get("incident", "").strip()
        state = await _named(request, context, of) if of else None
        service = state.service if state else context.service(fields.get("service", "")).name
        may(request, Permission.RESPOND, service)
        only = [name.strip() for name in fields.get("only", "").split(",")]
        moment = when(aware, context.clock.now(), "since when somebody knows") if aware else None
        if state:
            state = await course.take_over(context, state.id, name, moment, only, who)
        else:
            state = await course.begin(context, service, name, moment, only, who)
        return Went(f"{state.id} is open. Nobody but those named sees it.", f"/breach/{state.id}")

    return await do(request, "/breach", deed)


async def _named(request: Request, context: Context, incident_id: str) -> Incident:
    """The incident that a form names, as if there were none where it does not let them in."""
    state = await incidents.load(context, incident_id)
    await caught_up(request)
    if not sees(request, state.stream):
        raise CommandError(f"no incident {incident_id}; `hutch incident list` shows them", 2)
    return state


@router.get("/breach/register.csv")
async def as_csv(request: Request) -> Response:
    """The register for a spreadsheet."""
    return _file(telling.as_csv(await _rows(request)), "text/csv", "breaches.csv")


@router.get("/breach/register.json")
async def as_json(request: Request) -> Response:
    """The same for a program."""
    return _file(json.dumps(await _rows(request), indent=2), "application/json", "breaches.json")


@router.get("/breach/register.md")
async def as_markdown(request: Request) -> Response:
    """The same for people."""
    return _file(telling.as_markdown(await _rows(request)), "text/markdown", "breaches.md")


async def _rows(request: Request) -> list[dict[str, Any]]:
    return [telling.register_row(state, found) for state, found in await _seen(request)]


def _file(text: str, kind: str, name: str) -> Response:
    return PlainTextResponse(text, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


# ------------------------------------------------------------------ the room


@router.get("/breach/{incident_id}", dependencies=[Depends(following)])
async def page(request: Request, incident_id: str) -> Response:
    """The gates in order, each with its clock, its proof or what is next."""
    return await drawn(request, incident_id)


async def drawn(
    request: Request, incident_id: str, fields: Fields | None = None, notice: Notice | None = None, **looked: Any
) -> Response:
    """The room. ``fields`` are what somebody typed and ``looked`` what came of looking at it; such a page stays as it
    is, since it stands at no address."""
    site = site_of(request)
    context, now = site.context, site.context.clock.now()
    state, found = await course.load(context, incident_id)
    views = await _runs(request, state, found, RESET)
    gate = found.next_gate()
    kept = await telling.kept_assessment(context, state) if "assess" in found.passed else None
    streams = "" if fields is not None else " ".join((state.stream, *(f"run:{r}" for r in state.runs)))
    return site.draw(
        request,
        "breach",
        streams=streams,
        back="?page=breach",
        notice=notice,
        row=show_incident.row(state, now),
        called=line(found.code_name),
        breach=show.row(state, found, now),
        stages=show.stages(state, found, now),
        gate=gate.id if gate else "",
        contains=upcoming(found) is not None,
        runs=[view for view in views if not view.finished],
        run=next((view for view in views if gate and view.id == found.runs.get(gate.id)), None),
        reset=show.reset(found, next((v for v in views if v.id == found.runs.get(RESET)), None), now),
        reach=show.reach(kept) if kept else None,
        by_hand_assessed="assess" in found.passed and "people" not in found.figures,
        notices=show.notices(found, now),
        phase=found.phase,
        letters=await _letters(context, state, found),
        files=room.files(state, now),
        usual=lettering.usual(context) if gate and gate.id == "people" else {},
        days=DAYS,
        f=fields or {},
        looked={**NOT_LOOKED, **looked},
    )


async def _runs(request: Request, state: Incident, found: Breach, also: str) -> list[show_run.RunView]:
    """Those of the newest runs that are under way, and the ones of the next gate and of ``also``."""
    site = site_of(request)
    now, gate = site.context.clock.now(), found.next_gate()
    own = [found.runs[name] for name in (gate.id if gate else "", also) if name in found.runs]
    views = []
    for name in dict.fromkeys([*state.runs[-RUNS_MOST:], *own]):
        journal = list(retold(await site.context.store.read(f"run:{name}")))
        if (run := fold(journal)) and (not run.finished or name in own):
            views.append(show_run.view(run, journal, now, site.frozen()))
    return views


async def _letters(context: Context, state: Incident, found: Breach) -> dict[str, Any] | None:
    """How the letters stand, or why that can't be said; None where there are none yet."""
    if "people" not in found.runs:
        return None
    try:
        return await telling.letters(context, state.id)
    except CommandError as error:
        return {"error": line(error)}


async def looked_at(request: Request) -> Fields:
    """The fields of a form that only looks. Raises ``Refused`` for one that we did not draw."""
    fields = await read_form(request)
    site_of(request).check(request, fields.get("token", ""))
    return fields


# ------------------------------------------------------------------ going on


async def place_of(request: Request, incident_id: str) -> str:
    """The room's address. Raises :class:`CommandError` where it is no breach."""
    return f"/breach/{(await course.load(site_of(request).context, incident_id))[0].id}"


@router.post("/breach/{incident_id}/containment")
async def contain(request: Request, incident_id: str) -> Response:
    """Go on with containment to where a person is needed: what changes something is offered and waits."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        days = fields.get("days", "") or str(DAYS)
        if not (days.isascii() and days.isdecimal() and 1 <= int(days) <= DAYS_MOST):
            raise CommandError(f"days of evidence are a number from 1 to {DAYS_MOST}", 2)
        stop = await going.go_on(
            context, incident_id, int(days), fields.get("how", ""), who,
            lambda gate: going.ask(context, incident_id, gate, who), lambda _: None,
        )  # fmt: skip
        if stop.gate is None:
            return "Contained: every gate of it was passed."
        if stop.run is None:
            return "Close the hole, then say how it was closed."
        return f"{stop.gate.title}: offered as {stop.run.id}. It waits for approval."

    return await do(request, await place_of(request, incident_id), deed)


@router.post("/breach/{incident_id}/gates/{gate}")
async def tick(request: Request, incident_id: str, gate: str) -> Response:
    """Pass the next gate by saying how it was done by hand."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        await course.tick(context, incident_id, gate, wanted(fields, "how", "how it was done"), who)
        return "Passed: what you said stands with it."

    return await do(request, await place_of(request, incident_id), deed)
