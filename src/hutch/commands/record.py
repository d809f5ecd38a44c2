"""What people keep with an incident beside its course: who is affected, and corrections. Each is an event."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.event import Draft
from hutch.model.incident import Incident

LONGEST = 2000
"""Characters of a correction, or of the words that say who is affected."""


async def affected(
    context: Context, incident_id: str, services: Sequence[str], users: str, share: float | None, actor: str
) -> Incident:
    """Who is hit beside the incident's own service; what was said before is replaced.

    Raises :class:`CommandError` for a service that is not configured, or a share that is none.
    """
    for name in services:
        context.service(name)
    if share is not None and not 0 <= share <= 100:
        raise CommandError(f"--share is {share:g}: a part of all users, from 0 to 100 %", 2)
    if not (services or users or share is not None):
        raise CommandError("say what is affected: --services, --users or --share", 2)
    data = {"services": list(dict.fromkeys(services)), "users": _words(context, users, "--users"), "share": share}
    return await incidents.change(context, incident_id, lambda _: [Draft("affected.changed", data, actor)])


async def correct(context: Context, incident_id: str, seq: int, text: str, actor: str) -> Incident:
    """Say what is true instead of an event. The event stays as it is: the log is never rewritten."""
    if not text.strip():
        raise CommandError("a correction says what is true instead", 2)
    data = {"event": seq, "text": _words(context, text, "the correction")}

    def decide(state: Incident) -> list[Draft]:
        if not 1 <= seq <= state.seq:
            numbers = f"`hutch incident timeline {incident_id} --json` numbers them"
            raise CommandError(f"{incident_id} has no event {seq}: {numbers}", 2)
        return [Draft("event.corrected", data, actor)]

    return await incidents.change(context, incident_id, decide)


def _words(context: Context, text: str, what: str) -> str:
    if len(text) > LONGEST:
        raise CommandError(f"{what} is longer than {LONGEST} characters: attach it as evidence", 2)
    return context.secrets.mask(text.strip())
