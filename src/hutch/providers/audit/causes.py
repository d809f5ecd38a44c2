"""Which findings mean which cause, and what would cure it. Pure: the figures stand in the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hutch.model.finding import Cause, Finding
from hutch.providers.audit.deed_causes import mass_deletions, mass_exports, unauthorized
from hutch.providers.audit.login_causes import attacks

CODES = {
    "security.brute_force": "Somebody tries passwords: too many failed log-ins from one address or on one account.",
    "security.mass_export": "An account took out far more data than is usual for anybody, and for itself.",
    "security.unauthorized_access": "An account or address keeps asking for what it may not have, and is refused.",
    "data.mass_deletion": "An account deleted far more than is usual for anybody, and for itself.",
}

_JUDGES: Mapping[str, Callable[[Finding], list[Cause]]] = {
    "audit.logins": attacks,
    "audit.exports": mass_exports,
    "audit.deletions": mass_deletions,
    "audit.refused": unauthorized,
}


def explain(findings: Sequence[Finding]) -> list[Cause]:
    """The causes that this provider's findings show."""
    told = [f for f in findings if f.check in _JUDGES and f.data]
    return [cause for finding in told for cause in _JUDGES[finding.check](finding)]
