"""When waiting requests mean that the service is too small, and not that what it waits for is ill. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status
from hutch.providers.local.config import MAX_REPLICAS


def overloaded(findings: Sequence[Finding]) -> list[Cause]:
    """``app.overloaded`` for a load that stays above what the replicas take.

    A lock, a leak, a full or a busy database makes requests queue just the same: then their own causes speak alone.
    """
    if any(map(_ill, findings)):
        return []
    loads = [f for f in findings if f.check == "local.load" and f.status is Status.BAD and not f.data["db_busy"]]
    return [_cause(finding, _room(findings)) for finding in loads]


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


def _room(findings: Sequence[Finding]) -> int | None:
    """Connections that the service may have: those that ordinary roles may, less those that others hold."""
    load = next((f.data for f in findings if f.check == "local.load" and f.data), None)
    seen = next((f.data for f in findings if f.check == "postgres.connections" and "usable" in f.data), None)
    if load is None or seen is None:
        return None
    others = max(0.0, _figure(seen, "used") - _figure(load, "size"))
    return int(_figure(seen, "usable") - others)


def _cause(finding: Finding, room: int | None) -> Cause:
    data = finding.data
    waits = "requests wait for a connection" if data["queued"] else "requests pile up in the replicas"
    held = f"room for {room} connections of the service in the database" if room is not None else ""
    return Cause(
        "app.overloaded",
        Object("service", str(data["service"])),
        0.8 if data["queued"] else 0.6,
        f"{waits}, and nothing that the service depends on is ill: {finding.summary}",
        finding.target,
        tuple(filter(None, (finding.summary, *finding.evidence, held))),
        scaling(int(_figure(data, "replicas")), int(_figure(data, "pool_size")), room),
    )


def scaling(replicas: int, pool: int, room: int | None) -> tuple[Remedy, ...]:
    """Twice the replicas; their pools as large as lets a deployment run twice as many, within the database's room.

    >>> [dict(r.args) for r in scaling(1, 2, 32)], [dict(r.args) for r in scaling(2, 8, None)]
    ([{'replicas': 2, 'pool_size': 8}], [{'replicas': 4, 'pool_size': 8}])
    >>> [dict(r.args) for r in scaling(4, 8, 32)], scaling(8, 4, 32)
    ([{'replicas': 8, 'pool_size': 4}], ())
    """
    more = min(MAX_REPLICAS, 2 * max(replicas, 1))
    size = pool if room is None else max(1, min(max(pool, room // (2 * more)), room // more))
    if more == replicas and size <= pool:
        return ()
    said = f"scale from {replicas} to {more} replicas with {size} connections each"
    return (Remedy("service.scale", "", {"replicas": more, "pool_size": size}, said, rank=10),)


def _figure(data: Mapping[str, object], name: str, otherwise: float = 0.0) -> float:
    return float(str(data.get(name, otherwise)))
