"""The log's page, the settings' page, and that of the drills. Reading only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import lately
from hutch.commands.documents import base_of
from hutch.commands.drills.catalogue import find_faults
from hutch.commands.drills.kept import last
from hutch.model.event import Event
from hutch.web.present import drills as show_drills
from hutch.web.present import log as show
from hutch.web.present import settings as show_settings
from hutch.web.present.words import line
from hutch.web.sights import caught_up, sees
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

MOST = 100
"""Events of a page."""


@router.get("/log")
async def log(
    request: Request, sort: str = "", kind: str = "", actor: str = "", q: str = "", before: int = 0
) -> Response:
    """Every event, the newest first, by sort of stream, kind, actor and words; ``before`` goes on further back."""
    site = site_of(request)
    asked = show.Wanted(
        sort if sort in show.SORTS else "", kind.strip(), actor.strip(), tuple(q.casefold().split()[:10])
    )
    await caught_up(request)
    fits = asked.keeps()

    def keeps(event: Event) -> bool:
        return fits(event) and sees(request, event.stream)

    look = await lately.newest(site.context, keeps, MOST, before)
    given = {"sort": asked.sort, "kind": asked.kind, "actor": asked.actor, "q": q}
    return site.draw(
        request,
        "log",
        streams="" if before else "*",
        events=show.rows(look.found, site.context.clock.now()),
        sorts=list(show.SORTS),
        sort=asked.sort,
        kind=line(asked.kind),
        actor=line(asked.actor),
        q=line(q),
        narrowed=any(given.values()),
        later=bool(before),
        older=urlencode({**{k: v for k, v in given.items() if v}, "before": look.next}) if look.next else "",
    )


@router.get("/settings")
async def settings(request: Request) -> Response:
    """What is configured: no secret, and no setting that could hold one."""
    site = site_of(request)
    config = site.context.config
    kind = "Postgres" if type(site.context.store).__module__.startswith("hutch.store.postgres") else "SQLite"
    return site.draw(
        request,
        "settings",
        streams="",
        facts=show_settings.facts(config, config.notify.address, f"{kind}, beside {site.context.home}"),
        blocks=show_settings.blocks(config),
    )


@router.get("/drills")
async def drills(request: Request) -> Response:
    """The drills that are installed, and how each went the last time that drills were run here."""
    site = site_of(request)
    folder = base_of(site.context) or Path.cwd()
    kept = await asyncio.to_thread(last, folder)
    faults = await asyncio.to_thread(find_faults)
    return site.draw(
        request,
        "drills",
        streams="",
        board=show_drills.board(faults.values(), kept, site.context.clock.now()),
        folder=line(str(folder)),
    )
