"""Who is on call, and overrides of it: events of the schedule, with a reason."""

from __future__ import annotations

import secrets as randomness
from datetime import datetime
from typing import Any

from hutch.commands.context import CommandError, Context
from hutch.model.event import Draft, instant
from hutch.model.oncall import Schedule, Turn, overrides, stream_of
from hutch.ports import Append


def schedule(context: Context, name: str) -> Schedule:
    """The schedule of that name. Raises :class:`CommandError`."""
    known = context.config.people.schedules
    if name not in known:
        raise CommandError(f"unknown schedule {name!r}; configured: {', '.join(known) or 'none: see oncall'}", 2)
    return known[name]


async def made(context: Context, name: str) -> list[Turn]:
    """The overrides of a schedule."""
    return overrides(await context.store.read(stream_of(name)))


async def on_call(context: Context, name: str, at: datetime | None = None) -> Turn | None:
    """Who is on call; None: nobody is."""
    return schedule(context, name).turn(at or context.clock.now(), await made(context, name))


async def show(context: Context, name: str = "", at: datetime | None = None, count: int = 5) -> list[dict[str, Any]]:
    """Each schedule: who is on call, until when, who is next, and the overrides to come."""
    now, known = at or context.clock.now(), context.config.people.schedules
    found = []
    for one in [schedule(context, name)] if name else known.values():
        changes = await made(context, one.name)
        turns = one.turns(now, changes, count)
        held = turns[0] if turns and turns[0].covers(now) else None
        found.append(
            {
                "schedule": one.name,
                "zone": one.zone,
                "who": held.who if held else None,
                "until": instant(held.until) if held else None,
                "by": held.by if held else None,
                "turns": [_turn(t) for t in turns],
                "overrides": [_turn(t) for t in changes if t.until > now],
            }
        )
    return found


def _turn(turn: Turn) -> dict[str, Any]:
    told = {"who": turn.who, "since": instant(turn.since), "until": instant(turn.until), "by": turn.by}
    return told | ({"id": turn.id, "reason": turn.reason} if turn.id else {})


async def override(
    context: Context, name: str, who: str, since: datetime, until: datetime, reason: str, actor: str
) -> Turn:
    """``who`` is on call from ``since`` to ``until`` whatever the rotation says. Raises :class:`CommandError`."""
    schedule(context, name)
    people = context.config.people.people
    if who not in people:
        raise CommandError(f"unknown person {who!r}; configured: {', '.join(people) or 'none: see people'}", 2)
    if until <= since or until <= context.clock.now():
        raise CommandError("an override ends after it begins, and not in the past", 2)
    told = {"id": randomness.token_hex(4), "who": who, "since": instant(since), "until": instant(until)}
    draft = Draft("override.added", {**told, "reason": context.secrets.mask(reason)}, actor)
    await context.store.commit([Append(stream_of(name), (draft,))])
    return (await made(context, name))[-1]


async def take_back(context: Context, name: str, override_id: str, reason: str, actor: str) -> None:
    """The override holds no longer. Raises :class:`CommandError`."""
    schedule(context, name)
    if override_id not in {t.id for t in await made(context, name)}:
        raise CommandError(f"{name} has no override {override_id}; `hutch oncall show` lists them", 2)
    told = {"id": override_id, "reason": context.secrets.mask(reason)}
    await context.store.commit([Append(stream_of(name), (Draft("override.removed", told, actor),))])
