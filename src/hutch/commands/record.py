"""What people keep with an incident beside its course: who is affected, pins, and corrections. Each is an event."""

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


async def pin(context: Context, incident_id: str, seq: int, note: str, actor: str) -> Incident:
    """Keep an event in sight: pins stand on top of the incident."""
    data = {"event": seq, "note": _words(context, note, "--note")}
    return await _about(context, incident_id, seq, Draft("event.pinned", data, actor))


async def unpin(context: Context, incident_id: str, seq: int, actor: str) -> Incident:
    """Take a pin off. Raises :class:`CommandError` where there is none."""

    def decide(state: Incident) -> list[Draft]:
        if seq not in state.record.pins:
            raise CommandError(f"event {seq} of {incident_id} is not pinned", 2)
        return [Draft("event.unpinned", {"event": seq}, actor)]

    return await incidents.change(context, incident_id, decide)


async def correct(context: Context, incident_id: str, seq: int, text: str, actor: str) -> Incident:
    """Say what is true instead of an event. The event stays as it is: the log is never rewritten."""
    if not text.strip():
        raise CommandError("a correction says what is true instead", 2)
    data = {"event": seq, "text": _words(context, text, "the correction")}
    return await _about(context, incident_id, seq, Draft("event.corrected", data, actor))


async def _about(context: Context, incident_id: str, seq: int, draft: Draft) -> Incident:
    def decide(state: Incident) -> list[Draft]:
        if not 1 <= seq <= state.seq:
            raise CommandError(
                f"{incident_id} has no event {seq}: `hutch incident timeline {incident_id} --json` numbers them", 2
            )
        return [draft]

    return await incidents.change(context, incident_id, decide)


def _words(context: Context, text: str, what: str) -> str:
    if len(text) > LONGEST:
        raise CommandError(f"{what} is longer than {LONGEST} characters: attach it as evidence", 2)
    return context.secrets.mask(text.strip())
