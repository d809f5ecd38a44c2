"""Which findings of Railway mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {"app.crashed": "The service's deployment has crashed and is not started again."}
RESTART = Remedy("service.restart", "", {}, "redeploy the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.crashed`` for each service whose deployment does not run."""
    return [_crashed(f) for f in findings if f.check == "railway.deployment" and f.status is Status.BAD]


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
