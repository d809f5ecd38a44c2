"""What is looked at in the database. Each look says what it needs, and goes on without it as far as it can."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql

from hutch.model.finding import Finding, Seen, Status
from hutch.providers.supabase.config import Config
from hutch.providers.supabase.database import Closed, Database
from hutch.providers.supabase.queries import query
from hutch.remote import Refused, Silent

GB = 1024.0**3
STATS = "pg_read_all_stats"
NEEDS: Mapping[str, str] = {
    "supabase.rest": "an API key that may ask /rest/v1/",
    "supabase.connections": f"CONNECT; states of others' sessions: {STATS}",
    "supabase.long_queries": STATS,
    "supabase.statements": f"the extension pg_stat_statements, USAGE on its schema, {STATS}",
    "supabase.size": "CONNECT",
    "supabase.slots": "CONNECT",
}
"""What the login, or the key, must have."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A check: a look with its name and clock. What can't be seen becomes a finding that says why."""

    name: str
    target: str
    look: Callable[[], Awaitable[Seen]]
    now: Callable[[], datetime]
    matters: bool

    async def __call__(self) -> Finding:
        """Look."""
        at, started = self.now(), time.monotonic()
        try:
            seen = await self.look()
        except Closed as error:
            reason = f"{error}: needs {NEEDS[self.name]}"
            seen = Seen(Status.UNKNOWN, "closed to this login", reason=reason)
        except (Refused, Silent) as error:
            seen = Seen(Status.UNKNOWN, f"could not look: {error}", reason=str(error))
        return seen.by(self.name, self.target, at, time.monotonic() - started, self.matters)


async def connections(database: Database, config: Config) -> Seen:
    """How many of the usable connections are taken, and by which roles."""
    rows = await database.rows(query("connections"))
    used, usable = sum(row["sessions"] for row in rows), max(int(rows[0]["usable"]), 1) if rows else 1
    percent, hidden = 100.0 * used / usable, sum(row["hidden"] for row in rows)
    status = Status.BAD if percent >= config.used_bad else Status.WARN if percent >= config.used_warn else Status.OK
    told = f"{used} of {usable} usable connections ({percent:.0f} %)"
    told += f"; what {hidden} of them do is closed: needs {STATS}" if hidden else ""
    data = {"used": used, "usable": usable, "percent": round(percent, 1), "hidden": hidden}
    return Seen(status, told, data, tuple(f"{row['sessions']} × {row['role']}" for row in rows[:5]))


async def long_queries(database: Database, config: Config) -> Seen:
    """Statements that run for long. Having seen none is no health where sessions are closed."""
    rows = await database.rows(query("long_queries"), {"after": config.long_query})
    found, [last] = [row for row in rows if row["pid"] is not None], rows[-1:]
    lines = tuple(f"pid {row['pid']}, {row['role']}: for {row['seconds']:.0f} s" for row in found[:5])
    if last["hidden"] and not found:
        reason = f"{last['hidden']} sessions can't be looked into: needs {STATS}: grant {STATS} to {last['login']}"
        return Seen(Status.UNKNOWN, f"{last['hidden']} sessions can't be looked into", {}, reason=reason)
    told = f"{len(found)} statements run for {config.long_query:g} s or longer"
    return Seen(Status.WARN if found else Status.OK, told, {"pids": [row["pid"] for row in found]}, lines)


async def statements(database: Database) -> Seen:
    """What took the most time of all since the figures were last reset."""
    places = await database.rows(query("statements_place"))
    if not places:
        reason = "needs the extension pg_stat_statements: Dashboard, Database, Extensions"
        return Seen(Status.UNKNOWN, "statements are not counted", reason=reason)
    [place] = places
    if not place["usable"]:
        grant = f"grant usage on schema {place['schema']} to {place['login']}"
        return Seen(Status.UNKNOWN, "statements are closed to this login", reason=f"needs USAGE: {grant}")
    text = sql.SQL(query("statements")).format(schema=sql.Identifier(place["schema"]))
    rows = await database.rows(text)
    lines = tuple(f"{r['id']}: {r['calls']} × {r['mean_ms']:.1f} ms, {r['seconds']:.0f} s in all" for r in rows)
    total, hidden = (rows[0]["statements"], rows[0]["hidden"]) if rows else (0, 0)
    if hidden:
        reason = f"needs {STATS}: grant {STATS} to {place['login']}"
        return Seen(Status.UNKNOWN, f"{hidden} of {total} statements are hidden", {}, lines, reason)
    return Seen(Status.OK, f"{total} statements are counted", {}, lines)


async def size(database: Database, config: Config) -> Seen:
    """How full the disk of the plan is, and whether Supabase has made the project read-only for that."""
    [row] = await database.rows(query("size"))
    used = row["bytes"] / GB
    percent = round(100 * used / config.disk, 1) if config.disk else None
    data = {"database": row["database"], "gb": round(used, 3), "percent": percent, "read_only": row["read_only"]}
    told = f"{row['database']} has {used:.2f} GB" + (f" of {config.disk:g} GB ({percent} %)" if config.disk else "")
    if row["read_only"]:
        return Seen(Status.BAD, f"{told}; it is read-only, as Supabase makes it when its disk is nearly full", data)
    return Seen(Status.WARN if percent and percent >= config.disk_warn else Status.OK, told, data)


async def slots(database: Database, config: Config) -> Seen:
    """Replication slots that hold back WAL for nobody, as one of a Realtime that is gone."""
    rows = await database.rows(query("slots"))
    idle = [row for row in rows if not row["active"] and row["bytes"] >= config.slot_wal * GB]
    lines = tuple(f"{r['name']}: {r['bytes'] / GB:.2f} GB, {'' if r['active'] else 'not '}in use" for r in rows[:5])
    told = f"{len(idle)} of {len(rows)} replication slots hold back {config.slot_wal:g} GB or more for nobody"
    return Seen(Status.WARN if idle else Status.OK, told, {"slots": [row["name"] for row in idle]}, lines)
