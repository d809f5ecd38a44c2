"""Attacks on log-ins: from one address, on one account from many, over many accounts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hutch.model.finding import Cause, Finding, Object, Remedy
from hutch.providers.audit.crowd_causes import of_crowd

BLOCK, RESTRICT = "block.add", "account.restrict"
ALMOST_ALL = 0.8
"""The share of an address's failures on one account from which on it belongs to the attack on that account."""
MOST_CAUSES = 20
"""Addresses that one diagnosis names; the others stand in the finding."""

Row = Mapping[str, Any]


def attacks(finding: Finding) -> list[Cause]:
    """The running ones: one of many addresses over many accounts, accounts attacked from many addresses, then the
    addresses that belong to no such attack. Nobody is locked out for being one of a crowd's victims."""
    data: Mapping[str, Any] = finding.data
    crowd = of_crowd(finding)
    addresses, accounts = _running(data["addresses"]), _running(data["accounts"])
    distributed = [row for row in accounts if row["networks"] >= data["distributed_addresses"]]
    if data["crowd"]:  # also one that is handled: its victims stay victims
        addresses = [row for row in addresses if row["address"] not in set(data["crowd"]["named"])]
        distributed = [row for row in distributed if row["opened"] or row["failures"] > data["crowd"]["failures"] / 2]
    targets = {row["account"] for row in distributed}
    single = [row for row in addresses if not _is_of(row, targets)]
    return [
        *crowd,
        *(_on_account(finding, row, [a for a in addresses if _is_of(a, {row["account"]})]) for row in distributed),
        *(_from_address(finding, row) for row in single[:MOST_CAUSES]),
    ]


def _running(rows: object) -> list[Row]:
    assert isinstance(rows, list)
    return [row for row in rows if row["state"] == "running"]


def _is_of(address: Row, accounts: Iterable[str]) -> bool:
    return address["most_account"] in accounts and address["most"] >= ALMOST_ALL * address["failures"]


def _from_address(finding: Finding, row: Row) -> Cause:
    data, address, failures = finding.data, row["address"], row["failures"]
    return Cause(
        code="security.brute_force",
        object=Object("address", address, {"failures": failures, "accounts": row["accounts"]}),
        confidence=confidence(failures, float(str(data["failures_per_address"])) + row["visitors"]),
        summary=f"{failures} failed log-ins from {address} on {_count(row['accounts'], 'account')}",
        target=finding.target,
        evidence=tuple(_address_evidence(row, data)),
        remedies=(*_blocks([row], finding), *_restrictions(finding, row)),
        since=datetime.fromisoformat(row["first"]),
    )


def _address_evidence(row: Row, data: Mapping[str, object]) -> Iterable[str]:
    minutes = float(str(data["window"])) / 60
    yield f"{row['failures']} failed log-ins in {minutes:g} min, {row['last_minute']} of them in the last minute"
    yield f"the first at {row['first']}, the last at {row['last']}"
    yield f"on {_count(row['accounts'], 'account')}, at most {row['most']} on one"
    if row["addresses"] > 1:
        yield f"up to {row['addresses']} addresses of this network tried the same account"
    for account in row["opened"]:
        yield f"account {account} was opened from there after more failures than typos make: treat it as taken over"
    if row["neighbours"]:
        users, days = _count(row["neighbours"], "other user"), data["neighbour_days"]
        yield f"{users} logged in from there in the last {days:g} days: it is shared, a block would lock them out"
    if row["refusal"]:
        yield f"can't be blocked: {row['refusal']}"


def _on_account(finding: Finding, row: Row, from_where: list[Row]) -> Cause:
    account, failures = row["account"], row["failures"]
    taken = ("it was opened after more failures than typos make: treat it as taken over",) if row["opened"] else ()
    return Cause(
        code="security.brute_force",
        object=Object("account", account, {"failures": failures, "addresses": row["networks"]}),
        confidence=confidence(failures, float(str(finding.data["failures_per_address"]))),
        summary=f"{failures} failed log-ins on account {account} from {row['networks']} addresses",
        target=finding.target,
        evidence=(
            f"{failures} failed log-ins from {row['networks']} networks, {row['last_minute']} in the last minute",
            f"the first at {row['first']}, the last at {row['last']}",
            *taken,
        ),
        remedies=(_restrict(finding, account, "all" if row["opened"] else "login", 20), *_blocks(from_where, finding)),
        since=datetime.fromisoformat(row["first"]),
    )


def _blocks(rows: list[Row], finding: Finding) -> tuple[Remedy, ...]:
    """A block of each address that may be blocked and that nobody else needs."""
    data = finding.data
    free = [row for row in rows if not row["refusal"] and row["neighbours"] <= float(str(data["neighbours"]))]
    return tuple(_block(row, finding) for row in free)


def _block(row: Row, finding: Finding) -> Remedy:
    minutes = int(row["block_minutes"])
    again = f", blocked {row['former']} times before" if row["former"] else ""
    reason = f"brute force: {row['failures']} failed log-ins{again}"
    args = {"address": row["address"], "minutes": minutes, "reason": reason}
    return Remedy(BLOCK, finding.target, args, f"block {row['address']} for {minutes / 60:g} h", rank=20)


def _restrictions(finding: Finding, row: Row) -> tuple[Remedy, ...]:
    """Accounts that were opened; where all of it is on one account and no block is possible, that one."""
    opened = tuple(_restrict(finding, account, "all", 25) for account in row["opened"])
    alone = row["accounts"] == 1 and row["most_account"] and not row["opened"]
    return (*opened, *((_restrict(finding, row["most_account"], "login", 30),) if alone else ()))


def _restrict(finding: Finding, account: str, kind: str, rank: int) -> Remedy:
    hours = int(float(str(finding.data["restrict_hours"])))
    args = {"account": account, "kind": kind, "hours": hours, "reason": "brute force on this account"}
    what = "everything" if kind == "all" else "log-ins"
    return Remedy(RESTRICT, finding.target, args, f"refuse {what} of account {account} for {hours} h", rank=rank)


def confidence(count: float, limit: float) -> float:
    """How sure a count past its limit makes: from 0.6 just past the limit to 0.95 at ten times as many."""
    return round(min(0.95, 0.6 + 0.35 * (count / limit - 1.0) / 9.0), 2)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
