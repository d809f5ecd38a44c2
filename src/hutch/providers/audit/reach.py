"""How far a breach reached: whose data, which kinds of it, from which addresses; and what looked wrong meanwhile."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from hutch.model.action import Command, Outcome, Result
from hutch.model.event import parse_instant
from hutch.providers.audit.arguments import Args, BadArguments
from hutch.providers.audit.client import AuditError, Client, Row
from hutch.providers.audit.config import Config
from hutch.providers.audit.queries import query

MOST_PEOPLE = 1_000_000
MOST_NAMED = 1000
PARTS = ("people", "wide", "suspicious", "hours", "addresses", "languages")
"""Queries about reach, each with what follows ``reach_`` in its name."""

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "exported": ("account", "profile", "portfolios", "sessions", "activity"),
    "accessed": ("portfolios",),
}
"""What is in an export, and what a read shows."""


def reads(client: Client, config: Config) -> Mapping[str, Callable[[Command], Awaitable[Outcome]]]:
    """``breach.reach``. ``args``: ``since`` and ``until``; ``addresses`` and ``accounts`` to narrow it."""
    return {"breach.reach": partial(_reach, client, config)}


async def _reach(client: Client, config: Config, command: Command) -> Outcome:
    try:
        asked = reach_of(command.args, config)
        parts = {name: await client.rows(query(f"reach_{name}", config), asked) for name in PARTS}
    except (AuditError, BadArguments) as error:
        return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, AuditError) and error.recoverable)
    found = [_person(row, config) for row in parts["people"]]
    told = {
        "since": asked["since"],
        "until": asked["until"],
        "people": found,
        "categories": sorted({c for kind in CATEGORIES if any(p[kind] for p in found) for c in CATEGORIES[kind]}),
        "addresses": sorted({a for person in found for a in person["addresses"]}),
        "unusual": sum(1 for person in found if person["unusual"]),
        "wide": _plain(parts["wide"][0]),
        "suspicious": [_plain(row) for row in parts["suspicious"]],
        "hours": [_plain(row) for row in parts["hours"]],
        "trail": [_plain(row) for row in parts["addresses"]],
        "languages": {row["language"]: row["people"] for row in parts["languages"]},
    }
    return Outcome(Result.DONE, f"{len(found)} people reached", json.dumps(told))


def reach_of(args: Args, config: Config) -> dict[str, object]:
    """The parameters of every query about reach. Raises :class:`BadArguments`."""
    since, until = _moment(args, "since"), _moment(args, "until")
    if until <= since:
        raise BadArguments("until must be after since")
    addresses, accounts = _named(args, "addresses"), _named(args, "accounts")
    try:
        networks = [str(ipaddress.ip_network(address, strict=False)) for address in addresses]
    except ValueError:
        raise BadArguments("addresses must be addresses or networks such as 198.18.0.0/28") from None
    return {
        "since": since.isoformat(), "until": until.isoformat(), "addresses": networks, "accounts": accounts,
        "history_days": config.whole("history_days"), "most": MOST_PEOPLE,
        "language_column": config.columns["language"],
    }  # fmt: skip


def _moment(args: Args, name: str) -> datetime:
    try:
        return parse_instant(str(args.get(name) or ""))
    except ValueError:
        raise BadArguments(f"{name} must be a time such as 2026-01-31T10:00:00Z, not {args.get(name)!r}") from None


def _named(args: Args, name: str) -> list[str]:
    value = args.get(name) or []
    if not isinstance(value, list | tuple) or len(value) > MOST_NAMED or not all(isinstance(v, str) for v in value):
        raise BadArguments(f"{name} must be a list of at most {MOST_NAMED} texts")
    return [str(v) for v in value]


def _person(row: Row, config: Config) -> dict[str, Any]:
    usual, factor = max(row["usual"], row["usual_of_all"]), config.number("usual_factor")
    unusual = row["exported"] > max(config.whole("exports_per_account"), factor * usual)
    addresses = [a.split("/")[0] for a in row["addresses"] if a]
    own, everybody = round(row["usual"], 2), round(row["usual_of_all"], 2)
    return {
        **_plain(row), "addresses": addresses, "usual": round(usual, 2), "own": own, "usual_of_all": everybody,
        "unusual": unusual,
    }  # fmt: skip


def _plain(row: Row) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in row.items()}
