"""Updates on pages: drafted from the facts, edited, looked at for one audience, and sent by a person on purpose."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import drafts, incidents, messages, updates
from hutch.commands.context import CommandError, Context
from hutch.commands.updates import Preview
from hutch.model.event import Event
from hutch.model.message import Audience
from hutch.model.statuspage import Component, Condition
from hutch.web.forms import Fields, Went, do, wanted
from hutch.web.present import incident as show_incident
from hutch.web.present import room
from hutch.web.present.words import block, line, moment
from hutch.web.site import Site, site_of

router = APIRouter(include_in_schema=False)

OUTSIDE = (Audience.CUSTOMERS,)
"""Who reads the status page."""


@router.get("/incidents/{incident_id}/updates/{audience}")
async def editor(request: Request, incident_id: str, audience: str, template: str = "") -> Response:
    """What an audience would be told: the draft, where it would go, what stands against it, and what went before."""
    return await _page(request, incident_id, audience, "update", template)


@router.get("/incidents/{incident_id}/updates/{audience}/sending")
async def confirming(request: Request, incident_id: str, audience: str) -> Response:
    """The second look, before anything leaves for those outside."""
    return await _page(request, incident_id, audience, "sending", "")


@router.post("/incidents/{incident_id}/updates/{audience}")
async def save(request: Request, incident_id: str, audience: str) -> Response:
    """Keep the draft; nothing is sent. With ``anew`` it is drafted from the facts again."""
    reader = _audience(audience)

    async def deed(context: Context, fields: Fields, who: str) -> str:
        if fields.get("anew"):
            await drafts.discard(context, incident_id, reader, who)
            return "Drafted anew from the facts."
        await drafts.save(context, incident_id, reader, wanted(fields, "text", "the update"), who)
        return "The draft is kept. Nothing was sent."

    return await do(request, await _place(request, incident_id, reader), deed)


@router.post("/incidents/{incident_id}/updates/{audience}/sending")
async def send(request: Request, incident_id: str, audience: str) -> Response:
    """Send exactly what was looked at. For customers that is the confirming page's form and no other."""
    reader = _audience(audience)
    place = await _place(request, incident_id, reader)

    async def deed(context: Context, fields: Fields, who: str) -> Went:
        digest = wanted(fields, "digest", "what was looked at")
        if reader is Audience.CUSTOMERS and fields.get("sure") != "yes":
            raise CommandError("what goes to customers is confirmed on a page of its own first")
        seen, own = await _looked_at(context, incident_id, reader, public=_public(context, fields))
        if drafts.kept(own, reader) is None:
            raise CommandError("keep the draft first: what is sent is what somebody looked at")
        await updates.send(context, seen, who, override=fields.get("override", ""), digest=digest)
        told = ", ".join(seen.places)
        return Went(f"The update for {reader} is on its way to {told}.", place)

    return await do(request, f"{place}/sending" if reader is Audience.CUSTOMERS else place, deed)


# ------------------------------------------------------------------


async def _page(request: Request, incident_id: str, audience: str, name: str, template: str) -> Response:
    site, reader = site_of(request), _audience(audience)
    context, now = site.context, site.context.clock.now()
    public = _public(context, request.query_params) if name == "sending" else {}
    seen, own = await _looked_at(context, incident_id, reader, template, public)
    draft = None if template else drafts.kept(own, reader)
    return site.draw(
        request,
        name,
        streams=seen.incident.stream,
        row=show_incident.row(seen.incident, now),
        audience=reader.value,
        reads=room.READS[reader],
        audiences=room.audiences(own, {}, now),
        text=block(seen.text),
        channels=[line(name) for name in seen.places],
        public=[(line(name), line(how.replace("_", " "))) for name, how in (seen.public or {}).items()],
        found=[line(str(f)) for f in seen.found],
        components=[
            (f"c{n}", line(c.name), (seen.public or {}).get(c.name, "")) for n, c in enumerate(_components(context))
        ]
        if seen.public is not None
        else [],
        conditions=[(c.value, c.value.replace("_", " ")) for c in Condition if c is not Condition.MAINTENANCE],
        slots=[(number, line(words)) for number, words in seen.slots],
        digest=seen.digest,
        exercise=seen.exercise,
        templates=_templates(context, reader),
        template=line(template) if template else "",
        drafted=(line(draft.actor), moment(draft.at, now)) if draft else None,
        sent=room.sent(await messages.sent_of(context, seen.incident.stream), reader, now)[:20],
        deliberate=reader is Audience.CUSTOMERS,
    )


async def _looked_at(
    context: Context, incident_id: str, audience: Audience, template: str = "", public: Mapping[str, str] | None = None
) -> tuple[Preview, list[Event]]:
    """The draft that is kept, else what the template makes of the facts; and the incident's events."""
    own = await context.store.read((await incidents.load(context, incident_id)).stream)
    kept = None if template else drafts.kept(own, audience)
    text = str(kept.data["text"]) if kept else ""
    seen = await updates.preview(
        context, incident_id, audience, template=template, text=text, components=public if audience in OUTSIDE else None
    )
    return seen, own


def _public(context: Context, given: Mapping[str, str]) -> dict[str, str]:
    """How components of the status page are said to be, by the fields ``c0``, ``c1`` …; empty ones say nothing."""
    return {c.name: how for number, c in enumerate(_components(context)) if (how := given.get(f"c{number}", ""))}


def _components(context: Context) -> tuple[Component, ...]:
    page = context.config.status_page
    return page.components if page else ()


def _templates(context: Context, audience: Audience) -> list[str]:
    """Those that could begin an update for this audience."""
    names = {name.partition(".")[0] for name in updates.templates(context)}
    return sorted(line(n) for n in names if _fits(context, n, audience))


def _fits(context: Context, name: str, audience: Audience) -> bool:
    try:
        updates.template_for(context, name, audience)
    except CommandError:
        return False
    return True


def _audience(name: str) -> Audience:
    if name not in list(Audience):
        raise CommandError(f"There is no audience {line(name)[:40]!r}; there are: {', '.join(Audience)}.", 2)
    return Audience(name)


async def _place(request: Request, incident_id: str, audience: Audience) -> str:
    site: Site = site_of(request)
    return f"/incidents/{(await incidents.load(site.context, incident_id)).id}/updates/{audience.value}"
