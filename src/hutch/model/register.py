"""The register of incidents: what a list is narrowed and ordered by, one short entry each, so that none has to be read
in whole to be left out. It is a projection: it follows the log, and can be thrown away. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hutch.model.incident import Incident
from hutch.model.severity import Severity

FAR = 1e12
"""Where an open incident stands that promises nothing."""

Mark = tuple[float, str]
"""A place in the order of a list: the rank and the id of the one that stands there."""

Followed = tuple[int, str]
"""How far the log was followed: the position and the hash of the last event."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One incident. The lowest ``rank`` comes first; ``seq`` is that of the last event it tells of."""

    id: str
    service: str
    severity: int
    open: bool
    rank: float
    seq: int

    @property
    def mark(self) -> Mark:
        """Its place in the order."""
        return self.rank, self.id


def entry(state: Incident) -> Entry:
    """Of open ones the one whose next promise is due first comes first, of resolved ones the one detected last."""
    due = state.next_promise()
    rank = (due.due.timestamp() if due else FAR) if state.open else -state.detected_at.timestamp()
    return Entry(state.id, state.service, int(state.severity), state.open, rank, state.seq)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which ones: open or resolved, of a service (empty: any) and a severity (None: any), behind ``after``."""

    open: bool = True
    service: str = ""
    severity: Severity | None = None
    after: Mark | None = None
    most: int = 50

    def fits(self, one: Entry) -> bool:
        """Whether that incident is one of them."""
        alike = one.open == self.open and self.service in ("", one.service)
        rated = self.severity is None or one.severity == int(self.severity)
        return alike and rated and (self.after is None or one.mark > self.after)


def pick(entries: list[Entry], wanted: Wanted) -> list[Entry]:
    """Those that are wanted, in order: for whoever has all of them at hand."""
    return sorted((one for one in entries if wanted.fits(one)), key=lambda one: one.mark)[: wanted.most]


class Register(Protocol):
    """Keeps the entries. None, or False, where it cannot be used: then whoever asks reads the log."""

    async def followed(self) -> Followed | None:
        """How far the log was followed; (0, "") at the beginning."""

    async def follow(self, entries: list[Entry], upto: Followed, *, anew: bool) -> bool:
        """Put these in the place of older ones, and note how far it went; ``anew``: forget the others first."""

    async def find(self, wanted: Wanted) -> list[Entry] | None:
        """Those that are wanted, in order."""

    async def count(self, wanted: Wanted, most: int) -> int | None:
        """How many there are, counted up to ``most``; what is in ``wanted.after`` and ``wanted.most`` is no matter."""

    async def close(self) -> None:
        """Let go of it."""
