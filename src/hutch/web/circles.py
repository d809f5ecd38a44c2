"""Who may look into which incident and run: kept in memory, and only what the log has grown by is read."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hutch.commands.seen import whole
from hutch.model.access import AccessRole, Circle, Permission, Person
from hutch.model.circle import learned
from hutch.model.event import Event
from hutch.model.incident import stream_of
from hutch.ports import Store

OURS = ("incident:", "run:")

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
        """Learn what was written before this was asked: a log that grows all the time is not run after."""
        store, more = whole(self.store), True
        async with self._lock:
            while more and (told := await store.tail(self._position, STEP)):
                for _, event in told:
                    self._learn(event)
                self._position, more = told[-1][0], len(told) == STEP

    def _learn(self, event: Event) -> None:
        if event.stream.startswith(OURS) and (found := learned(self._known.get(event.stream), event)):
            self._known[event.stream] = found

    def of(self, stream: str) -> Circle | None:
        """The circle of an incident or of a run, whose incident decides; None of an unknown one."""
        found = self._known.get(stream)
        if found is None or not found.incident:
            return found
        return self._known.get(stream_of(found.incident), found)

    def shows(self, person: Person, stream: str) -> bool:
        """Whether that person may hear of what happens in the stream. Of accounts only an admin does."""
        if person.everybody:
            return True
        if not stream.startswith(OURS):
            return person.may(Permission.ADMINISTER if stream == "access" else Permission.READ)
        circle = self.of(stream)
        return person.sees(circle) if circle else person.role is AccessRole.ADMIN
