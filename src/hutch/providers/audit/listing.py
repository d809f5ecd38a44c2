"""What is blocked and restricted, told as JSON: what stands, and what ended in the last days."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from hutch.model.action import Command, Outcome, Result
from hutch.providers.audit.arguments import BadArguments, whole
from hutch.providers.audit.client import AuditError, Client, Row
from hutch.providers.audit.config import Config
from hutch.providers.audit.networks import shown
from hutch.providers.audit.queries import query
from hutch.providers.audit.restrictions import masked

LONGEST_PAST = 3650
"""Days that a list goes back at most."""

MOST = 200_000
"""Rows that are read at most; a list that is cut there says so."""


def lists(client: Client, config: Config) -> Mapping[str, Callable[[Command], Awaitable[Outcome]]]:
    """``block.list`` and ``account.restrictions``. ``args``: ``days`` (of ended ones, 0: only what stands)."""
    return {
        "block.list": partial(_listed, client, config, "block_list", _block),
        "account.restrictions": partial(_listed, client, config, "restriction_list", _restriction),
    }


async def _listed(
    client: Client, config: Config, name: str, told: Callable[[Row], dict[str, object]], command: Command
) -> Outcome:
    try:
        days = whole(command.args, "days", LONGEST_PAST, LONGEST_PAST) if command.args.get("days") else 0
        rows = await client.rows(query(name, config), {"days": days, "most": MOST + 1})
    except (AuditError, BadArguments) as error:
        return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, AuditError) and error.recoverable)
    shown = [told(row) for row in rows[:MOST]]
    return Outcome(Result.DONE, f"{len(shown)} found", json.dumps({"rows": shown, "cut": len(rows) > MOST}))


def _block(row: Row) -> dict[str, object]:
    return {"address": shown(row["address"]), **_common(row, "blocked_until")}


def _restriction(row: Row) -> dict[str, object]:
    who = {"account": row["account"], "email": masked(row["email"]), "kind": row["kind"]}
    return {**who, **_common(row, "restricted_until")}


def _common(row: Row, until: str) -> dict[str, object]:
    return {
        "until": row[until].isoformat(), "since": row["at"].isoformat(), "reason": row["reason"],
        "times": row["times"], "stands": row["stands"],
    }  # fmt: skip
