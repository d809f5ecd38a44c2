"""The report over a time: which incidents it covers, read from the log in bounded turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from hutch.commands.context import CommandError, Context
from hutch.commands.messages import declared_exercise
from hutch.model.event import Event
from hutch.model.incident import fold, stream_of
from hutch.review.report import Report, Told, report

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
    told = [await _told(context, name) for name in await _declared(context, since, until) if covers(stream_of(name))]
    return report([t for t in told if declared_exercise(t.own) is exercises], since, until)


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
