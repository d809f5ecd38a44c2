"""The report over a time: which incidents it covers, read from the log in bounded turns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime

from hutch.commands.context import CommandError, Context
from hutch.commands.messages import declared_exercise
from hutch.commands.seen import hidden, seen_as, whole
from hutch.model.archive import is_stub, told_time
from hutch.model.event import ARCHIVED, Event
from hutch.model.incident import fold, stream_of
from hutch.review.report import Report, Told, report

HIDDEN = "(private)"
"""Stands for the name of an incident that whoever looks may not see."""

AT_ONCE = 64
"""Streams that are read in one turn."""


def _every(_stream: str) -> bool:
    return True


async def made(
    context: Context,
    since: datetime,
    until: datetime,
    *,
    exercises: bool = False,
    covers: Callable[[str], bool] = _every,
) -> Report:
    """The report on the incidents detected between the two times: the real ones, or the ``exercises``, never both.

    ``covers`` leaves out incidents by their stream. Raises :class:`CommandError` for no time between.
    """
    if until <= since:
        raise CommandError(f"the report would end at {until:%Y-%m-%d %H:%M} before it begins; change --until", 2)
    with seen_as(None):
        names = [name for name in await _declared(context, since, until) if covers(stream_of(name))]
        told = [await _told(context, name) for name in names]
    gone = {t.own[0].stream for t in told if t.own} & await hidden(context.store)
    counted = [_untitled(t, gone) for t in told if declared_exercise(t.own) is exercises]
    told_of = report(counted, since, until)
    return _without_names(replace(told_of, archived=await _archived(context, since, until, exercises, covers)), gone)


async def _archived(
    context: Context, since: datetime, until: datetime, exercises: bool, covers: Callable[[str], bool]
) -> int:
    """How many incidents of that time lie in archives: of those no more is here than a list shows."""
    marks = {e.stream: e for e in await whole(context.store).since(ARCHIVED, since) if e.data.get("title") is not None}
    found = 0
    for name, mark in marks.items():
        detected = told_time(mark.data, "detected_at")
        wanted = detected and since <= detected < until and (mark.data.get("exercise") is True) is exercises
        found += bool(wanted and covers(name) and is_stub(await whole(context.store).read(name)))
    return found


def _untitled(told: Told, gone: Collection[str]) -> Told:
    """Without the runs of a hidden incident that no document names: their titles say what it is about."""
    if not told.own or told.own[0].stream not in gone:
        return told
    return Told(told.own, [j for j in told.journals if j and j[0].data.get("document")])


def _without_names(whole: Report, gone: Collection[str]) -> Report:
    """Private incidents are counted like all others, and not named to whoever may not see them."""
    rows = tuple(
        replace(r, id=HIDDEN, title=HIDDEN, cause="") if stream_of(r.id) in gone else r for r in whole.incidents
    )
    ids = {name.removeprefix("incident:") for name in gone}
    overdue = tuple(f"{HIDDEN} {o.partition(' ')[2]}" if o.partition(" ")[0] in ids else o for o in whole.overdue)
    return replace(whole, incidents=rows, overdue=overdue)


async def _declared(context: Context, since: datetime, until: datetime) -> list[str]:
    """An incident is declared after it was detected: what was declared earlier was detected earlier."""
    names = [e.stream for e in await context.store.since("incident.declared", since)]
    found: list[str] = []
    for start in range(0, len(names), AT_ONCE):
        for events in await context.store.read_all(names[start : start + AT_ONCE]):
            state = fold(events)
            if state and since <= state.detected_at < until:
                found.append(state.id)
    return found


async def _told(context: Context, incident_id: str) -> Told:
    own = await context.store.read(stream_of(incident_id))
    state = fold(own)
    journals: Sequence[Sequence[Event]] = ()
    if state and state.runs:
        journals = await context.store.read_all([f"run:{name}" for name in state.runs])
    return Told(own, journals)
