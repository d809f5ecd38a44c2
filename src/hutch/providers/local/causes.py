"""Which findings of the platform mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model import load
from hutch.model.finding import Cause, Finding, Object, Remedy, Status
from hutch.providers.local.config import MAX_REPLICAS

CODES: Mapping[str, str] = {
    "app.crashed": "Replicas of the service end by themselves.",
    "app.overloaded": load.OVERLOADED,
}
RESTART = Remedy("service.restart", "", {}, "restart the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.crashed`` for each platform whose replicas are down or keep ending; ``app.overloaded`` where nothing else
    of the service is ill."""
    crashed = [_crashed(f) for f in findings if f.check == "local.replicas" and f.status is Status.BAD]
    return [*crashed, *(map(_overloaded, load.told_by("local.load", findings)) if not crashed else ())]


def _overloaded(found: load.Overload) -> Cause:
    return found.cause(scaling(int(found.figure("replicas")), int(found.figure("pool_size")), found.room))


def _crashed(finding: Finding) -> Cause:
    data = finding.data
    release, all_down = str(data.get("release", "")), data.get("ready") == 0
    before = data.get("go_back_to")
    detail = {"previous": before} if before else {}
    return Cause(
        "app.crashed",
        Object("release", release, detail),
        0.9 if all_down or before else 0.75,
        finding.summary,
        finding.target,
        (*finding.evidence, *_history(data)),
        (*((_back(release, str(before)),) if before else ()), RESTART),
    )


def _back(release: str, before: str) -> Remedy:
    """A release that ends by itself would do so again: going back comes before starting anew."""
    said = f"roll back from release {release} to {before}"
    return Remedy("deploy.rollback", "", {"to": before, "from": release}, said, rank=10)


def _history(data: Mapping[str, object]) -> tuple[str, ...]:
    restarts, ago = data.get("crash_restarts"), data.get("deployed_ago")
    lines = (
        f"started again {restarts} times after ending unasked" if restarts else "",
        f"release {data.get('release')} was deployed {ago:.0f} s ago" if isinstance(ago, float) else "",
    )
    return tuple(filter(None, lines))


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
