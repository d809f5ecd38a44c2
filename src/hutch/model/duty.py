"""What only one process of a store does at a time, and what it says of its work to the others.

A process has a *heart*: a row with an end, which it puts off as long as it lives. A *lease* says whose a duty is; it
lasts as long as the heart does. A heart that stopped is buried by whoever sees it, and never beats again: its process
comes back under another name, so that nothing of before is taken for its word.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

STATUS = "status page"
"""Keeping the public page's files."""

OVERSEER = "overseer"
"""Saying that evaluations are late, and telling the switch outside that all is well."""

ARCHIVES = "archives"
"""Bringing closed incidents into archives."""

REVIEWS = "reviews"
"""Reminding of the reviews of runbooks."""

_WATCH, _PROBES = "watch@", "probes@"


def watching(service: str) -> str:
    """Judging the rules of a service, diagnosing it, and starting what is scheduled for it."""
    return f"{_WATCH}{service}"


def probing(location: str, service: str) -> str:
    """Doing the probes of a service from one place."""
    return f"{_PROBES}{location}/{service}"


def kind(duty: str) -> str:
    """What is shared evenly among those who can do it: the services, the probes of one place, or the rest.

    >>> kind(watching("shop")), kind(probing("local", "shop")), kind(STATUS)
    ('watch@', 'probes@local', '')
    """
    if duty.startswith(_PROBES):
        return duty.partition("/")[0]
    return _WATCH if duty.startswith(_WATCH) else ""


def service_of(duty: str) -> str:
    """The service that is watched by who has this; nothing for any other duty."""
    return duty.removeprefix(_WATCH) if duty.startswith(_WATCH) else ""


def called(member: str) -> str:
    """What a person calls a process: its machine and its number there.

    >>> called("alpha/1f0c2d3e/4026531836:812:11873:9c0ffee1")
    'alpha:812'
    """
    parts = member.rsplit(":", 3)
    return f"{parts[0].partition('/')[0]}:{parts[1]}" if len(parts) == 4 else member


@dataclass(frozen=True, slots=True)
class Member:
    """A process that lives: what it can do, and how many seconds its evaluations are late."""

    able: frozenset[str] = frozenset()
    late: float = 0.0


@dataclass(frozen=True, slots=True)
class Lease:
    """Whose a duty is, and since when, in seconds since 1970 by the store's clock."""

    holder: str
    since: float


@dataclass(frozen=True, slots=True)
class Roll:
    """Who lives, whose heart has stopped and is not buried, and who has what.

    ``me``: the name of this process now; it is ``new`` where its heart had been buried meanwhile, and it has nothing.
    """

    me: str = ""
    new: bool = False
    members: Mapping[str, Member] = field(default_factory=dict)
    dead: frozenset[str] = frozenset()
    leases: Mapping[str, Lease] = field(default_factory=dict)

    def has(self, duty: str) -> str:
        """The living member whose it is; nothing where there is none."""
        lease = self.leases.get(duty)
        return lease.holder if lease and lease.holder in self.members else ""


class Duties(Protocol):
    """Says which process has which duty. One that ends, however it ends, has them no more after a bounded time.

    None where that cannot be told."""

    async def beat(self, able: Collection[str], late: float, seconds: float) -> Roll | None:
        """Live for so many seconds from now; how it stands."""

    async def bury(self, dead: Collection[str], seconds: float) -> bool:
        """End these, as far as their hearts still stand; ``seconds`` is how long a heart beats by itself."""

    async def take(self, wanted: Mapping[str, str]) -> frozenset[str]:
        """Take these duties from who was seen to have them and lives no more, or (empty) from nobody; those that are
        ours now."""

    async def hold(self, duty: str, seconds: float) -> bool | None:
        """Take one for what is done once, for so many seconds at the most; False while another has it."""

    async def release(self, duties: Collection[str]) -> None:
        """Let another have them at once, where they are ours."""

    async def leave(self) -> None:
        """Stop the own heart and let go of all."""

    async def roll(self) -> Roll | None:
        """How it stands, without living in it."""

    async def close(self) -> None:
        """Let go of where it is kept."""


class Watches(Protocol):
    """What the process that watches a service saw of it last, for every other one to read, and what it has to remember
    for whoever watches next."""

    async def keep(
        self, service: str, at: datetime, data: Mapping[str, Any], memory: Any = None, holder: str = ""
    ) -> None:
        """Put this in the place of what was there; with a ``holder`` only where it is the one that watches the service.
        Never raises for the store's sake."""

    async def latest(self, services: Sequence[str] = ()) -> list[Mapping[str, Any]]:
        """What was kept, of these services or of all; nothing where it cannot be read."""

    async def recall(self, service: str) -> Any:
        """What was remembered of this service; None where there is nothing, or it cannot be read."""

    async def close(self) -> None:
        """Let go of where it is kept."""
