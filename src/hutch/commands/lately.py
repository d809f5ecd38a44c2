"""The newest events of the whole log, whatever stream they are in: backwards from its end, a bounded look at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hutch.commands.board import end_of
from hutch.commands.context import Context
from hutch.model.event import Event

TURN = 500
"""Events that are read in one turn."""

LOOKED_AT = 20_000
"""Events that one look goes back over; the next one goes on from there."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, the newest first, and the position before which the next look begins; 0: that was all."""

    found: tuple[Event, ...]
    next: int


async def newest(context: Context, keep: Callable[[Event], bool], most: int, before: int = 0) -> Look:
    """At most so many events that ``keep`` keeps; those before a position, or (0) from the end."""
    end = before - 1 if before > 0 else await end_of(context.store)
    found: list[tuple[int, Event]] = []
    least = max(end - LOOKED_AT, 0)
    while end > least and len(found) < most:
        start = max(end - TURN, 0)
        turn = [(at, e) for at, e in await context.store.tail(start, TURN) if at <= end and keep(e)]
        found += reversed(turn)
        end = start
    kept = found[:most]
    left = kept[-1][0] if len(found) > most else end + 1 if end > 0 else 0
    return Look(tuple(event for _, event in kept), left)
