"""The runbooks' "compare deployment time with outage start": which change came just before the trouble. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hutch.diagnosis.table import RELEASE_CAUSES, RELEASE_SYMPTOMS, closure
from hutch.model.finding import Cause, Change, Object, Remedy

WITHIN = timedelta(minutes=30)
"""A deployment longer ago than this before the trouble is not blamed for it."""

CLOSE = timedelta(minutes=5)
"""A deployment nearer than this is blamed with more confidence."""

STARTS = ("deployment", "migration", "configuration")
"""Kinds of changes that can start trouble by themselves; a commit does so only once it is deployed."""

SLACK = timedelta(seconds=5)
"""How far apart the clocks of platform and service may be, and how early the first sign may be seen."""


@dataclass(frozen=True, slots=True)
class Culprit:
    """A deployment that fits the trouble. ``running``: no other deployment came after it."""

    change: Change
    before: timedelta
    running: bool

    def said(self, what: str) -> str:
        """The line of evidence: how long before ``what`` it was deployed."""
        gone = "" if self.running else "; it is no longer the running release"
        return f"release {self.change.id} was deployed {span(self.before)} before {what}{gone}"


@dataclass(frozen=True, slots=True)
class Scene:
    """What causes are set against. ``began`` is None where nobody knows when the trouble began: then ``now`` counts.

    ``actions`` are the available actions with the target of each; ``within`` bounds how old a blamed deployment is;
    ``front`` are the causes that stand before the service: no release is blamed for them.
    """

    changes: Sequence[Change]
    now: datetime
    began: datetime | None
    actions: Mapping[str, str]
    within: timedelta = WITHIN
    front: Sequence[Cause] = ()

    @property
    def start(self) -> datetime:
        """What deployments are compared with."""
        return self.began or self.now

    @property
    def start_said(self) -> str:
        """The words for :attr:`start`."""
        return "the trouble began" if self.began else "this diagnosis"


def culprit(
    changes: Sequence[Change], began: datetime, release: str = "", within: timedelta = WITHIN
) -> Culprit | None:
    """The deployment to blame for trouble that ``began`` then: of ``release`` if it names one, else the last before."""
    deployments = sorted((c for c in changes if c.kind == "deployment"), key=lambda c: c.at)
    before = [c for c in deployments if c.at <= began + SLACK]
    fitting = [c for c in before if c.is_called(release)] if release else before[-1:]
    if not fitting or (not release and began - fitting[-1].at > within):
        return None
    last = fitting[-1]
    return Culprit(last, max(began - last.at, timedelta(0)), last is deployments[-1])


def blame_release(causes: Sequence[Cause], scene: Scene) -> list[Cause]:
    """``causes`` with releases brought in.

    Causes that a release brings about get their release and the way back as first remedy; symptoms that nothing
    deeper explains become ``deploy.bad_release`` where a release that still runs was deployed just before.
    """
    named = [_with_release(c, scene) if c.code in RELEASE_CAUSES else c for c in causes]
    symptoms = [c for c in named if c.code in RELEASE_SYMPTOMS and c not in scene.front]
    unexplained = [c for c in symptoms if not _explained(c, named)]
    found = culprit(scene.changes, scene.start, within=scene.within) if unexplained else None
    if found is None or not found.running:
        return named
    return [*named, _bad_release(found, unexplained, scene)]


def other_changes(scene: Scene) -> tuple[str, ...]:
    """Lines of evidence on migrations and edits of the configuration shortly before the trouble."""
    ages = ((c, scene.start - c.at) for c in scene.changes if c.kind in STARTS and c.kind != "deployment")
    near = ((c, age) for c, age in ages if timedelta(0) <= age <= scene.within)
    return tuple(f"{c.kind} {c.id}, {span(age)} before {scene.start_said}: {c.summary}" for c, age in near)


def span(length: timedelta) -> str:
    """``12 s``, ``4 min``: how long, for a line of evidence."""
    seconds = round(length.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} min"


def release_of(cause: Cause) -> str:
    """The release that the cause's object names: its ``release``, or the end of ``application`` (``web/43``)."""
    release = cause.object.detail.get("release")
    if isinstance(release, str | int) and str(release):
        return str(release)
    application = cause.object.detail.get("application")
    return application.rpartition("/")[2] if isinstance(application, str) and "/" in application else ""


def _explained(cause: Cause, causes: Sequence[Cause]) -> bool:
    table = closure(present={other.code for other in causes})
    return any(cause.code in table.get(other.code, ()) for other in causes if other.code not in RELEASE_SYMPTOMS)


def _with_release(cause: Cause, scene: Scene) -> Cause:
    if _of_another_program(cause):
        return cause
    hint = release_of(cause)
    found = culprit(scene.changes, cause.since or scene.start, hint, scene.within)
    known = hint if scene.changes else ""  # a name in the sessions is no release while no deployment is known at all
    named = _naming(cause, found.change.id if found else known)
    if found is None:
        return named
    leak = cause.code == "postgres.connection_leak" and cause.since is not None
    said = found.said("the first leaked session" if leak else scene.start_said)
    return replace(named, evidence=(*cause.evidence, said), remedies=(*_rollback(found, scene), *cause.remedies))


def _of_another_program(cause: Cause) -> bool:
    """The sessions name a program that is no release of ours: no release brought it about, none going back ends it."""
    application = cause.object.detail.get("application")
    return isinstance(application, str) and bool(application) and "/" not in application


def _naming(cause: Cause, release: str) -> Cause:
    """A leak always says its release, None where it is not known (DESIGN §6)."""
    if cause.code != "postgres.connection_leak":
        return cause
    return replace(cause, object=replace(cause.object, detail={**cause.object.detail, "release": release or None}))


def _rollback(found: Culprit, scene: Scene) -> tuple[Remedy, ...]:
    change = found.change
    if not found.running or not change.previous or "deploy.rollback" not in scene.actions:
        return ()
    args = {"to": change.previous, "from": change.id}
    summary = f"roll back from release {change.id} to {change.previous}"
    return (Remedy("deploy.rollback", scene.actions["deploy.rollback"], args, summary, rank=10),)


def _bad_release(found: Culprit, symptoms: Sequence[Cause], scene: Scene) -> Cause:
    change = found.change
    restart = Remedy("service.restart", scene.actions.get("service.restart", ""), {}, "restart the service", rank=30)
    return Cause(
        code="deploy.bad_release",
        object=Object("release", change.id, {"previous": change.previous} if change.previous else {}),
        confidence=0.8 if found.before <= CLOSE else 0.65,
        summary=f"release {change.id} fails: it was deployed {span(found.before)} before {scene.start_said}",
        target=scene.actions.get("deploy.rollback", symptoms[0].target),
        evidence=(found.said(scene.start_said),),
        remedies=(*_rollback(found, scene), restart),
        since=min((c.since for c in symptoms if c.since), default=scene.began),
    )


# ------------------------------------------------------------------ whatever was changed


@dataclass(frozen=True, slots=True)
class Suspect:
    """The change that fits the trouble best, and how long before it was made."""

    change: Change
    before: timedelta

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        words = f"{self.change.kind} {self.change.id}, {span(self.before)} before: {self.change.summary}"
        seconds = round(self.before.total_seconds(), 3)
        return {"kind": self.change.kind, "id": self.change.id, "seconds_before": seconds, "said": words}


def suspect(changes: Sequence[Change], began: datetime, within: timedelta = WITHIN) -> Suspect | None:
    """The last change before the trouble, of whatever kind; none where the last one is longer ago than ``within``."""
    able = [c for c in changes if c.kind in STARTS and c.at <= began + SLACK]
    last = max(able, key=lambda c: c.at, default=None)
    if last is None or began - last.at > within:
        return None
    return Suspect(last, max(began - last.at, timedelta(0)))
