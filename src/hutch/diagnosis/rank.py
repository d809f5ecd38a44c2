"""From findings and the providers' causes to one ranked diagnosis. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hutch.diagnosis.changes import WITHIN, Scene, blame_release, other_changes
from hutch.diagnosis.door import in_front, told
from hutch.diagnosis.table import SYMPTOMS, closure
from hutch.model.event import instant
from hutch.model.finding import Cause, Change, Diagnosis, Finding, Remedy, Status

CERTAIN = 0.99
"""The most that combined evidence can give: nothing here is a proof."""


def diagnose(
    findings: Sequence[Finding],
    causes: Iterable[Cause],
    changes: Sequence[Change],
    now: datetime,
    since: datetime | None = None,
    *,
    actions: Mapping[str, str],
    within: timedelta = WITHIN,
    seconds: float | None = None,
) -> Diagnosis:
    """Rank ``causes`` (of all providers), the best explanation first.

    ``since`` is when the trouble was first noticed (an alert's), ``actions`` the available actions with the target of
    each: remedies that nobody can apply are dropped, one without a target gets that of its action.
    ``within`` bounds how old a blamed deployment may be; ``seconds`` defaults to the slowest check, since checks run
    side by side.
    """
    reported = list(causes)
    front = in_front(reported, findings)
    given = [told(c, findings) if c in front else c for c in reported]
    began = min((at for at in (since, *(c.since for c in given)) if at), default=None)
    scene = Scene(changes, now, began, actions, within, [c for c in given if c not in reported])
    roots = fold_symptoms(blame_release(given, scene))
    ranked = [_offered(cause, actions) for cause in sorted(roots, key=_order)]
    lately = other_changes(scene)
    known = [replace(c, evidence=(*c.evidence, *lately)) if i == 0 else c for i, c in enumerate(ranked)]
    took = max((f.seconds for f in findings), default=0.0) if seconds is None else seconds
    return Diagnosis(health(findings, known), tuple(known), tuple(findings), took)


def health(findings: Sequence[Finding], causes: Sequence[Cause]) -> bool | None:
    """False with a cause; True when every check that matters could tell and found nothing; else None.

    A warning is no failure: a busy system is a healthy one. Having looked at nothing is not health.
    """
    if causes:
        return False
    matter = [f for f in findings if f.matters]
    return True if matter and all(f.status in {Status.OK, Status.WARN} for f in matter) else None


def fold_symptoms(causes: Sequence[Cause]) -> list[Cause]:
    """The causes that no other one explains; each one that is explained becomes evidence of its strongest root."""
    table = closure(present={cause.code for cause in causes})
    distinct = _once(causes)
    roots = [c for c in distinct if not any(c.code in table.get(d.code, ()) for d in distinct)]
    owner = {id(s): _root_of(s, roots, table) for s in distinct if s not in roots}
    return [_with_symptoms(root, [s for s in distinct if owner.get(id(s)) is root]) for root in roots]


def _root_of(symptom: Cause, roots: Sequence[Cause], table: Mapping[str, frozenset[str]]) -> Cause:
    able = [root for root in roots if symptom.code in table.get(root.code, ())]
    return max(able, key=lambda root: root.confidence)


def _once(causes: Iterable[Cause]) -> list[Cause]:
    """One of each code and object: the most confident."""
    best: dict[tuple[str, str, str], Cause] = {}
    for cause in causes:
        key = (cause.code, cause.object.kind, cause.object.id)
        if key not in best or cause.confidence > best[key].confidence:
            best[key] = cause
    return list(best.values())


def _with_symptoms(root: Cause, symptoms: Sequence[Cause]) -> Cause:
    """``root`` with what it explains as evidence; each symptom, at half its weight, makes it surer."""
    doubt = 1.0 - root.confidence
    for symptom in symptoms:
        doubt *= 1.0 - symptom.confidence / 2
    said = tuple(line for s in symptoms for line in (f"explains {s.code}: {s.summary}", *s.evidence))
    sure = max(root.confidence, min(CERTAIN, 1.0 - doubt))
    evidence = tuple(dict.fromkeys((*root.evidence, *said)))
    return replace(root, confidence=round(sure, 3), evidence=evidence)


def _order(cause: Cause) -> tuple[bool, float, str, str]:
    return cause.code in SYMPTOMS, -cause.confidence, cause.code, cause.object.id


def _offered(cause: Cause, actions: Mapping[str, str]) -> Cause:
    able = (replace(r, target=r.target or actions[r.action]) for r in cause.remedies if r.action in actions)
    return replace(cause, remedies=tuple(sorted(able, key=lambda r: r.rank)))


# ------------------------------------------------------------------ the JSON form


def as_json(diagnosis: Diagnosis, service: str) -> dict[str, object]:
    """The object of ``hutch diagnose --json`` (DESIGN §7); keys are stable."""
    return {
        "service": service,
        "seconds": round(diagnosis.seconds, 3),
        "healthy": diagnosis.healthy,
        "causes": [_cause_json(cause) for cause in diagnosis.causes],
        "checks": [_check_json(finding) for finding in diagnosis.findings],
    }


def _cause_json(cause: Cause) -> dict[str, object]:
    return {
        "code": cause.code,
        "object": cause.object.as_dict(),
        "confidence": cause.confidence,
        "summary": cause.summary,
        "target": cause.target,
        "since": instant(cause.since) if cause.since else None,
        "evidence": list(cause.evidence),
        "remedies": [_remedy_json(remedy) for remedy in cause.remedies],
    }


def _remedy_json(remedy: Remedy) -> dict[str, object]:
    return {
        "action": remedy.action,
        "target": remedy.target,
        "args": dict(remedy.args),
        "summary": remedy.summary,
        "effect": remedy.effect.word,
        "preview": remedy.preview,
    }


def _check_json(finding: Finding) -> dict[str, object]:
    return {
        "name": finding.check,
        "target": finding.target,
        "status": str(finding.status),
        "matters": finding.matters,
        "seconds": round(finding.seconds, 3),
        "reason": finding.reason or finding.summary,
        "evidence": list(finding.evidence),
    }
