"""Which findings of the platform mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {"app.crashed": "replicas of the service ended by themselves"}

RESTART = Remedy("service.restart", "", {}, "restart the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.crashed`` for each platform whose replicas are down or keep ending."""
    return [_crashed(f) for f in findings if f.check == "local.replicas" and f.status is Status.BAD]


def _crashed(finding: Finding) -> Cause:
    release = Object("release", str(finding.data.get("release", "")))
    all_down = finding.data.get("ready") == 0
    return Cause(
        "app.crashed", release, 0.9 if all_down else 0.75, finding.summary, finding.target, finding.evidence, (RESTART,)
    )
