"""What a service's metrics say of its load, and when waiting requests mean that it is too small: not that what it waits
for is ill. Pure; every platform judges by this."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hutch.model.action import Sample
from hutch.model.finding import Cause, Finding, Object, Remedy, Status

REFUSED = "503"
"""What the service answers when no connection of its pool got free in time, or too many wait already."""
FULL = 95.0
"""% of the pools' connections in use that make them full: one may just be given back."""
STEP = 4
"""Copies by which a service may grow at once where twice as many are fewer; as a Kubernetes autoscaler by default."""
OVERLOADED = "More requests come than the service's replicas and their connections can take."


class Limits(Protocol):
    """What a provider's settings say."""

    @property
    def wait_bad(self) -> float:
        """Milliseconds of waiting for a connection that are trouble."""

    @property
    def in_flight_bad(self) -> float:
        """Requests that one replica works on at once that are trouble."""

    @property
    def db_cpu_bad(self) -> float:
        """% of the database's CPUs from which waiting is the database's doing."""


@dataclass(frozen=True, slots=True)
class Load:
    """The metrics of one moment, summed over the replicas. Totals count from the start of the platform."""

    replicas: float
    in_flight: float
    size: float
    in_use: float
    waiting: float
    waited: float
    wait_seconds: float
    requests: float
    refused: float
    db_cpu: float

    @classmethod
    def of(cls, found: Iterable[Sample]) -> Load:
        """From one scrape. ``ValueError`` where the service tells nothing of its pool."""
        totals: dict[str, float] = {}
        refused = 0.0
        for sample in found:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
            if sample.name == "http_requests_total" and sample.labels.get("status") == REFUSED:
                refused += sample.value
        if "db_pool_size" not in totals:
            raise ValueError("the service's metrics tell nothing of its connection pool")
        return cls(**{name: totals.get(metric, 0.0) for name, metric in _METRICS.items()}, refused=refused)


_METRICS = {
    "replicas": "platform_replicas",
    "in_flight": "http_requests_in_flight",
    "size": "db_pool_size",
    "in_use": "db_pool_in_use",
    "waiting": "db_pool_waiting",
    "waited": "db_pool_waited_total",
    "wait_seconds": "db_pool_wait_seconds_total",
    "requests": "http_requests_total",
    "db_cpu": "db_cpu",
}


def figures(before: Load, after: Load, limits: Limits, seconds: float) -> Mapping[str, float | bool]:
    """The change between two looks that many seconds apart, and what it says: ``queued`` for connections,
    ``piled_up`` in the replicas, which is only known where their number is told."""
    waited = after.waited - before.waited
    in_all = max(0.0, after.wait_seconds - before.wait_seconds)
    waits = 1000 * in_all / waited if waited > 0 else 0.0
    refused = max(0.0, after.refused - before.refused)
    full = all(look.size and 100 * look.in_use / look.size >= FULL for look in (before, after))
    waiting = before.waiting > 0 or after.waiting > 0
    per_replica = min(look.in_flight / max(look.replicas, 1.0) for look in (before, after))
    always = in_all >= seconds  # at every moment somebody waited
    queued = waiting and (full or always) and (refused > 0 or waits >= limits.wait_bad)
    return {
        "replicas": after.replicas,
        "pool_size": round(after.size / max(after.replicas, 1.0)),
        "size": after.size,
        "in_use": after.in_use,
        "waiting": max(before.waiting, after.waiting),
        "wait_ms": round(waits, 1),
        "in_flight": after.in_flight,
        "requests": round((after.requests - before.requests) / seconds, 1),
        "refused": refused,
        "db_cpu": max(before.db_cpu, after.db_cpu),
        "db_busy": min(before.db_cpu, after.db_cpu) >= limits.db_cpu_bad,
        "queued": bool(queued),
        "piled_up": bool(not waiting and after.replicas and per_replica >= limits.in_flight_bad),
    }


def too_much(data: Mapping[str, object]) -> bool:
    """Whether :func:`figures` say that there is more to do than can be done."""
    return bool(data["queued"] or data["piled_up"])


def summary(data: Mapping[str, object]) -> str:
    """The load in one line. How many replicas there are is left out where nobody tells."""
    copies = f" on {data['replicas']:.0f} replicas" if data["replicas"] else ""
    use = f"{data['in_use']:.0f} of {data['size']:.0f} pooled connections in use"
    return f"{data['requests']} requests/s{copies}, {use}, {data['waiting']:.0f} requests wait"


def lines(data: Mapping[str, object]) -> tuple[str, ...]:
    """What else the figures show."""
    found = (
        f"requests waited {data['wait_ms']} ms for a connection" if data["wait_ms"] else "",
        f"{data['refused']:.0f} requests refused (503) between the two looks" if data["refused"] else "",
        f"{data['in_flight']:.0f} requests in work at once",
        f"the database's CPUs are {data['db_cpu']:.0f} % busy",
    )
    return tuple(filter(None, found))


# ------------------------------------------------------------------ app.overloaded


@dataclass(frozen=True, slots=True)
class Overload:
    """A service that has more to do than it can. ``room``: connections that it may have in the database; None: not
    known."""

    service: str
    target: str
    data: Mapping[str, object]
    room: int | None

    def cause(self, remedies: Sequence[Remedy], target: str = "") -> Cause:
        """The cause ``app.overloaded``, with what a platform offers against it."""
        waits = "requests wait for a connection" if self.data["queued"] else "requests pile up in the replicas"
        held = f"room for {self.room} connections of the service in the database" if self.room is not None else ""
        said = summary(self.data)
        return Cause(
            "app.overloaded",
            Object("service", self.service),
            0.8 if self.data["queued"] else 0.6,
            f"{waits}, and nothing that the service depends on is ill: {said}",
            target or self.target,
            tuple(filter(None, (said, *lines(self.data), held))),
            tuple(remedies),
        )

    def figure(self, name: str) -> float:
        """One of the figures."""
        return _figure(self.data, name)


def told_by(check: str, findings: Sequence[Finding]) -> list[Overload]:
    """The loads of which that check told, where they stay above what the replicas take.

    A lock, a leak, a full or a busy database makes requests queue just the same: then their own causes speak alone.
    """
    if any(map(_ill, findings)):
        return []
    loads = [(f, data) for f in findings if f.check == check for data in [_load(f)] if data]
    return [
        Overload(str(data["service"]), f.target, data, _room(data, findings))
        for f, data in loads
        if too_much(data) and not data["db_busy"]
    ]


def _load(finding: Finding) -> Mapping[str, object]:
    """The figures: the finding's own, or those that stand in it as ``load``."""
    inner = finding.data.get("load", finding.data)
    data = {"service": finding.data.get("service", ""), **inner} if isinstance(inner, Mapping) else {}
    return data if "queued" in data else {}


def _ill(finding: Finding) -> bool:
    """Whether something that the service depends on explains the waiting."""
    if not finding.check.startswith(("postgres.", "redis.")):
        return False
    if finding.status is Status.BAD:
        return True
    match finding.check:
        case "postgres.locks":
            return finding.status is Status.WARN
        case "postgres.idle_in_transaction":
            held = finding.data.get("sessions", ())
            return isinstance(held, list | tuple) and len(held) >= _figure(finding.data, "leak_sessions", 5)
    return False


def _room(load: Mapping[str, object], findings: Sequence[Finding]) -> int | None:
    """Connections that the service may have: those that ordinary roles may, less those that others hold."""
    seen = next((f.data for f in findings if f.check == "postgres.connections" and "usable" in f.data), None)
    if seen is None:
        return None
    others = max(0.0, _figure(seen, "used") - _figure(load, "size"))
    return int(_figure(seen, "usable") - others)


def more_copies(load: Overload, copies: int, most: int) -> int:
    """How many copies the service should have: as many as the requests need that now have or await a connection, but
    not above twice as many or :data:`STEP` more, nor more than the database has room for; a deployment may run twice
    as many. No more than ``copies`` where that is all there can be.

    >>> queue = {"size": 2.0, "in_use": 2.0, "waiting": 38.0}
    >>> [more_copies(Overload("web", "", queue, room), 2, 20) for room in (None, 32, 9, 2)]
    [6, 6, 4, 2]
    >>> more_copies(Overload("web", "", {**queue, "waiting": 1.0}, None), 2, 20)
    3
    """
    pool = max(1.0, load.figure("size") / max(copies, 1))
    need = -(-(load.figure("in_use") + load.figure("waiting")) // pool)
    wanted = min(most, copies + max(copies, STEP), max(copies + 1, int(need)))
    if load.room is not None:
        roomy, tight = int(load.room / (2 * pool)), int(load.room / pool)
        wanted = min(wanted, max(roomy, min(tight, copies + 1)))
    return max(wanted, copies)


def by_copies(load: Overload, copies: int, most: int, others: int = 0, **args: object) -> tuple[Remedy, ...]:
    """The remedy of a platform that sets the number of copies in a place, and nothing else of them. ``others``: those
    that run in other places."""
    more = min(most, more_copies(load, copies + others, most + others) - others)
    if more <= copies:
        return ()
    said = f"scale from {copies} to {more} replicas"
    return (Remedy("service.scale", "", {**args, "replicas": more, "from": copies}, said, rank=10),)


def _figure(data: Mapping[str, object], name: str, otherwise: float = 0.0) -> float:
    return float(str(data.get(name, otherwise)))
