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
    """One incident. The lowest ``rank`` comes first; ``seq`` is that of the last event it tells of. ``owed``: it is
    resolved, and its next promise is due then (seconds since 1970)."""

    id: str
    service: str
    severity: int
    open: bool
    rank: float
    seq: int
    owed: float | None = None


def entry(state: Incident) -> Entry:
    """Of open ones the one whose next promise is due first comes first, of resolved ones the one detected last."""
    promise = state.next_promise()
    due = promise.due.timestamp() if promise else None
    rank = (FAR if due is None else due) if state.open else -state.detected_at.timestamp()
    owed = None if state.open else due
    return Entry(state.id, state.service, int(state.severity), state.open, rank, state.seq, owed)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which ones: open or resolved, of a service (empty: any) and a severity (None: any), behind ``after``.

    ``owing``: of resolved ones only those with a promise that runs, the one due next first.
    """

    open: bool = True
    service: str = ""
    severity: Severity | None = None
    after: Mark | None = None
    most: int = 50
    owing: bool = False

    def mark(self, one: Entry) -> Mark:
        """The place of that incident in this order."""
        return (one.owed or FAR) if self.owing else one.rank, one.id

    def fits(self, one: Entry) -> bool:
        """Whether that incident is one of them."""
        alike = one.open == self.open and self.service in ("", one.service)
        rated = self.severity is None or one.severity == int(self.severity)
        owes = not self.owing or one.owed is not None
        return alike and rated and owes and (self.after is None or self.mark(one) > self.after)


def pick(entries: list[Entry], wanted: Wanted) -> list[Entry]:
    """Those that are wanted, in order: for whoever has all of them at hand."""
    return sorted((one for one in entries if wanted.fits(one)), key=wanted.mark)[: wanted.most]


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
