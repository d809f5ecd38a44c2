"""Trouble before the service: a host that fails its visitors while the service behind it answers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hutch.diagnosis.table import RELEASE_SYMPTOMS
from hutch.model.finding import Cause, Finding, Status

ASKED = "http.health"
"""The check that asks the service itself; its ``host`` is where."""

SERVED = "http.requests"
"""The check of what the service answered to others."""


def in_front(causes: Sequence[Cause], findings: Sequence[Finding]) -> list[Cause]:
    """Those of ``causes`` that are seen at another host alone, while the service itself answers and fails nobody.

    No release of the service brings these about."""
    asked = [f for f in findings if f.check == ASKED]
    served = [f for f in findings if f.check == SERVED]
    if not asked or any(f.status is not Status.OK for f in (*asked, *served)):
        return []
    hosts = {str(f.data.get("host", "")) for f in asked}
    return [c for c in causes if c.code in RELEASE_SYMPTOMS and c.object.kind == "host" and c.object.id not in hosts]


def told(cause: Cause, findings: Sequence[Finding]) -> Cause:
    """The cause with the evidence for that."""
    hosts = sorted({str(f.data.get("host", "")) for f in findings if f.check == ASKED})
    said = f"the service itself answers at {', '.join(hosts)}: what is broken stands before it"
    return replace(cause, evidence=(*cause.evidence, said))
