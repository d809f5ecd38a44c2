"""The pages of services' signals. Reading only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from hutch.commands import probes, standings
from hutch.commands.context import CommandError, Context, Service
from hutch.commands.overseer import OWN, SIGNAL
from hutch.commands.watched import Watched, watched_json
from hutch.detection.catalogue import catalogue
from hutch.model.bins import Track
from hutch.model.config import ServiceConfig
from hutch.model.event import parse_instant
from hutch.model.finding import Change
from hutch.web.present import probes as show_probes
from hutch.web.present.chart import Mark
from hutch.web.present.signals import SPANS, cards
from hutch.web.sights import services_for
from hutch.web.site import site_of

CHANGES_TIMEOUT = 2.0
"""Seconds that a page waits for the deployments of a service."""

router = APIRouter()


@router.get("/services", include_in_schema=False)
async def services(request: Request) -> Response:
    """The services; with one alone, its signals."""
    site = site_of(request)
    names = services_for(request)
    if len(names) == 1:
        return RedirectResponse(f"/services/{names[0]}/signals", 303)
    found = [(name, (await standings.watched(site.context, name))[0]) for name in names]
    firing = {name: sorted(_firing(watched)) for name, watched in found}
    return site.draw(request, "services", streams="", services=firing)


@router.get("/services/{name}/signals", include_in_schema=False)
async def signals(request: Request, name: str, span: str = "1h", around: str = "") -> Response:
    """Every signal of a service with its chart, its value and its rules; ``around`` is a time to look at."""
    site = site_of(request)
    context = site.context
    own = name == OWN and OWN in context.board.watched and OWN not in context.services
    service = Service(ServiceConfig(OWN), {}) if own else context.service(name)
    length = SPANS.get(span)
    if length is None:
        raise CommandError(f"there is no span {span}; there are: {', '.join(SPANS)}", 2)
    end = _end(context, around, length)
    found, known = await standings.watched(context, service.name)
    tracks, marks = await asyncio.gather(
        _tracks(context, service.name, end - length, end), _marks(context, service, end - length, end)
    )
    return site.draw(
        request,
        "signals",
        streams="",
        service=service.name,
        cards=cards(found, tracks, marks, end - length, end),
        troubles=found.troubles,
        watched=known,
        by=found.by,
        probes=await _probes(context, service.name),
        span=span,
        spans=list(SPANS),
        around=around,
    )


@router.get("/api/v1/services/{name}/signals")
async def signals_json(request: Request, name: str) -> dict[str, Any]:
    """The signals of a service as they are now, where each rule stands, and sources that give nothing."""
    context: Context = request.app.state.context
    found, _ = await standings.watched(context, context.service(name).name)
    return watched_json(found)


async def _probes(context: Context, service: str) -> list[show_probes.Row]:
    """A row for each probe of the service at each place, by what was seen last."""
    found = [p for p in await probes.standing(context) if p.probe.service == service]
    return show_probes.rows(found, context.clock.now())


def _end(context: Context, around: str, length: timedelta) -> datetime:
    """Now, or so that ``around`` is in the middle. Raises :class:`CommandError` for what is no time."""
    now = context.clock.now()
    try:
        return min(now, parse_instant(around) + length / 2) if around else now
    except (ValueError, OverflowError) as error:
        raise CommandError(f"around: {error}", 2) from error


async def _tracks(context: Context, service: str, start: datetime, end: datetime) -> dict[str, Track]:
    samples = context.samples
    if samples is None:
        return {}
    names = [SIGNAL] if service == OWN else list(catalogue(context.config.signals, service))
    found = await asyncio.gather(*(samples.read(service, name, start, end) for name in names))
    return dict(zip(names, found, strict=True))


async def _marks(context: Context, service: Service, start: datetime, end: datetime) -> list[Mark]:
    """Deployments and other changes, and alerts that began."""
    began, changes = await asyncio.gather(context.store.since("firing.started", start), _changes(service))
    alerts = [event for event in began if event.at <= end and _of(event.data, "service") == service.name]
    fired = [Mark(event.at, "alert", f"alert {_of(event.data, 'rule')}") for event in alerts]
    deployed = [Mark(c.at, "deploy" if c.kind == "deployment" else "event", f"{c.kind} {c.id}") for c in changes]
    return [*deployed, *fired]


def _of(data: Any, name: str) -> str:
    alert = data.get("alert")
    return str(alert.get(name, "")) if isinstance(alert, dict) else ""


async def _changes(service: Service) -> list[Change]:
    async def one(ask: Any) -> Sequence[Change]:
        with suppress(TimeoutError, ValueError, OSError):
            return list(await asyncio.wait_for(ask(), CHANGES_TIMEOUT))
        return ()

    asked = [c.changes for c in service.connections.values() if c.changes]
    return [change for found in await asyncio.gather(*(one(ask) for ask in asked)) for change in found]


def _firing(watched: Watched) -> set[str]:
    return {rule.rule.name for signal in watched.signals for rule in signal.rules if rule.word == "firing"}
