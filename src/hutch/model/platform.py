"""What a platform says of a service: what runs, what was deployed, what its replicas log. The same for every one."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from hutch.model.event import instant
from hutch.model.finding import Change

MOST_LINES = 10_000
"""Lines of log that one search gives."""

NO_ROOM = frozenset({"cache_seconds"})
"""Sizes that make no room for more at once: setting them is no question of capacity."""

LINES = 200
"""Lines of log that a search gives where nobody says how many."""


FIGURE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


def figure(value: object) -> float | None:
    """A figure as it is written or as it is, an ``int`` where it is whole; None where it is none.

    >>> figure("4"), figure("0.5"), figure(4.0), figure("-1"), figure("all")
    (4, 0.5, 4, None, None)
    """
    if not FIGURE.fullmatch(str(value)):
        return None
    found = float(str(value))
    return int(found) if found.is_integer() else found


@dataclass(frozen=True, slots=True)
class Instance:
    """One replica; ``started_at`` is None while it is down or where the platform tells none."""

    name: str
    release: str
    state: str
    ready: bool
    restarts: int = 0
    started_at: datetime | None = None

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        return {
            "name": self.name,
            "release": self.release,
            "state": self.state,
            "ready": self.ready,
            "restarts": self.restarts,
            "started_at": instant(self.started_at) if self.started_at else None,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """What runs now. While ``busy`` a change is being made; ``previous`` is where a roll-back leads.

    ``sizes`` are the figures that ``service.scale`` sets beside the number of replicas (``pool_size``, ``cpu``);
    ``parts`` are the servers beside the service that ``service.restart`` takes as its component, and how they are.
    ``wanted`` replicas should run; None: as many as there are.
    """

    release: str
    previous: str = ""
    busy: bool = False
    instances: tuple[Instance, ...] = ()
    sizes: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    wanted: int | None = None

    @property
    def replicas(self) -> int:
        """How many should run."""
        return len(self.instances) if self.wanted is None else self.wanted

    @property
    def ready(self) -> int:
        """How many replicas serve."""
        return sum(i.ready for i in self.instances)

    @property
    def well(self) -> bool:
        """Whether replicas are wanted and all serve."""
        return self.replicas > 0 and self.ready >= self.replicas and self.ready == len(self.instances)

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        return {
            "release": self.release,
            "previous": self.previous,
            "busy": self.busy,
            "ready": self.ready,
            "wanted": self.replicas,
            "replicas": [i.as_dict() for i in self.instances],
            "sizes": dict(self.sizes),
            "parts": dict(self.parts),
        }


@dataclass(frozen=True, slots=True)
class Deployment:
    """One change of the running release. ``state``: ``running`` ``succeeded`` ``failed``; ``kind``: ``deploy``
    ``rollback`` ``restart``. ``release`` is what ``deploy.rollback`` takes as ``to``, and ``names`` what else it is
    called. ``reason`` is why it failed, or why it never served."""

    id: str
    release: str
    kind: str
    state: str
    started_at: datetime
    finished_at: datetime | None = None
    previous: str = ""
    reason: str = ""
    names: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        return {
            "id": self.id,
            "release": self.release,
            "previous": self.previous,
            "kind": self.kind,
            "state": self.state,
            "started_at": instant(self.started_at),
            "finished_at": instant(self.finished_at) if self.finished_at else None,
            "reason": self.reason,
            "names": list(self.names),
        }


def tag_of(image: object) -> str:
    """The tag of an image, or nothing.

    >>> tag_of("registry.example:5000/shop/web:43"), tag_of("registry.example:5000/shop/web@sha256:0e23")
    ('43', '')
    """
    name = str(image or "").rpartition("/")[2]
    return "" if "@" in name else name.partition(":")[2]


def brought(found: Sequence[Deployment]) -> list[Change]:
    """What brought another release to the service, from deployments oldest first.

    Where a restart is a deployment with an id of its own, the release goes on under that id, and was brought when it
    came first.
    """
    changes: list[Change] = []
    for one in found:
        if one.state != "succeeded" or one.reason:
            continue
        if one.kind != "restart":
            changes.append(_change(one))
        elif changes and changes[-1].id == one.previous != one.release:
            last = changes[-1]
            changes[-1] = replace(last, id=one.release, names=tuple(dict.fromkeys((*last.names, last.id, *one.names))))
    return changes


def _change(found: Deployment) -> Change:
    after = f" after {found.previous}" if found.previous else ""
    called = f" ({found.names[0]})" if found.names else ""
    said = f"release {found.release}{called} deployed{after}"
    if found.kind == "rollback":
        said = f"rolled back to {found.release}{called}"
    return Change("deployment", found.release, found.started_at, said, found.previous, found.names)


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which lines are wanted; None or empty means any. ``pattern`` is plain text, in any case of letters."""

    pattern: str = ""
    since: datetime | None = None
    until: datetime | None = None
    level: str = ""
    user: str = ""
    replica: str = ""
    limit: int = LINES


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one replica."""

    at: datetime
    replica: str
    text: str
    level: str = ""
    user: str = ""
    release: str = ""

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        return {
            "at": instant(self.at),
            "replica": self.replica,
            "release": self.release,
            "level": self.level,
            "user": self.user,
            "text": self.text,
        }

    def __str__(self) -> str:
        return f"{instant(self.at)} {self.replica} {self.text}"


Logs = Callable[[LogQuery], Awaitable[Sequence[LogLine]]]
"""The newest lines that match, oldest first; :class:`Unanswered` says why there are none to be had."""


class Unanswered(Exception):
    """A target did not give what it was asked for. ``recoverable``: it was not reached, and may answer later."""

    def __init__(self, message: str, recoverable: bool) -> None:
        super().__init__(message)
        self.recoverable = recoverable


class Platform(Protocol):
    """What a service runs on, as far as it can be looked at. Each verb raises :class:`Unanswered`.

    Who offers one answers ``service.status``, ``deploy.list`` and ``logs.search`` of every document by it.
    """

    async def standing(self) -> Standing:
        """What runs now."""

    async def deployments(self) -> Sequence[Deployment]:
        """What was deployed and rolled back, failed ones too, oldest first; bounded by the provider."""

    async def logs(self, query: LogQuery) -> Sequence[LogLine]:
        """The newest lines that match, oldest first, at most ``query.limit``."""


# ------------------------------------------------------------------ in words


def deployments_text(found: Sequence[Deployment]) -> str:
    """A line each, the newest first."""
    return "\n".join(_deployment(d) for d in sorted(found, key=lambda d: d.started_at, reverse=True))


def standing_text(found: Standing) -> str:
    """What runs, and a line for each replica and each server beside it."""
    busy = "; a change is being made" if found.busy else ""
    sizes = "".join(f", {name} {value}" for name, value in found.sizes.items())
    head = f"release {found.release}: {found.ready} of {found.replicas} replicas serve{sizes}{busy}"
    replicas = (f"{i.name} release {i.release} {i.state}{_again(i)}" for i in found.instances)
    return "\n".join([head, *replicas, *(f"{name} {how}" for name, how in found.parts.items())])


def _again(instance: Instance) -> str:
    return f", started again {instance.restarts} times" if instance.restarts else ""


def _deployment(found: Deployment) -> str:
    after = f" after {found.previous}" if found.previous else ""
    why = f": {found.reason}" if found.reason else ""
    return f"{instant(found.started_at)} {found.release} {found.kind}{after} {found.state}{why}"
