"""Which findings mean which cause, and what would cure it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hutch.model.finding import Cause, Finding, Object, Remedy

CODES = {
    "migration.failed": "A migration stopped half-way: the schema is neither as before nor as the release expects it.",
    "migration.pending": "A migration is due (given only where pending_is_cause is set; it is told in any case).",
}
UP, MARK = "migrate.up", "migrate.mark"
CHECK = "migrations.state"


def explain(findings: Sequence[Finding]) -> list[Cause]:
    """Half-applied migrations; due ones where that is asked for. Nothing while a migration is running."""
    told = [f for f in findings if f.check == CHECK and f.data and not f.data["busy"]]
    return [cause for finding in told for cause in _explain(finding)]


def _explain(finding: Finding) -> list[Cause]:
    half, pending = _rows(finding, "half_applied"), _rows(finding, "pending")
    failed = [_failed(finding, row, [*half, *pending]) for row in half]
    due = bool(finding.data["pending_is_cause"]) and not half and bool(pending)
    return [*failed, *([_pending(finding, pending)] if due else [])]


def _rows(finding: Finding, name: str) -> list[Mapping[str, Any]]:
    rows = finding.data[name]
    assert isinstance(rows, list)
    return rows


def _failed(finding: Finding, row: Mapping[str, Any], due: list[Mapping[str, Any]]) -> Cause:
    label = f"{row['version']} {row['name']}".rstrip()
    return Cause(
        code="migration.failed",
        object=Object("migration", row["version"], {"name": row["name"]}),
        confidence=0.95 if row["recorded"] else 0.9 if row["invalid"] else 0.6,
        summary=f"migration {label} is half-applied, and nobody is at it",
        target=finding.target,
        evidence=tuple(_evidence(row)),
        remedies=tuple(_remedies(finding, row, due, label)),
        since=_moment(row["since"]),
    )


def _remedies(
    finding: Finding, row: Mapping[str, Any], due: list[Mapping[str, Any]], label: str
) -> Iterable[Remedy]:  # fmt: skip
    """Marking comes first where everything is there: to run it again would only fail. It is refused otherwise.

    Prisma applies nothing while a try stands as failed (P3009): that is closed first.
    """
    if row["there"] and not row["missing"] and not row["invalid"] and not row["untold"]:
        said = f"note migration {label} as applied: everything that it declares is there"
        yield Remedy(MARK, finding.target, {"version": row["version"]}, said, rank=10)
    closed = finding.data.get("tool") == "prisma" and row["recorded"]
    if closed and not row["there"] and not row["invalid"]:
        said = f"close the failed try of {label}, of which nothing is there: then it can be applied again"
        yield Remedy(MARK, finding.target, {"version": row["version"], "back": True}, said, rank=10)
    if finding.data.get("able", True) and not closed:
        yield _up(finding, due, f"finish migration {label} with the team's tool")


def _evidence(row: Mapping[str, Any]) -> Iterable[str]:
    if row["recorded"]:
        since = f" since {row['since']}" if row["since"] else ""
        yield f"the table of migrations has it as begun and not finished{since}"
    else:
        yield "it is not marked as applied, and the schema has parts of it"
    if row["done"] is not None:
        yield f"{row['done']} of its statements ran"
    if row["log"]:
        yield f"the tool noted: {row['log']}"
    for state in ("there", "missing", "invalid"):
        if row[state]:
            yield f"{state}: {', '.join(row[state])}"
    yield from (f"can't be told from the schema: {text}" for text in row["untold"])
    yield from (f"by hand: {statement}" for statement in row["by_hand"])


def _pending(finding: Finding, pending: list[Mapping[str, Any]]) -> Cause:
    first = pending[0]
    return Cause(
        code="migration.pending",
        object=Object("migration", first["version"], {"name": first["name"]}),
        confidence=0.7,
        summary=f"{len(pending)} migrations are due, the first is {first['version']} {first['name']}".rstrip(),
        target=finding.target,
        evidence=tuple(f"due: {row['version']} {row['name']}".rstrip() for row in pending[:10]),
        remedies=(_up(finding, pending, f"apply {len(pending)} migrations with the team's tool"),)
        if finding.data.get("able", True)
        else (),
    )


def _up(finding: Finding, due: list[Mapping[str, Any]], summary: str) -> Remedy:
    """Finishing and applying what is due now; a version that appears later needs a new approval."""
    return Remedy(UP, finding.target, {"versions": [row["version"] for row in due]}, summary, rank=20)


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
