"""Private incidents: seen only by those named, and spoken of to nobody else."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.circle import ADMITTED, CLOSED, OPENED
from hutch.model.event import Draft
from hutch.model.incident import Incident
from hutch.review.wording import one_line

MOST = 100
"""People who may be named."""


def named(only: Sequence[str], actor: str) -> list[str]:
    """Those who may see it, each once. Whoever makes it private is among them, so that somebody who acts sees it.

    Raises :class:`CommandError` where too many are named.
    """
    found = list(dict.fromkeys(one_line(name, 100) for name in (*only, actor) if name.strip()))
    if len(found) > MOST:
        raise CommandError(f"{len(found)} people are named, more than {MOST}: that is not private", 2)
    return found


def closing(names: Sequence[str], actor: str) -> list[Draft]:
    """The events that close it off and let those people in."""
    return [Draft(CLOSED, {}, actor), *(Draft(ADMITTED, {"who": name}, actor) for name in names if name != actor)]


async def make_private(context: Context, incident_id: str, only: Sequence[str], actor: str) -> Incident:
    """From now on only they see it. Messages that were sent before cannot be taken back."""
    drafts = closing(named(only, actor), actor)
    return await incidents.change(context, incident_id, lambda _: drafts)


async def make_public(context: Context, incident_id: str, reason: str, actor: str) -> Incident:
    """Everybody may see it, and all that was written meanwhile. Raises :class:`CommandError` without a reason."""
    said = context.secrets.mask(reason.strip())

    def decide(state: Incident) -> list[Draft]:
        if not state.record.private:
            raise CommandError(f"{incident_id} is not private")
        if not said:
            raise CommandError("say why: it stands on the timeline")
        return [Draft(OPENED, {"reason": said}, actor)]

    return await incidents.change(context, incident_id, decide)
