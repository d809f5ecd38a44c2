"""The read-only probes of a server. Each looks, twice where a rate is needed, and says what it saw."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping

from hutch.model.finding import Seen, Status
from hutch.providers.redis import keys
from hutch.providers.redis.client import Client
from hutch.providers.redis.config import Config
from hutch.providers.redis.errors import RedisError
from hutch.providers.redis.figures import Info, Memory, grown, number, size

SHOWN_GROUPS = 5
LOOKUPS_LEAST = 20
"""Look-ups in the interval below which a share of misses says nothing."""


async def reachable(client: Client) -> Seen:
    """Whether the server answers, which it is, and whether its last save failed."""
    await client.ping()
    info = await client.info()
    kind = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version", "?")
    role = info.get("role", "?")
    data = {"version": version, "role": role, "kind": kind, "uptime": number(info, "uptime_in_seconds")}
    said = f"{kind} {version} {role} at {client.where}"
    if info.get("rdb_last_bgsave_status") == "err":
        return Seen(Status.WARN, f"{said}; its last save failed", data, ("rdb_last_bgsave_status: err",))
    return Seen(Status.OK, said, data)


async def memory(client: Client, config: Config) -> Seen:
    """How much of maxmemory is used, and what the server does about it: by change where it is nearly full."""
    before = after = Memory.of(await client.info())
    if before.percent >= config.memory_warn or (before.limit and (before.refused or before.evicted)):
        await asyncio.sleep(config.sample_gap)
        after = Memory.of(await client.info())
    data = _memory_data(before, after, config)
    full, thrashing = is_full(data, after, config), is_thrashing(data, config)
    nearly = after.percent >= config.memory_warn and after.keeps
    status = Status.BAD if full or thrashing else Status.WARN if nearly else Status.OK
    evidence = await keys.largest(client) if full or thrashing else ()
    figures = {**data, "full": full, "thrashing": thrashing}
    return Seen(status, _memory_said(after), figures, (*_memory_lines(data, config), *evidence))


def _memory_said(now: Memory) -> str:
    if not now.limit:
        return f"{size(now.used)} used, no maxmemory"
    policy = now.policy or "an unknown policy"
    return f"{size(now.used)} of {size(now.limit)} used ({now.percent:.0f} %), policy {policy}"


def _memory_data(before: Memory, after: Memory, config: Config) -> dict[str, float | str]:
    hits, misses = grown(before.hits, after.hits), grown(before.misses, after.misses)
    return {
        "used": after.used,
        "maxmemory": after.limit,
        "percent": round(after.percent, 1),
        "policy": after.policy,
        "total": after.total,
        "memory_share": config.memory_share,
        "refused": grown(before.refused, after.refused),
        "evicted": grown(before.evicted, after.evicted),
        "lookups": hits + misses,
        "misses": round(100 * misses / (hits + misses), 1) if hits + misses else 0.0,
    }


def is_full(data: Mapping[str, float | str], now: Memory, config: Config) -> bool:
    """Writes are refused for want of memory, or the next one will be."""
    return float(data["refused"]) > 0 or (now.keeps and now.percent >= config.memory_bad)


def is_thrashing(data: Mapping[str, float | str], config: Config) -> bool:
    """What is evicted is missed. Evicting alone is what a cache is for."""
    evicting = float(data["evicted"]) / config.sample_gap >= config.evicting_bad
    return evicting and float(data["lookups"]) >= LOOKUPS_LEAST and float(data["misses"]) >= config.misses_bad


def _memory_lines(data: Mapping[str, float | str], config: Config) -> tuple[str, ...]:
    gap = f"within {config.sample_gap:g} s"
    refused, evicted, lookups = (float(data[name]) for name in ("refused", "evicted", "lookups"))
    lines = (
        f"{refused:.0f} writes refused for want of memory {gap}" if refused else "",
        f"{evicted:.0f} keys evicted {gap}" if evicted else "",
        f"{data['misses']} % of {lookups:.0f} look-ups missed {gap}" if evicted and lookups else "",
    )
    return tuple(filter(None, lines))


async def clients(client: Client, config: Config) -> Seen:
    """How many of the clients that the server takes are there, and whether it turns any away."""
    info = await client.info()
    limit = number(info, "maxclients") or await _setting(client, "maxclients")
    connected, turned_away = number(info, "connected_clients"), 0.0
    nearly = bool(limit) and 100 * connected / limit >= config.clients_warn
    if nearly:
        await asyncio.sleep(config.sample_gap)
        later = await client.info()
        connected = number(later, "connected_clients")
        turned_away = grown(number(info, "rejected_connections"), number(later, "rejected_connections"))
    percent = 100 * connected / limit if limit else 0.0
    full = turned_away > 0 or percent >= config.clients_bad
    data = {
        "connected": connected,
        "maxclients": limit,
        "percent": round(percent, 1),
        "rejected": turned_away,
        "blocked": number(info, "blocked_clients"),
        "full": full,
    }
    said = f"{connected:.0f} of {limit:.0f} clients ({percent:.0f} %)" if limit else f"{connected:.0f} clients"
    lines = (f"{turned_away:.0f} clients turned away within {config.sample_gap:g} s",) if turned_away else ()
    if data["blocked"]:
        lines = (*lines, f"{data['blocked']:.0f} clients wait in a blocking command")
    groups = await _groups(client) if nearly else ()
    return Seen(Status.BAD if full else Status.WARN if nearly else Status.OK, said, data, (*lines, *groups))


async def _setting(client: Client, name: str) -> float:
    """A numeric setting by CONFIG GET; 0 where that is closed to us."""
    try:
        found = await client.ask("CONFIG", "GET", name)
    except RedisError:
        return 0.0
    return float(found[1]) if found else 0.0


async def _groups(client: Client) -> tuple[str, ...]:
    """The clients by where they come from and what they call themselves, the largest groups first."""
    try:
        listed = await client.ask("CLIENT", "LIST")
    except RedisError:
        return ()
    counted = Counter(_group(line) for line in keys.shown_lines(listed))
    return tuple(f"{count} × {who}" for who, count in counted.most_common(SHOWN_GROUPS))


def _group(line: str) -> str:
    found = dict(re.findall(r"(\w[\w-]*)=(\S*)", line))
    host = found.get("addr", "?").rpartition(":")[0] or "?"
    idle = int(found["idle"]) if found.get("idle", "").isdigit() else 0
    state = "idle for a minute or longer" if idle >= 60 else f"last command {found.get('cmd', '?')}"
    return f"{host} {found.get('name') or '(no name)'}: {state}"


def samples(info: Info) -> Mapping[str, tuple[float, str]]:
    """The figures worth keeping over time, each with its kind; without a limit no share of it is told."""
    held = Memory.of(info)
    clients_limit = number(info, "maxclients")
    connected = number(info, "connected_clients")
    found = {
        "redis_memory_bytes": (held.used, "gauge"),
        "redis_clients": (connected, "gauge"),
        "redis_blocked_clients": (number(info, "blocked_clients"), "gauge"),
        "redis_commands_per_second": (number(info, "instantaneous_ops_per_sec"), "gauge"),
        "redis_evicted_keys_total": (held.evicted, "counter"),
        "redis_refused_writes_total": (held.refused, "counter"),
        "redis_rejected_connections_total": (number(info, "rejected_connections"), "counter"),
        "redis_hits_total": (held.hits, "counter"),
        "redis_misses_total": (held.misses, "counter"),
    }
    if held.limit:
        found["redis_memory_used"] = (round(held.percent, 2), "gauge")
    if clients_limit:
        found["redis_clients_used"] = (round(100 * connected / clients_limit, 2), "gauge")
    return found
