"""Drafts of updates: events of the incident, so that whoever looks sees the same one, on whatever machine."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.event import Draft, Event
from hutch.model.incident import Incident
from hutch.model.message import Audience

DRAFTED = "update.drafted"
LONGEST = 10_000
"""Characters of an update that is written on a page."""


async def save(context: Context, incident_id: str, audience: Audience, text: str, actor: str) -> Incident:
    """Keep what would be told this audience; nothing is sent. Secrets are masked. Raises :class:`CommandError`."""
    words = context.secrets.mask(text.strip())
    if not words:
        raise CommandError("the update says nothing", 2)
    if len(words) > LONGEST:
        raise CommandError(f"the update is longer than {LONGEST} characters", 2)
    data = {"audience": audience.value, "text": words}
    return await incidents.change(context, incident_id, lambda _: [Draft(DRAFTED, data, actor)])


async def discard(context: Context, incident_id: str, audience: Audience, actor: str) -> Incident:
    """Begin anew from the facts."""
    data = {"audience": audience.value, "text": ""}
    return await incidents.change(context, incident_id, lambda _: [Draft(DRAFTED, data, actor)])


def kept(events: Sequence[Event], audience: Audience) -> Event | None:
    """The latest draft for an audience that was neither sent nor discarded since; None where there is none."""
    for event in reversed(events):
        if event.data.get("audience") != audience.value:
            continue
        if event.kind == "update.posted":
            return None
        if event.kind == DRAFTED:
            return event if event.data.get("text") else None
    return None
