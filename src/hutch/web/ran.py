"""What the lists show of every run: kept in memory, and only what the log has grown by is read again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from hutch.commands.views import state_of
from hutch.model.journal import fold
from hutch.model.run import Run
from hutch.ports import Store

PREFIX = "run:"

STEP = 1000
"""Events that are looked at in one turn."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A run, as far as lists go. ``document`` is the reference that it was started with, ``path`` the file."""

    id: str
    title: str
    service: str
    document: str
    path: str
    incident: str
    mode: str
    state: str
    started_at: datetime


@dataclass(slots=True)
class Runs:
    """Every run of one log, the oldest first."""

    store: Store
    _position: int = 0
    _known: dict[str, Ran] = field(default_factory=dict)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def every(self) -> list[Ran]:
        """As they stand now."""
        async with self._lock:
            for stream in await self._changed():
                run = fold(await self.store.read(stream))
                if run:
                    self._known[stream] = _ran(run)
        return list(self._known.values())

    async def _changed(self) -> dict[str, None]:
        """The journals that were written to since the last look, in order of their first event since."""
        changed: dict[str, None] = {}
        more = True
        while more and (told := await self.store.places(self._position, STEP)):
            changed |= {place.stream: None for place in told if place.stream.startswith(PREFIX)}
            self._position, more = told[-1].position, len(told) == STEP
        return changed


def _ran(run: Run) -> Ran:
    return Ran(
        run.id, run.title, run.service, run.document, run.document_path, run.incident, run.mode, state_of(run),
        run.started_at,
    )  # fmt: skip
