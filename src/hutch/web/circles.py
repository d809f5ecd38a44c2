"""Who may look into which incident and run: kept in memory, and only what the log has grown by is read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from hutch.commands.seen import whole
from hutch.model.access import AccessRole, Circle, Permission, Person
from hutch.model.circle import learned
from hutch.model.event import Event
from hutch.model.incident import stream_of
from hutch.ports import Place, Store

OURS = ("incident:", "run:")

PERSONAL = ("access", "subscriber:")
"""Streams of accounts, and of strangers' addresses: an admin's business."""

STEP = 1000
"""Events that are read in one turn."""


@dataclass(slots=True)
class Circles:
    """The circles of one log."""

    store: Store
    _position: int = 0
    _known: dict[str, Circle] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def catch_up(self) -> None:
        """Learn what was written before this was asked: a log that grows all the time is not run after.

        Of a storm's alerts only the places are looked at; what is read is what incidents and runs were told.
        """
        store, more = whole(self.store), True
        async with self._lock:
            while more and (told := await store.places(self._position, STEP)):
                for event in await _events(store, [place for place in told if place.stream.startswith(OURS)]):
                    self._learn(event)
                self._position, more = told[-1].position, len(told) == STEP

    def _learn(self, event: Event) -> None:
        if found := learned(self._known.get(event.stream), event):
            self._known[event.stream] = found

    def of(self, stream: str) -> Circle | None:
        """The circle of an incident or of a run, whose incident decides; None of an unknown one."""
        found = self._known.get(stream)
        if found is None or not found.incident:
            return found
        return self._known.get(stream_of(found.incident), found)

    def shows(self, person: Person, stream: str) -> bool:
        """Whether that person may hear of what happens in the stream; only an admin of :data:`PERSONAL` ones."""
        if person.everybody:
            return True
        if not stream.startswith(OURS):
            return person.may(Permission.ADMINISTER if stream.startswith(PERSONAL) else Permission.READ)
        circle = self.of(stream)
        return person.sees(circle) if circle else person.role is AccessRole.ADMIN


async def _events(store: Store, places: Sequence[Place]) -> list[Event]:
    """The events that stand there. A stream that was written to since is told to its end: it is heard again then, and
    says the same."""
    first: dict[str, int] = {}
    for place in places:
        first.setdefault(place.stream, place.seq)
    new = [stream for stream, seq in first.items() if seq == 1]
    found = [event for events in (await store.read_all(new) if new else []) for event in events]
    for stream, seq in first.items():
        found += await store.read(stream, seq - 1) if seq > 1 else []
    return found
