"""Did this release bring a vulnerability? Its report against that of the release before it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.diagnosis.verdict import Reason, Verdict
from hutch.model.advisory import Advisory, Audit, Care

NAME = "vulnerability"
SHOWN = 3
"""Advisories that are named; of the others it is told how many there are."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of one release: its report, or why there is none."""

    release: str
    audit: Audit | None = None
    why: str = ""


def introduced(now: Audit, before: Audit, care: Care) -> tuple[Advisory, ...]:
    """The advisories that count and that the release before had not, the worst first.

    One that is reported for both is none of them, in whatever version. Nor is one of a package that the release before
    had in the same version: it was there, and became known since.
    """
    found = [a for a in now.advisories if _counts(a, care) and not _had(before, a)]
    return tuple(sorted(found, key=lambda a: (-(a.rating or 0), a.package, a.names)))


def _counts(advisory: Advisory, care: Care) -> bool:
    return care.unrated if advisory.rating is None else advisory.rating >= care.least


def _had(before: Audit, advisory: Advisory) -> bool:
    known = any(advisory.same(other) for other in before.advisories)
    return known or advisory.version in before.installed.get(advisory.package, frozenset())


def vulnerability(now: Told, before: Told, care: Care, at: datetime) -> Reason:
    """Whether this release should go back for what it brought. Without two reports that are new enough: no verdict."""
    blind = next((why for told in (now, before) if (why := _blind(told, care, at))), "")
    if blind or now.audit is None or before.audit is None:
        return Reason(NAME, Verdict.UNTOLD, blind)
    found = introduced(now.audit, before.audit, care)
    if not found:
        known = len(now.audit.advisories)
        said = f"none of {care.least.name.lower()} rating or worse is new in {now.release}; known in it: {known}"
        return Reason(NAME, Verdict.NO, said)
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    named = "; ".join(_said(a, before.audit, before.release) for a in found[:SHOWN])
    return Reason(NAME, Verdict.YES, f"new in {now.release}: {named}{more}")


def _blind(told: Told, care: Care, at: datetime) -> str:
    if told.audit is None:
        return told.why or f"there is no report on release {told.release}"
    age = at - told.audit.at
    if age <= care.oldest:
        return ""
    days, most = age.total_seconds() / 86_400, care.oldest.total_seconds() / 86_400
    return f"the report on release {told.release} is {days:.1f} days old, more than {most:g}: audit it again"


def _said(advisory: Advisory, before: Audit, release: str) -> str:
    """``GHSA-… (CVE-…), high, in requests 2.30.0; 42 has 2.31.0``."""
    others = f" ({', '.join(advisory.names[1:3])})" if advisory.names[1:] else ""
    rating = advisory.rating.name.lower() if advisory.rating else "unrated"
    old = before.installed.get(advisory.package)
    had = f", {release} has {_versions(sorted(old))}" if old else ""
    return f"{advisory.names[0]}{others}, {rating}, in {advisory.package} {advisory.version}{had}"


def _versions(found: Sequence[str]) -> str:
    return " and ".join(found)
