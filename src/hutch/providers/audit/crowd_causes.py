"""An attack of many addresses over many accounts, each of which does too little to be told by itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from hutch.model.finding import Cause, Finding, Object, Remedy

BLOCK_CROWD, STEP_UP = "block.crowd", "limits.step_up"
CROSSED = 2
"""Pairs of address and account for each address or account, whichever are fewer, from which on it is an attack: where
log-ins are broken, everybody fails on an account of their own."""
LEAST_ACCOUNTS: Final = 5
"""Accounts below which an attack of many is one on these accounts."""

Data = Mapping[str, Any]


def is_attack(crowd: Data, limits: Data) -> bool:
    """Whether addresses where nobody logs in do together what people don't.

    >>> limits = {"crowd_addresses": 20, "crowd_failures": 100}
    >>> spray = {"networks": 50, "counted": 400, "accounts": 40, "crossed": 400, "unlike": 50}
    >>> is_attack(spray, limits)
    True
    >>> is_attack(spray | {"accounts": 400, "networks": 400, "unlike": 0}, limits)  # everybody tries their own: broken
    False
    """
    if crowd["networks"] < limits["crowd_addresses"] or crowd["counted"] < limits["crowd_failures"]:
        return False
    crossed = crowd["crossed"] >= CROSSED * min(crowd["networks"], crowd["accounts"])
    unlike_people = crowd["unlike"] >= limits["crowd_addresses"]
    return bool(crowd["accounts"] >= LEAST_ACCOUNTS and (crossed or unlike_people))


def of_crowd(finding: Finding) -> list[Cause]:
    """The one cause, while such an attack runs."""
    crowd: Any = finding.data.get("crowd")
    if not crowd or crowd["state"] != "running":
        return []
    return [
        Cause(
            code="security.brute_force",
            object=Object("service", crowd["service"], {"failures": crowd["failures"], "addresses": crowd["networks"]}),
            confidence=0.9 if crowd["named"] else 0.75,
            summary=(
                f"{crowd['failures']} failed log-ins from {crowd['networks']} addresses on "
                f"{crowd['accounts']} accounts: one attack, spread"
            ),
            target=finding.target,
            evidence=(
                f"nobody logged in from any of these {crowd['networks']} addresses lately",
                f"{crowd['crossed']} pairs of address and account, {crowd['last_minute']} failures in the last minute",
                f"the first at {crowd['first']}, the last at {crowd['last']}",
                f"{len(crowd['named'])} of them do what people hardly do, and may be blocked",
                *((f"{crowd['kept_out']} of them are kept out by a block already",) if crowd["kept_out"] else ()),
                *((f"log-ins are limited {crowd['stepped']} times as strictly already",) if crowd["stepped"] else ()),
            ),
            remedies=(*_blocks(finding, crowd), *_steps(finding, crowd)),
            since=datetime.fromisoformat(crowd["first"]),
        )
    ]


def _blocks(finding: Finding, crowd: Data) -> tuple[Remedy, ...]:
    if not crowd["named"]:
        return ()
    minutes, reason = crowd["block_minutes"], f"brute force from many addresses since {crowd['first'][:16]}"
    args = {"addresses": list(crowd["named"]), "minutes": minutes, "reason": reason}
    said = f"block {len(crowd['named'])} addresses for {minutes / 60:g} h"
    return (Remedy(BLOCK_CROWD, finding.target, args, said, rank=15),)


def _steps(finding: Finding, crowd: Data) -> tuple[Remedy, ...]:
    if crowd["stepped"] or not crowd["can_step"]:
        return ()
    divisor, minutes = crowd["step_divisor"], crowd["step_minutes"]
    args = {"kind": "login", "divisor": divisor, "minutes": minutes, "reason": "brute force from many addresses"}
    said = f"allow {divisor} times fewer failed log-ins of each address and account for {minutes} min"
    return (Remedy(STEP_UP, finding.target, args, said, rank=30),)
