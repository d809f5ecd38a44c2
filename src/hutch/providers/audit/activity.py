"""The read-only probes of what users do in numbers: exports, deletions, refused requests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hutch.model.finding import Seen, Status
from hutch.model.pattern import like
from hutch.providers.audit.checks import span
from hutch.providers.audit.client import Client, Row
from hutch.providers.audit.config import SETTLING, Config
from hutch.providers.audit.networks import network_of, refusal, shown
from hutch.providers.audit.queries import parameters, query


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that accounts do: its event, what undoes it beforehand, its settings, what stops it."""

    event: str
    undone_by: str
    window: str
    least: str
    kinds: tuple[str, ...]
    words: str


EXPORTS = Deed("exported", "", "export_window", "exports_per_account", ("all", "export"), "exports")
DELETIONS = Deed("deleted", "created", "deletion_window", "deletions_per_account", ("all",), "deletions")


async def deeds(client: Client, config: Config, deed: Deed) -> Seen:
    """Who did it unusually often: for everybody, and for this account itself."""
    params = _parameters(config, deed)
    [total] = await client.rows(query("act_totals", config), params)
    said = f"{total['count']} {deed.words} by {total['accounts']} accounts in {span(config.number(deed.window))}"
    found: list[dict[str, Any]] = []
    if total["count"] > config.number(deed.least):
        found = [_deed(row, config) for row in await client.rows(query("activity", config), params)]
    status = Status.BAD if any(row["state"] == "open" for row in found) else Status.WARN if found else Status.OK
    data = {
        "total": total["count"],
        "accounts": found,
        "window": config.number(deed.window),
        "least": config.number(deed.least),
        "restrict_hours": config.whole("restrict_hours"),
    }
    return Seen(status, said, data, tuple(_line(row, deed) for row in found[:5]))


def _parameters(config: Config, deed: Deed) -> dict[str, object]:
    return {
        **parameters(config),
        "acts": like(config.events[deed.event]),
        "undone_by": like(config.events[deed.undone_by]) if deed.undone_by else None,
        "act_window": config.number(deed.window),
        "least": config.number(deed.least),
        "kinds": list(deed.kinds),
    }


def _deed(row: Row, config: Config) -> dict[str, Any]:
    names = ("account", "count", "last_minute", "actions", "addresses", "address", "known_address")
    return {
        **{name: row[name] for name in (*names, "usual", "usual_of_all")},
        "first": row["first"].isoformat(),
        "last": row["last"].isoformat(),
        "state": _state(row, config.number("open_for")),
    }


def _state(row: Row, open_for: float) -> str:
    """``handled`` by a restriction since which nothing more came; ``over`` for long; else ``open``: to be seen to."""
    handled_at = row["restricted_at"]
    if handled_at is not None and (row["last"] - handled_at).total_seconds() <= SETTLING:
        return "handled"
    return "over" if row["quiet"] > open_for else "open"


def _line(row: dict[str, Any], deed: Deed) -> str:
    return f"account {row['account']}: {row['count']} {deed.words}, usual for it are {row['usual']}, {row['state']}"


async def refused(client: Client, config: Config) -> Seen:
    """Accounts and addresses that keep asking for what they may not have."""
    rows = await client.rows(query("refused", config), parameters(config))
    found = [_source(row, config) for row in rows]
    status = Status.BAD if any(row["state"] == "running" for row in found) else Status.WARN if found else Status.OK
    data = {
        "sources": found,
        "window": config.number("window"),
        "least": config.number("unauthorized_per_source"),
        "restrict_hours": config.whole("restrict_hours"),
        "block_minutes": config.whole("block_minutes"),
    }
    many = f"more than {config.whole('unauthorized_per_source')} refused requests in {span(config.number('window'))}"
    return Seen(status, f"{len(found)} accounts or addresses with {many}", data, tuple(map(_source_line, found[:5])))


def _source(row: Row, config: Config) -> dict[str, Any]:
    network = network_of(row["who"]) if row["kind"] == "address" else None
    return {
        "kind": row["kind"],
        "who": shown(network) if network else row["who"],
        "count": row["count"],
        "networks": row["networks"],
        "first": row["first"].isoformat(),
        "last": row["last"].isoformat(),
        "refusal": refusal(network, config.protected) if network else "",
        "state": "over" if row["quiet"] > config.number("attack_over_after") else "running",
    }


def _source_line(row: dict[str, Any]) -> str:
    return f"{row['kind']} {row['who']}: {row['count']} refused requests, {row['state']}"
