"""Which findings of the platform mean which cause. Pure; imports no client."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status
from hutch.providers.local.load_causes import overloaded

CODES: Mapping[str, str] = {
    "app.crashed": "Replicas of the service end by themselves.",
    "app.overloaded": "More requests come than the service's replicas and their connections can take.",
}
RESTART = Remedy("service.restart", "", {}, "restart the service", rank=30)


def explain(findings: Sequence[Finding]) -> Sequence[Cause]:
    """``app.crashed`` for each platform whose replicas are down or keep ending; ``app.overloaded`` where nothing else
    of the service is ill."""
    crashed = [_crashed(f) for f in findings if f.check == "local.replicas" and f.status is Status.BAD]
    return [*crashed, *(overloaded(findings) if not crashed else ())]


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
