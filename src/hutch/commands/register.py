"""Lists of incidents, narrowed: as much is read as is shown, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.commands.recalled import Recalled
from hutch.commands.seen import Shows, everything, hidden, whole
from hutch.model import incident as model
from hutch.model.incident import Incident
from hutch.model.register import Entry, Followed, Mark, Register, Wanted, entry, pick
from hutch.ports import Place, Store

PREFIX = "incident:"

STEP = 1000
"""Events of the log that are followed in one turn."""

COUNTED = 1000
"""No list is counted any further."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some incidents in order. ``more``: where the next page goes on; None at the end."""

    incidents: tuple[Incident, ...]
    more: Mark | None = None


async def page(context: Context, wanted: Wanted, shows: Shows = everything) -> Page:
    """The first of those that are wanted and that ``shows`` lets through (it is given the stream's name)."""
    found = await entries(context, wanted, shows)
    shown = found[: wanted.most]
    states = await context.recalled.states(whole(context.store), [one.id for one in shown])
    return Page(tuple(states), wanted.mark(shown[-1]) if shown and len(found) > wanted.most else None)


async def entries(context: Context, wanted: Wanted, shows: Shows = everything) -> list[Entry]:
    """The entries of that page, and one more where the list goes on."""
    found: list[Entry] = []
    gone = await hidden(context.store)
    asked = replace(wanted, most=wanted.most + 1)  # one more tells whether it goes on
    while len(found) <= wanted.most:
        some = await _found(context, asked)
        found += [one for one in some if (s := model.stream_of(one.id)) not in gone and shows(s)]
        if len(some) < asked.most:
            break
        asked = replace(asked, after=wanted.mark(some[-1]), most=STEP)  # much may be hidden: not a few at a time
    return found


async def count(context: Context, wanted: Wanted, shows: Shows = everything) -> int:
    """How many there are that ``shows`` lets through, up to :data:`COUNTED`."""
    every = replace(wanted, after=None, most=COUNTED)
    if shows is not everything or await hidden(context.store):
        return min(len(await entries(context, every, shows)), COUNTED)
    if register := await _current(context):
        counted = await register.count(wanted, COUNTED)
        if counted is not None:
            return counted
    return len(pick([entry(state) for state in await incidents.listing(context)], every))


async def _found(context: Context, wanted: Wanted) -> list[Entry]:
    if register := await _current(context):
        found = await register.find(wanted)
        if found is not None:
            return found
    return pick([entry(state) for state in await incidents.listing(context)], wanted)


async def _current(context: Context) -> Register | None:
    """The register at the log's end; None where it cannot be used. One follows at a time, the others wait for it."""
    if context.register is None:
        return None
    async with context.following:
        return context.register if await follow(context.store, context.register, context.recalled) else None


async def follow(store: Store, register: Register, recalled: Recalled) -> bool:
    """Bring the register to the log's end; False where it cannot be used. Over another log it begins anew.

    The end is where the log ended when it was last looked at: one that grows all the time is not run after.
    """
    store, upto = whole(store), await register.followed()
    if upto is None:
        return False
    anew = upto[0] > 0 and not await _is_of(store, upto)
    position = 0 if anew else upto[0]
    more = True
    while more and (places := await store.places(position, STEP)):
        more = len(places) == STEP
        last = (await store.tail(places[-1].position - 1, 1))[0][1]
        position = places[-1].position
        if not await register.follow(await _entries(store, places, recalled), (position, last.hash), anew=anew):
            return False
        anew = False
    return not anew or await register.follow([], (0, ""), anew=True)


async def _is_of(store: Store, upto: Followed) -> bool:
    """Whether the log holds what was followed last: a store may be put back from a copy, or be another one."""
    found = await store.tail(upto[0] - 1, 1)
    return bool(found) and (found[0][0], found[0][1].hash) == upto


async def _entries(store: Store, places: Sequence[Place], recalled: Recalled) -> list[Entry]:
    names = dict.fromkeys(p.stream.removeprefix(PREFIX) for p in places if p.stream.startswith(PREFIX))
    return [entry(state) for state in await recalled.states(store, list(names))]
