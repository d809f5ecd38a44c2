"""Which findings of ECS mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model import load
from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES: Mapping[str, str] = {
    "app.crashed": "Tasks of the service end by themselves, or its rollout was given up.",
    "app.overloaded": load.OVERLOADED,
}
RESTART = Remedy("service.restart", "", {}, "restart the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.crashed`` for a service whose tasks do not stay; else ``app.overloaded`` where its metrics say so."""
    tasks = [f for f in findings if f.check == "ecs.tasks" and f.data]
    crashed = [_crashed(f) for f in tasks if f.status is Status.BAD]
    return crashed or [_overloaded(found, f) for f in tasks for found in load.told_by("http.requests", findings)]


def _overloaded(found: load.Overload, tasks: Finding) -> Cause:
    wanted, most = int(str(tasks.data["wanted"])), int(str(tasks.data["most"]))
    return found.cause(load.by_copies(found, wanted, most), tasks.target)


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
