"""Pins: an event of the timeline is put where everybody sees it first, or taken down again."""

from __future__ import annotations

from hutch.commands import incidents
from hutch.commands.context import CommandError, Context
from hutch.model.event import Draft
from hutch.model.incident import Incident
from hutch.review.pins import PINNED, UNPINNED, pinned

MOST = 20
"""Pins of an incident: more than that is a second timeline."""


async def pin(context: Context, incident_id: str, ref: str, actor: str) -> Incident:
    """Pin the event ``STREAM#SEQ`` of the incident or of one of its runs. Raises :class:`CommandError`."""
    state = await incidents.load(context, incident_id)
    await _known(context, state, ref)
    held = pinned(await context.store.read(state.stream))
    if ref in held:
        return state
    if len(held) >= MOST:
        raise CommandError(f"{MOST} events are pinned already; take one down first")
    return await incidents.change(context, incident_id, lambda _: [Draft(PINNED, {"ref": ref}, actor)])


async def unpin(context: Context, incident_id: str, ref: str, actor: str) -> Incident:
    """Take it down; nothing happens where it is not pinned."""
    state = await incidents.load(context, incident_id)
    if ref not in pinned(await context.store.read(state.stream)):
        return state
    return await incidents.change(context, incident_id, lambda _: [Draft(UNPINNED, {"ref": ref}, actor)])


async def _known(context: Context, state: Incident, ref: str) -> None:
    stream, _, seq = ref.rpartition("#")
    ours = stream == state.stream or stream in {f"run:{run}" for run in state.runs}
    number = int(seq) if seq.isascii() and seq.isdigit() and len(seq) < 10 else 0
    if not (ours and number and await context.store.read(stream, number - 1)):
        raise CommandError(f"{state.id} has no event {ref[:80]!r}", 2)
