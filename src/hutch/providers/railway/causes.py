"""Which findings of Railway mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hutch.model import load
from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {
    "app.crashed": "The service's deployment has crashed and is not started again.",
    "app.overloaded": load.OVERLOADED,
}
RESTART = Remedy("service.restart", "", {}, "redeploy the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.crashed`` for a service whose deployment does not run; else ``app.overloaded`` where its metrics say so."""
    seen = [f for f in findings if f.check == "railway.deployment" and f.data]
    crashed = [_crashed(f) for f in seen if f.status is Status.BAD]
    return crashed or [_overloaded(found, f) for f in seen for found in load.told_by("http.requests", findings)]


def _overloaded(found: load.Overload, seen: Finding) -> Cause:
    """One remedy for each region in which it runs: the number of replicas is set there."""
    regions, most = seen.data.get("regions"), int(str(seen.data["most"]))
    copies = regions if isinstance(regions, Mapping) else {}
    total = sum(copies.values())
    remedies = [
        replace(remedy, rank=remedy.rank + place, summary=f"{remedy.summary} in {region}")
        for place, (region, here) in enumerate(sorted(copies.items(), key=lambda row: -row[1]))
        for remedy in load.by_copies(found, here, most, others=total - here, region=region)
    ]
    return found.cause(remedies, seen.target)


def _crashed(finding: Finding) -> Cause:
    release, before = str(finding.data.get("release", "")), finding.data.get("go_back_to")
    said = f"roll back from {release} to {before}"
    back = Remedy("deploy.rollback", "", {"to": before, "from": release}, said, rank=10)
    return Cause(
        "app.crashed",
        Object("release", release, {"previous": before} if before else {}),
        0.9,
        finding.summary,
        finding.target,
        finding.evidence,
        (*((back,) if before else ()), RESTART),
    )
