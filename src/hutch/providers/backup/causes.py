"""Which findings mean which cause, and what would cure it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from hutch.model.finding import Cause, Finding, Object, Remedy, Status

CODES = {
    "backup.overdue": "No backup that was proved by restoring it is as new as max_age asks for.",
}
CHECK = "backup.age"
CREATE, VERIFY = "backup.create", "backup.verify"


def explain(findings: Sequence[Finding]) -> list[Cause]:
    """An overdue backup, for each database by itself."""
    return [_overdue(f) for f in findings if f.check == CHECK and f.status is Status.BAD]


def _overdue(finding: Finding) -> Cause:
    newest = str(finding.data.get("newest") or "")
    prove = (Remedy(VERIFY, finding.target, {"backup": newest}, f"prove backup {newest} by restoring it", rank=10),)
    fresh = Remedy(CREATE, finding.target, {"verify": True}, "make a backup and prove it by restoring it", rank=20)
    return Cause(
        code="backup.overdue",
        object=Object("database", str(finding.data["database"])),
        confidence=0.9,
        summary=finding.summary,
        target=finding.target,
        evidence=finding.evidence,
        remedies=(*(prove if finding.data.get("provable") else ()), fresh),
    )
