"""The read-only probes of sessions. Each looks, and says what it saw."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence

from hutch.model.finding import Seen, Status
from hutch.providers.postgres.capacity_causes import all_in_use
from hutch.providers.postgres.client import Client, Row
from hutch.providers.postgres.config import Config
from hutch.providers.postgres.hoards import holders
from hutch.providers.postgres.looks import NEEDS_MONITOR, SHOWN_GROUPS, described
from hutch.providers.postgres.queries import query
from hutch.providers.postgres.sessions import Session

_GROUP = ("role", "application", "state", "sessions", "oldest", "longest")
LAST = 1
"""A server with no more than this many connections left is full: on a small one that is short of any percentage."""


async def reachable(client: Client) -> Seen:
    """Whether the server answers a statement, and which server it is."""
    [row] = await client.rows(query("server"))
    return answered(row, client.where)


OLDEST = 14
"""The oldest major version that the queries are written for."""


def answered(row: Row, where: str) -> Seen:
    """Which server it is; one that is too old answers, and can't be looked into."""
    data = {"version": row["version"], "database": row["database"], "login": row["login"], "standby": row["standby"]}
    kind = "standby" if row["standby"] else "server"
    summary = f"PostgreSQL {row['version']} {kind} at {where}, database {row['database']}"
    if row["version_number"] < OLDEST * 10_000:
        reason = f"version {row['version']} is too old: the checks are for {OLDEST} and later, and most will fail"
        return Seen(Status.UNKNOWN, summary, data, reason=reason)
    return Seen(Status.OK, summary, data)


async def connections(client: Client, config: Config) -> Seen:
    """How many of the connections that ordinary roles may use are taken, and by whom."""
    rows = await client.rows(query("connections"))
    used = sum(row["sessions"] for row in rows)
    usable = max(rows[0]["max_connections"] - rows[0]["reserved"], 1)
    percent = 100.0 * used / usable
    bad = percent >= config.used_bad or usable - used <= LAST
    full = await holders(client, config) if bad else []
    data = {
        "used": used,
        "usable": usable,
        "percent": round(percent, 1),
        "warn": config.used_warn,
        "bad": min(config.used_bad, percent) if bad else config.used_bad,
        "database": client.database,
        "states": dict(_totals(rows, "state")),
        "groups": [{name: row[name] for name in _GROUP} for row in rows],
        "holders": [holder.as_dict() for holder in full],
        "hoard_share": config.hoard_share,
        "max_sessions": config.max_sessions,
    }
    busy = used < usable and all_in_use(full, config.hoard_share / 100 * usable)
    status = Status.BAD if bad and not busy else Status.WARN if percent >= config.used_warn else Status.OK
    return Seen(status, f"{used} of {usable} usable connections ({percent:.0f} %)", data, _largest(rows))


def _totals(rows: Sequence[Row], name: str) -> Counter[str]:
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row[name]] += row["sessions"]
    return totals


def _largest(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(
        f"{row['sessions']} × {row['role'] or 'unknown role'} {row['application'] or '(no application name)'}: "
        f"{row['state']} for up to {row['longest']:.0f} s, the oldest {row['oldest']:.0f} s old"
        for row in rows[:SHOWN_GROUPS]
    )


async def idle_in_transaction(client: Client, config: Config) -> Seen:
    """Transactions that stayed open without a statement: there at both looks, and idle for long enough at the second.

    Without a candidate at the first look there is no second one. Short transactions of a busy service move on
    between the looks and so are never taken for idle.
    """
    first = await _idle_sessions(client, config)
    if first:
        await asyncio.sleep(config.sample_gap)
    second = await _idle_sessions(client, config) if first else []
    stayed = [s for s in second if s.idle_seconds >= config.idle_in_transaction_after and any(map(s.same, first))]
    [row] = await client.rows(query("hidden"))
    data = {
        "sessions": [session.as_dict() for session in stayed],
        "leak_sessions": config.leak_sessions,
        "old_after": config.old_transaction_after,
        "hidden": row["hidden"],
    }
    summary = f"{len(stayed)} sessions idle in a transaction" if stayed else "no session idle in a transaction"
    if row["hidden"] and not stayed:
        return Seen(Status.UNKNOWN, f"{row['hidden']} sessions can't be looked into", data, reason=NEEDS_MONITOR)
    return Seen(Status.WARN if stayed else Status.OK, summary, data, tuple(map(described, stayed[:SHOWN_GROUPS])))


async def _idle_sessions(client: Client, config: Config) -> list[Session]:
    return [Session.seen(row) for row in await client.rows(query("idle_in_transaction"), config.protection())]


async def long_queries(client: Client, config: Config) -> Seen:
    """Statements that have run for long; those of backups and upkeep are listed, and never blamed."""
    rows = await client.rows(query("long_queries"), config.protection() | {"after": config.long_query_after})
    sessions = [Session.seen(row) for row in rows]
    data = {"sessions": [session.as_dict() for session in sessions]}
    summary = f"{len(sessions)} statements run for {config.long_query_after:g} s or longer"
    status = Status.WARN if any(not session.exempt for session in sessions) else Status.OK
    return Seen(status, summary, data, tuple(map(described, sessions[:SHOWN_GROUPS])))


async def seeing(client: Client, look: Awaitable[Seen]) -> Seen:
    """What a look into sessions brought; having seen nothing where sessions are closed to this login is no health."""
    seen = await look
    if seen.status is not Status.OK:
        return seen
    [row] = await client.rows(query("hidden"))
    if not row["hidden"]:
        return seen
    return Seen(Status.UNKNOWN, f"{row['hidden']} sessions can't be looked into", seen.data, reason=NEEDS_MONITOR)


async def invalid_indexes(client: Client, config: Config) -> Seen:
    """Indexes that were left half-made: there at both looks, and nobody builds them."""
    first = await client.rows(query("invalid_indexes"))
    if first:
        await asyncio.sleep(config.sample_gap)
    known = {(row["schema"], row["index"]) for row in first}
    rows = (
        [r for r in await client.rows(query("invalid_indexes")) if (r["schema"], r["index"]) in known] if first else []
    )
    summary = f"{len(rows)} invalid indexes" if rows else "every index is valid"
    lines = tuple(row["definition"] for row in rows[:SHOWN_GROUPS])
    return Seen(Status.WARN if rows else Status.OK, summary, {"indexes": rows}, lines)


async def reader_is_read_only(client: Client) -> Seen:
    """Proves from the catalogue that the reading login could not write even outside a READ ONLY transaction."""
    rights = tuple(str(row["right"]) for row in await client.rows(query("write_rights")))
    if not rights:
        return Seen(Status.OK, "the reading login can't write", {"can_write": False})
    reason = "give Hutch a login of its own with CONNECT and pg_monitor alone"
    return Seen(Status.WARN, "the reading login could write", {"can_write": True}, rights, reason)
