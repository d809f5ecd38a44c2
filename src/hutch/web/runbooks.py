"""The runbook pages: what there is, what a document holds, and one runbook with a card for each step."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from hutch.commands.context import CommandError, Context, Service
from hutch.commands.documents import base_of
from hutch.model.runbook import Runbook
from hutch.runbook.visible import visible
from hutch.web.present import catalogue
from hutch.web.present import runbook as show
from hutch.web.present.volume import Volume, front, within
from hutch.web.shelf import Unread
from hutch.web.sights import incidents_for, runs_for, services_for
from hutch.web.site import Site, site_of

WITHIN = 2.0
"""Seconds that the list waits for documents; what takes longer is there at the next look."""

router = APIRouter(include_in_schema=False)


@router.get("/runbooks")
async def index(request: Request, q: str = "") -> Response:
    """Every runbook of the configured folders and the library; ``q`` keeps those that have all its words."""
    site = site_of(request)
    found, every = await asyncio.gather(site.shelf.all(WITHIN), runs_for(request))
    ran = catalogue.latest(every, site.context.clock.now())
    base, words = _base(site.context), q.lower().split()
    documents, total = catalogue.bounded((_shown(v, base, words, ran) for v in found), bool(words))
    return site.draw(
        request, "runbooks", streams="", q=visible(q), documents=documents, total=total, most=catalogue.MOST_ROWS
    )


def _shown(found: Volume | Unread, base: Path, words: list[str], ran: catalogue.Runs) -> catalogue.Shown:
    if isinstance(found, Unread):
        return catalogue.unread(found.name, found.path, base, found.reason)
    return catalogue.shown(found.name, found.path, base, found.document, found.findings, words, ran)


@router.get("/runbooks/{place:path}")
async def document(request: Request, place: str, service: str = "", part: int = 1) -> Response:
    """A document by its name, or one runbook of it: the name and an anchor of it."""
    site = site_of(request)
    known = await site.shelf.names()
    name, anchor = split(place, known)
    volume = await site.shelf.volume(name)
    if not anchor:
        return await _overview(request, site, volume, known)
    found = volume.document.find(anchor) if anchor in volume.document.anchors else None
    if found is None:
        raise CommandError("There is no such runbook in this document.", 2)
    if found.id != anchor:
        return RedirectResponse(within(volume, found, anchor), 307)
    return await _runbook(request, site, volume, found, known, service, part)


def split(place: str, known: Mapping[str, Path]) -> tuple[str, str]:
    """The document's name and the anchor in ``NAME`` or ``NAME/ANCHOR``. Only a known name is one: no path is looked
    up anywhere. Raises :class:`CommandError` for anything else."""
    if place in known:
        return place, ""
    name, _, anchor = place.rpartition("/")
    if name not in known or not anchor:
        raise CommandError("There is no runbook document of that name.", 2)
    return name, anchor


# ------------------------------------------------------------------ a document


async def _overview(request: Request, site: Site, volume: Volume, known: Mapping[str, Path]) -> Response:
    words = await asyncio.to_thread(front, volume, known)
    if len(volume.document.runbooks) == 1 and not words and not volume.document.rules:
        return RedirectResponse(show.address(volume.name, volume.document.runbooks[0].id), 307)
    ran = catalogue.latest(await runs_for(request), site.context.clock.now())
    return site.draw(
        request,
        "document",
        streams="",
        document=_shown(volume, _base(site.context), [], ran),
        front=words,
        rules=[(visible(r.name), visible(str(r.condition)), r.severity.label) for r in volume.document.rules],
        most=catalogue.MOST_ROWS,
    )


def _base(context: Context) -> Path:
    return base_of(context) or Path.cwd()


# ------------------------------------------------------------------ a runbook


async def _runbook(
    request: Request, site: Site, volume: Volume, found: Runbook, known: Mapping[str, Path], service: str, part: int
) -> Response:
    context = site.context
    chosen = chosen_service(context, volume.name, service, services_for(request))
    drawn, seen = await site.shelf.drawn(volume, found, known, chosen, part)
    ran = catalogue.latest(await runs_for(request), context.clock.now())
    name = chosen.name if chosen else ""
    return site.draw(
        request,
        "runbook",
        streams="",
        document=visible(volume.document.title),
        document_href=show.address(volume.name),
        hash=volume.document.hash,
        anchor=found.id,
        title=visible(found.title),
        href=show.address(volume.name, found.id),
        counts=show.counts(found),
        last=ran.of(volume.path, volume.document, found),
        service=name,
        services=services_for(request),
        incidents=[(i.id, visible(i.title)) for i in await incidents_for(request) if i.open and i.service == name],
        survey=seen,
        drawn=drawn,
    )


def chosen_service(context: Context, name: str, wanted: str, known: Sequence[str]) -> Service | None:
    """The service that a page shows a runbook for: the one asked for, else one that this document is the runbook of,
    else the first. None where none is configured. Raises :class:`CommandError` for an unknown one."""
    if wanted and wanted not in known:
        raise CommandError(f"There is no service {wanted[:80]}.", 2)
    if wanted:
        return context.service(wanted)
    services = [context.services[name] for name in known]
    own = (s for s in services if Path(s.config.runbook.partition("#")[0]).stem == Path(name).stem)
    return next(own, services[0] if services else None)
