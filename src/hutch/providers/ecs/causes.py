"""Which findings of ECS mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {"app.crashed": "Tasks of the service end by themselves, or its rollout was given up."}
RESTART = Remedy("service.restart", "", {}, "restart the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.crashed`` for each service whose tasks do not stay."""
    return [_crashed(f) for f in findings if f.check == "ecs.tasks" and f.status is Status.BAD]


def _crashed(finding: Finding) -> Cause:
    release, before = str(finding.data.get("release", "")), finding.data.get("go_back_to")
    detail = {"previous": before} if before else {}
    sure = 0.9 if before or not finding.data.get("running") else 0.75
    remedies = (*((_back(release, str(before)),) if before else ()), RESTART)
    return Cause(
        "app.crashed", Object("release", release, detail), sure, finding.summary, finding.target, finding.evidence,
        remedies,
    )  # fmt: skip


def _back(release: str, before: str) -> Remedy:
    """A release that ends by itself would do so again: going back comes before starting anew."""
    said = f"roll back from release {release} to {before}"
    return Remedy("deploy.rollback", "", {"to": before, "from": release}, said, rank=10)
