"""Reviews on pages: which are owed, what was published, and the editor that asks for what the log cannot know."""

from __future__ import annotations

import asyncio
import re

from fastapi import APIRouter, Request
from starlette.responses import Response

from hutch.commands import incidents, past, register, reviews
from hutch.commands.context import CommandError, Context
from hutch.commands.reviews import Edition
from hutch.model.event import Event
from hutch.model.incident import stream_of
from hutch.model.register import Wanted
from hutch.review.gaps import filled, open_slots
from hutch.web.forms import Fields, do
from hutch.web.lists import counted
from hutch.web.present import review as show
from hutch.web.present.incident import row
from hutch.web.present.words import line
from hutch.web.sights import shown_to
from hutch.web.site import site_of

router = APIRouter(include_in_schema=False)

MOST = 100
"""Reviews that a page lists."""

ASKED = re.compile(r"gap-(\d{1,3})")


@router.get("/reviews")
async def page(request: Request, q: str = "") -> Response:
    """Resolved incidents, the review that is owed first on top; or the published reviews that have all words."""
    site = site_of(request)
    context, now = site.context, site.context.clock.now()
    shows = await shown_to(request)
    hits = [h for h in (await past.search(context, q) if q.split() else []) if shows(f"incident:{h.incident}")]
    rows = show.owed(await past.owed(context, MOST, shows), now)
    total = await register.count(context, Wanted(open=False), shows)
    return site.draw(
        request,
        "reviews",
        streams="incident:*",
        q=line(q),
        hits=show.hits(hits[:MOST], now),
        rows=rows[:MOST],
        total=total,
        counted=counted(total),
        late=sum(r.kind == "overdue" for r in rows),
    )


@router.get("/reviews/{incident_id}")
async def editor(request: Request, incident_id: str) -> Response:
    """One review: its questions, its text, and what was published of it."""
    site = site_of(request)
    context, now = site.context, site.context.clock.now()
    state = await incidents.load(context, incident_id)
    edition = await reviews.edition(context, state.id)
    published = await _published(context, state.id)
    return site.draw(
        request,
        "review",
        streams=state.stream,
        row=row(state, now),
        edition=show.edition(edition.text, edition.kept, edition.digest),
        published=await asyncio.to_thread(show.published, published, now) if published else None,
        due=show.due(state, now),
    )


@router.post("/reviews/{incident_id}")
async def keep(request: Request, incident_id: str) -> Response:
    """Keep the draft: the whole text as edited, or the answers to its questions in their places."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        before = await reviews.edition(context, incident_id)
        text = fields.get("text") or _answered(before, fields)
        await reviews.keep(context, incident_id, text, fields.get("seen", ""), who)
        left = len(open_slots(text))
        return (
            f"Kept. {left} question{'' if left == 1 else 's'} left." if left else "Kept. Nothing is left to be asked."
        )

    return await do(request, await _place(request, incident_id), deed)


@router.post("/reviews/{incident_id}/publication")
async def publish(request: Request, incident_id: str) -> Response:
    """Put it on record. With questions left, or over an earlier edition, it takes a reason."""

    async def deed(context: Context, fields: Fields, who: str) -> str:
        found, reason = await reviews.edition(context, incident_id), fields.get("reason", "")
        if not found.kept or found.digest != fields.get("seen", ""):
            raise CommandError("keep the draft first, and look at it: what is published is what somebody looked at")
        left = len(open_slots(found.text))
        if left and not reason:
            raise CommandError(f"it still asks {left} questions: answer them, or say why it is published without")
        if not reason and await _published(context, incident_id):
            raise CommandError("an edition was published already: say why there is another")
        await reviews.publish(context, incident_id, None, who, bool(left), reason)
        return "The review is published."

    return await do(request, await _place(request, incident_id), deed)


def _answered(before: Edition, fields: Fields) -> str:
    """The text that was looked at, with the answers in it."""
    if before.digest != fields.get("seen", ""):
        raise CommandError("the draft is not what you looked at any more: look again")
    answers = {int(m[1]): " ".join(value.split()) for name, value in fields.items() if (m := ASKED.fullmatch(name))}
    if not any(answers.values()):
        raise CommandError("no question was answered")
    return filled(before.text, answers)


async def _published(context: Context, incident_id: str) -> Event | None:
    own = await context.store.read(stream_of(incident_id))
    return next((e for e in reversed(own) if e.kind == "review.published"), None)


async def _place(request: Request, incident_id: str) -> str:
    return f"/reviews/{(await incidents.load(site_of(request).context, incident_id)).id}"
