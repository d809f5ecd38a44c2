"""The read-only probes of a service's own logs. Findings hold counts and user ids, never what anybody wrote."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Finding, Seen, Status
from hutch.providers.audit.client import AuditError, Client, Row
from hutch.providers.audit.config import SETTLING, Config
from hutch.providers.audit.crowd_seen import crowd
from hutch.providers.audit.networks import grown, network_of, refusal, shown
from hutch.providers.audit.queries import parameters, query


@dataclass(frozen=True, slots=True)
class Probe:
    """A check: a look with its name, target and clock. A failure becomes "could not tell" with the reason."""

    name: str
    target: str
    look: Callable[[], Awaitable[Seen]]
    now: Callable[[], datetime]

    async def __call__(self) -> Finding:
        started, at = time.monotonic(), self.now()
        try:
            seen = await self.look()
        except AuditError as error:
            seen = Seen(Status.UNKNOWN, f"could not look: {error}", reason=str(error))
        return seen.by(self.name, self.target, at, time.monotonic() - started)


async def logins(client: Client, config: Config, service: str) -> Seen:
    """Failed log-ins by address, by account, and of many addresses together. Typos, and a shared address with many
    users, are no attack."""
    [total] = await client.rows(query("login_totals", config), parameters(config))
    if total["failures"] <= min(config.whole("failures_per_address"), config.whole("failures_per_account")):
        said = f"{total['failures']} failed log-ins in {span(config.number('window'))}"
        return Seen(Status.OK, said, {"total": total["failures"], "addresses": [], "accounts": [], "crowd": {}})
    by_address = await client.rows(query("by_address", config), parameters(config))
    by_account = await client.rows(query("by_account", config), parameters(config))
    addresses = [_address(row, config) for row in by_address]
    accounts = [_account(row, config) for row in by_account]
    together = await crowd(client, config, service) if total["failures"] >= config.number("crowd_failures") else {}
    found = {"addresses": addresses, "accounts": accounts, "crowd": together}
    data = {"total": total["failures"], **found, **_proposals(config)}
    said = f"{total['failures']} failed log-ins in {span(config.number('window'))}"
    worst = _worst([*addresses, *accounts, *([together] if together else [])])
    return Seen(worst, said, data, tuple(_line(row) for row in addresses[:5]))


def _proposals(config: Config) -> dict[str, object]:
    return {name: config.number(name) for name in _PROPOSED}


_PROPOSED = (
    "distributed_addresses", "failures_per_address", "restrict_hours", "neighbours", "neighbour_days", "window",
)  # fmt: skip


def _address(row: Row, config: Config) -> dict[str, object]:
    network = network_of(row["network"])
    return {
        **{name: row[name] for name in ("failures", "typos", "accounts", "most", "most_account", "last_minute")},
        **{name: row[name] for name in ("addresses", "opened", "neighbours", "visitors", "former")},
        "block_minutes": grown(config, row["former"]),
        "address": shown(network),
        "first": row["first"].isoformat(),
        "last": row["last"].isoformat(),
        "refusal": refusal(network, config.protected),
        "state": _state(row, row["blocked_at"], config.number("attack_over_after")),
    }


def _account(row: Row, config: Config) -> dict[str, object]:
    return {
        **{name: row[name] for name in ("account", "failures", "networks", "last_minute", "opened")},
        "first": row["first"].isoformat(),
        "last": row["last"].isoformat(),
        "state": _state(row, row["restricted_at"], config.number("attack_over_after")),
    }


def _state(row: Row, handled_at: datetime | None, over_after: float) -> str:
    """``running``; ``handled`` by a block or restriction since which nothing came; ``over`` by itself."""
    if handled_at is not None and (row["last"] - handled_at).total_seconds() <= SETTLING:
        return "handled"
    return "over" if row["quiet"] > over_after else "running"


def _worst(rows: list[dict[str, object]]) -> Status:
    if any(row["state"] == "running" for row in rows):
        return Status.BAD
    return Status.WARN if rows else Status.OK


def _line(row: Mapping[str, object]) -> str:
    return f"{row['address']}: {row['failures']} failed log-ins on {row['accounts']} accounts, {row['state']}"


def span(seconds: float) -> str:
    """A length of time in words.

    >>> span(3600), span(90), span(86400)
    ('60 min', '90 s', '24 h')
    """
    if seconds >= 7200:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds >= 120 else f"{seconds:g} s"
