"""The pages, and the stream that keeps them live. Reading only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from typing import TextIO

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from hutch.commands import drafts, incidents, maintenance, oncall, outputs, reviews, silences, standings
from hutch.commands.context import CommandError, Context
from hutch.model.breach import CLOCKS
from hutch.model.erasure import retold
from hutch.model.event import Event
from hutch.model.journal import fold
from hutch.model.message import Audience
from hutch.model.run import Run
from hutch.model.severity import Severity
from hutch.web import assets
from hutch.web.lists import STATES, Asked
from hutch.web.live import Full
from hutch.web.present import dashboard, held, room
from hutch.web.present import incident as show_incident
from hutch.web.present import run as show_run
from hutch.web.present.runbook import address
from hutch.web.present.words import block, line
from hutch.web.sights import front_for, likes_for, listed_for, listening, runs_for, services_for
from hutch.web.site import Site, site_of
from hutch.web.window import Window, ending

PIECE, LINES = 8192, 100
"""Characters of a line, and lines, that are sent at a time."""

BEFORE = 3
"""Past incidents that an incident's page names."""

RUNS_MOST = 50
"""Runs without an incident that the list shows: the newest."""

router, live = APIRouter(include_in_schema=False), APIRouter(include_in_schema=False)
"""``live``: the pages that follow the log."""


@live.get("/")
async def index(request: Request) -> Response:
    """What is on fire, what is due next, which services are well; resolved ones, and runs that belong to none."""
    site = site_of(request)
    context, now = site.context, site.context.clock.now()
    alone = [r for r in await runs_for(request) if not r.incident]
    found = await front_for(request)
    due, owed = dashboard.due(found.promising, now)
    watched = {name: await standings.watched(context, name) for name in services_for(request)}
    return site.draw(
        request,
        "index",
        streams="*",
        incidents=show_incident.rows((*found.open_ones, *found.ended_ones), now),
        found=found,
        due=due,
        owed=owed,
        runs=[show_incident.run_row(r, now) for r in reversed(alone[-RUNS_MOST:])],
        services=dashboard.services(watched, found.open_ones),
        on_call=dashboard.on_call(await oncall.show(context), now),
        held=held.rows(await silences.listing(context), await maintenance.listing(context), now),
    )


@live.get("/incidents")
async def every_incident(
    request: Request, state: str = "", service: str = "", severity: str = "", after: str = ""
) -> Response:
    """A list of incidents, narrowed, a page at a time."""
    site, asked = site_of(request), Asked(state or "open", service, severity, after)
    found, now = await listed_for(request, asked), site.context.clock.now()
    return site.draw(
        request,
        "incidents",
        streams="incident:*",
        found=found,
        incidents=[show_incident.row(one, now) for one in found.incidents],
        asked=asked,
        states=STATES,
        services=services_for(request),
        severities=[s.label for s in Severity],
    )


@router.get("/report")
async def report(request: Request) -> Response:
    """Where people say what they notice."""
    site = site_of(request)
    return site.draw(request, "report", streams="", services=services_for(request))


@live.get("/incidents/{incident_id}")
async def incident(request: Request, incident_id: str, show: str = "", q: str = "", upto: int = 0) -> Response:
    """One incident. Its timeline: the newest events, or those up to the event ``upto``; narrowed to one sort (``show``)
    or to words (``q``) it is looked through from the first."""
    site = site_of(request)
    known = await incidents.known(site.context, incident_id)
    state = known.state
    window = Window(1, state.seq) if show or q else ending(upto, state.seq)
    own = await site.context.store.read(state.stream, max(window.older - 1, 0))
    read = await asyncio.gather(*(site.context.store.read(f"run:{r}") for r in state.runs))
    journals = [list(retold(events)) for events in read]
    now = site.context.clock.now()
    latest = fold(journals[-1]) if journals else None
    pins = state.record.pins
    drafted = {a.value: d for a in Audience if (d := drafts.kept(known.kept, a))}
    return site.draw(
        request,
        "incident",
        streams=" ".join((state.stream, *(f"run:{r}" for r in state.runs))),
        incident=show_incident.view(state, now),
        run=_run(site, latest, journals[-1] if journals else [], now),
        timeline=show_incident.told(
            window.of(own), journals, now, room.keep(show, q, pins) if show or q else window.tells(own)
        ),
        window=window,
        most=show_incident.TOLD_MOST,
        show=show if show in room.SHOWS or show == "pinned" else "",
        shows=[(word, title) for word, (title, _) in room.SHOWS.items()],
        q=line(q),
        pins=room.pins(pins, known.kept, journals, now),
        corrections=room.corrections(state),
        impact=room.impact(state),
        breach=any(clock.name == CLOCKS["notify"][0] for clock in state.clocks),
        files=room.files(state, now),
        seen=state.seq,
        services=[line(name) for name in site.context.services],
        people=room.people(state, now),
        audiences=room.audiences(known.kept, drafted, now),
        severities=[s.label for s in Severity],
        before=show_incident.before(await likes_for(request, incident_id, BEFORE)),
    )


@live.get("/runs")
async def every_run(request: Request, q: str = "") -> Response:
    """Runs, the newest first, with or without an incident; ``q`` keeps those that have all its words."""
    site = site_of(request)
    now = site.context.clock.now()
    words = q.lower().split()[:10]
    rows = [show_incident.run_row(r, now) for r in reversed(await runs_for(request))]
    kept = [r for r in rows if all(w in r.words for w in words)]
    return site.draw(request, "runs", streams="run:*", q=line(q), runs=kept[:RUNS_MOST], total=len(kept))


@live.get("/runs/{run_id}")
async def run(request: Request, run_id: str) -> Response:
    """One run, with or without an incident."""
    site = site_of(request)
    journal = list(retold(await site.context.store.read(f"run:{run_id}")))
    found = fold(journal)
    if found is None:
        raise CommandError(f"There is no run {run_id}.", 2)
    now = site.context.clock.now()
    return site.draw(
        request,
        "run",
        streams=found.stream,
        document_href=await _document(site, found),
        run=_run(site, found, journal, now),
        timeline=show_incident.told([], [journal], now),
    )


async def _document(site: Site, found: Run) -> str:
    """The page of what it runs; empty where that is no known document."""
    name, _, anchor = found.document.partition("#")
    return address(name, anchor) if name in await site.shelf.names() else ""


@router.get("/runs/{run_id}/output")
async def output(request: Request, run_id: str, item: str) -> Response:
    """All that is kept of what a statement said, as plain text with nothing hidden in it."""
    found = await outputs.said(site_of(request).context, run_id, item)
    if found.path is None:
        return PlainTextResponse(block(found.end))
    try:
        file = await asyncio.to_thread(found.path.open, encoding="utf-8", errors="replace")
    except OSError as error:
        raise CommandError(f"what it said cannot be read any more: {error.strerror}", 2) from error

    async def pieces() -> AsyncIterator[str]:
        with file:
            while piece := await asyncio.to_thread(_lines, file):
                yield piece

    return StreamingResponse(pieces(), media_type="text/plain")


def _lines(file: TextIO) -> str:
    """Some whole lines, shown as they are; of a line that has no end as much."""
    return block("".join(file.readline(PIECE) for _ in range(LINES)))


def _run(site: Site, found: Run | None, journal: list[Event], now: datetime) -> show_run.RunView | None:
    return show_run.view(found, journal, now, site.frozen()) if found else None


@router.get("/incidents/{incident_id}/{document}.txt")
async def draft(request: Request, incident_id: str, document: str) -> Response:
    """The update or the review as it would be drafted now; nothing is written or sent."""
    context: Context = site_of(request).context
    writers = {"update": reviews.draft_update, "review": reviews.draft_review}
    if document not in writers:
        raise CommandError(f"There is no document {document}; there are: update, review.", 2)
    await incidents.load(context, incident_id)
    return PlainTextResponse(block(await writers[document](context, incident_id)))


@router.get("/static/{version}/{name}")
async def static(request: Request, version: str, name: str) -> Response:
    """Style, modules, icons."""
    return assets.serve(version, name, request.headers.get("accept-encoding", ""))


# ------------------------------------------------------------------ the stream


@router.get("/events")
async def events(request: Request, after: int | None = None) -> Response:
    """Server-sent events: where something happened. ``Last-Event-ID`` (or ``after``) replays what was missed."""
    hub = site_of(request).hub
    given = request.headers.get("last-event-id", "")
    since = int(given) if given.isascii() and given.isdigit() and len(given) < 19 else after
    stack = AsyncExitStack()
    try:
        client = await stack.enter_async_context(hub.joined(*await listening(request)))
    except Full:
        return PlainTextResponse("too many pages listen\n", 503, headers={"Retry-After": "5"})

    async def frames() -> AsyncIterator[str]:
        async with stack:
            async for text in hub.frames(client, since):
                yield text

    return StreamingResponse(frames(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})
