"""One field for everything that can be gone to: a page of its own, and with JavaScript the palette on every page."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import incidents, register
from hutch.commands.context import CommandError, Context
from hutch.model.incident import Incident
from hutch.model.register import Wanted
from hutch.runbook.visible import visible
from hutch.web.present.find import MOST_ASKED, Hit, found
from hutch.web.present.runbook import address
from hutch.web.present.volume import Volume
from hutch.web.present.words import line
from hutch.web.ran import Ran
from hutch.web.shelf import Unread
from hutch.web.sights import runs_for, services_for, shown_to
from hutch.web.site import Site, site_of
from hutch.web.ways import WAYS

LOOKED = (Wanted(most=100), Wanted(open=False, most=100))
"""Open incidents and the latest resolved ones, whose words are looked at."""

WITHIN = 0.3
"""Seconds that documents are waited for; what takes longer is found at the next look."""

NAME = re.compile(r"INC-[0-9]{4}-[0-9]{1,9}")
"""What an incident is called: so it is found however old it is."""

router = APIRouter(include_in_schema=False)


@router.get("/find")
async def find(request: Request, q: str = "") -> Response:
    """What has all the words of ``q``: incidents, pages, services, runbooks and runs that whoever asks may see."""
    site, asked = site_of(request), q[:MOST_ASKED]
    states, books = await asyncio.gather(_incidents(request, asked), _books(site))
    pages = [Hit("page", way.word, way.href) for way in WAYS]
    services = [_service(name) for name in services_for(request)]
    ran = [_ran(run) for run in reversed(await runs_for(request))]
    hits = found((*states, *pages, *services, *books, *ran), asked)
    return site.draw(request, "find", streams="", q=visible(asked), hits=hits)


async def _incidents(request: Request, asked: str) -> list[Hit]:
    context = site_of(request).context
    shows = await shown_to(request)
    pages = [await register.page(context, wanted, shows) for wanted in LOOKED]
    states = {state.id: state for page in pages for state in page.incidents}
    if named := NAME.search(asked.upper()):
        states |= await _called(context, named[0])
    return [_hit(state) for state in states.values() if shows(state.stream)]


async def _called(context: Context, name: str) -> dict[str, Incident]:
    try:
        return {name: await incidents.load(context, name)}
    except CommandError:
        return {}


def _service(name: str) -> Hit:
    return Hit("service", line(name), f"/services/{quote(name, safe='')}/signals")


def _hit(state: Incident) -> Hit:
    stands = state.phase.value if state.open else "resolved"
    about = " · ".join((state.id, state.severity.label, line(state.service), stands))
    return Hit("incident", line(state.title), f"/incidents/{state.id}", about)


def _ran(run: Ran) -> Hit:
    about = " · ".join(filter(None, (run.id, line(run.service), run.state, line(run.incident))))
    return Hit("run", line(run.title), f"/runs/{run.id}", about)


async def _books(site: Site) -> list[Hit]:
    read = [volume for volume in await site.shelf.all(WITHIN) if not isinstance(volume, Unread)]
    return [hit for volume in read for hit in _runbooks(volume)]


def _runbooks(volume: Volume) -> list[Hit]:
    about = visible(volume.document.title)
    return [
        Hit("runbook", visible(r.title), address(volume.name, r.id), about if r.title != volume.document.title else "")
        for r in volume.document.runbooks
    ]
