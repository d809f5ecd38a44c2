"""Which findings mean which cause, and what would cure it. Pure: the figures stand in the findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hutch.model.finding import Cause, Finding
from hutch.providers.audit.login_causes import attacks

CODES = {
    "security.brute_force": "Somebody tries passwords: too many failed log-ins from one address or on one account.",
}

_JUDGES: Mapping[str, Callable[[Finding], list[Cause]]] = {"audit.logins": attacks}


def explain(findings: Sequence[Finding]) -> list[Cause]:
    """The causes that this provider's findings show."""
    told = [f for f in findings if f.check in _JUDGES and f.data]
    return [cause for finding in told for cause in _JUDGES[finding.check](finding)]
