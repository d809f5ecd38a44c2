"""Mass export, mass deletion and attempts at what is not allowed, as causes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hutch.model.finding import Cause, Finding, Object, Remedy
from hutch.providers.audit.login_causes import BLOCK, MOST_CAUSES, RESTRICT, confidence

Row = Mapping[str, Any]


def mass_exports(finding: Finding) -> list[Cause]:
    """Accounts that took out more than is usual for anybody, and for themselves."""
    return [
        _cause(finding, "security.mass_export", row, f"{row['count']} exports by account {row['account']}", "export")
        for row in _open(finding, "accounts")
    ]


def mass_deletions(finding: Finding) -> list[Cause]:
    """Accounts that deleted more than is usual; when and how many is what recovery starts from."""
    return [
        _cause(finding, "data.mass_deletion", row, f"{row['count']} deletions by account {row['account']}", "")
        for row in _open(finding, "accounts")
    ]


def unauthorized(finding: Finding) -> list[Cause]:
    """Accounts, or addresses without one, that keep being refused."""
    return [_refused(finding, row) for row in _open(finding, "sources")]


def _open(finding: Finding, name: str) -> list[Row]:
    rows = finding.data[name]
    assert isinstance(rows, list)
    return [row for row in rows if row["state"] in ("open", "running")][:MOST_CAUSES]


def _cause(finding: Finding, code: str, row: Row, summary: str, milder: str) -> Cause:
    usual = max(row["usual"], row["usual_of_all"])
    kinds = ([(milder, 20)] if milder else []) + [("all", 25)]
    return Cause(
        code=code,
        object=Object("account", row["account"], {"count": row["count"], "first": row["first"], "last": row["last"]}),
        confidence=confidence(row["count"], max(float(str(finding.data["least"])), usual)),
        summary=summary,
        target=finding.target,
        evidence=tuple(_evidence(row, float(str(finding.data["window"])))),
        remedies=tuple(_restrict(finding, row["account"], kind, rank, summary) for kind, rank in kinds),
        since=datetime.fromisoformat(row["first"]),
    )


def _evidence(row: Row, window: float) -> Iterable[str]:
    yield f"{row['count']} × {', '.join(row['actions'])} in {window / 60:g} min, {row['last_minute']} in the last one"
    yield f"the first at {row['first']}, the last at {row['last']}"
    own = f"{row['usual']} for this account" if row["usual"] else "this account has no habit of it"
    few = "too few others did it to compare"
    others = f"at most {row['usual_of_all']} for 95 % of those who do it" if row["usual_of_all"] else few
    yield f"usual in as long a time: {own}; {others}"
    new = "from where it did so before" if row["known_address"] else "from where it never did so before"
    yield f"from {row['addresses']} addresses, the last {new}"


def _restrict(finding: Finding, account: str, kind: str, rank: int, reason: str) -> Remedy:
    hours = int(float(str(finding.data["restrict_hours"])))
    args = {"account": account, "kind": kind, "hours": hours, "reason": reason}
    what = "exports" if kind == "export" else "everything"
    return Remedy(RESTRICT, finding.target, args, f"refuse {what} of account {account} for {hours} h", rank=rank)


def _refused(finding: Finding, row: Row) -> Cause:
    """An account may have kept an old link, and is named with less confidence; an address is noted for a token that was
    ended or that nobody ever had."""
    kind, who, count = row["kind"], row["who"], row["count"]
    less = 0.1 if kind == "account" else 0.0
    return Cause(
        code="security.unauthorized_access",
        object=Object(kind, who, {"count": count}),
        confidence=round(confidence(count, float(str(finding.data["least"]))) - less, 2),
        summary=f"{count} requests of {kind} {who} were refused: it asks for what it may not have",
        target=finding.target,
        evidence=(
            f"{count} refused requests in {float(str(finding.data['window'])) / 60:g} min",
            f"the first at {row['first']}, the last at {row['last']}",
            *((f"can't be blocked: {row['refusal']}",) if row["refusal"] else ()),
        ),
        remedies=_against(finding, row),
        since=datetime.fromisoformat(row["first"]),
    )


def _against(finding: Finding, row: Row) -> tuple[Remedy, ...]:
    reason = f"{row['count']} refused requests"
    if row["kind"] == "account":
        return (_restrict(finding, row["who"], "all", 20, reason),)
    if row["refusal"]:
        return ()
    minutes = int(float(str(finding.data["block_minutes"])))
    args = {"address": row["who"], "minutes": minutes, "reason": reason}
    return (Remedy(BLOCK, finding.target, args, f"block {row['who']} for {minutes / 60:g} h", rank=20),)
