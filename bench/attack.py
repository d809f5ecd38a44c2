"""A mixed attack on RoleRabbit while its users go on: how soon an address is blocked, and whether anybody else is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import psycopg

from bench.measure import Figure, Goal, Ratio, spread
from bench.replica import service
from hutch.ports import Connection, TargetConfig
from hutch.providers.audit import provider
from hutch.providers.audit.crowd_causes import is_attack
from rolerabbit.loadattack import Attack, Kind, run
from rolerabbit.loadgen import Plan
from rolerabbit.loadgen import run as visit

INTERVAL = 5.0
"""Seconds between two evaluations."""
Turn = tuple[Kind, int, float, float]
"""Kind, addresses, attempts a second, seconds."""
ATTACKS: tuple[Turn, ...] = (
    ("brute-force", 1, 4.0, 40.0),
    ("brute-force", 50, 12.0, 60.0),
    ("spraying", 5000, 40.0, 450.0),
)
"""One after the other."""
VISITS = 8.0
"""Requests a second of visitors and users with sessions."""
USERS, OFFICE = 12, 12
"""Users who log in from an address of their own, and users behind one address; every other one mistypes first."""
PASSWORD = "of a user who may mistype"  # noqa: S105 - of accounts that this measurement makes

HOW = (
    "RoleRabbit's replica is attacked in turn ({turns}; {attempts:,} attempts in all, by X-Forwarded-For from the "
    "trusted proxy), while visitors make {visits:g} requests a second, {users} users log in from addresses of "
    "their own and {office} behind one shared address, many with typos. Hutch's checks read the security log "
    "every {interval:g} s; what the causes propose against addresses is applied at once, as if it were approved. "
    "An address is over the threshold with its 11th failed log-in, or, once the attack is one of many addresses, "
    "as soon as it does what people hardly do; its block is in force when the replica was told. False is a block, "
    "a 403 or a 429 that meets a user or a visitor."
)
FAILURES = """
SELECT network(set_masklen(ip_address, CASE family(ip_address) WHEN 6 THEN 64 ELSE 32 END))::text,
       coalesce(user_id::text, details ->> 'account'), created_at
FROM security_logs WHERE event_type = 'LOGIN_FAILURE' ORDER BY id"""
BLOCKS = "SELECT network(ip_address)::text, min(created_at) FROM ip_blocklist GROUP BY 1"
FALSE = "SELECT count(*) FROM ip_blocklist WHERE ip_address << '198.18.0.0/16'"


@dataclass
class Seen:
    """What the users met, and how long after its row a block was felt."""

    users: Counter[int] = field(default_factory=Counter)
    felt: list[float] = field(default_factory=list)
    evaluations: list[float] = field(default_factory=list)


def measure(quick: bool) -> Figure:
    """Each attack once, with the users there all the time."""
    attacks: tuple[Turn, ...] = (("brute-force", 1, 3.0, 12.0), ("brute-force", 25, 8.0, 20.0)) if quick else ATTACKS
    interval = 2.0 if quick else INTERVAL
    seen = Seen()
    with service() as replicas:
        reports, visited = asyncio.run(_mixed(replicas.url, replicas.database_url, attacks, interval, seen))
        with psycopg.connect(replicas.database_url) as session:
            failures = session.execute(FAILURES).fetchall()
            blocks: dict[str, datetime] = dict(session.execute(BLOCKS).fetchall())
            row = session.execute(FALSE).fetchone()
    delays = _delays(failures, blocks, max(seen.felt, default=0.0))
    wrong = (row[0] if row else 0) + seen.users[403] + seen.users[429] + visited.get("403", 0) + visited.get("429", 0)
    ratio = Ratio("from over the threshold to blocked", "an evaluation interval",
                  spread([delay / interval for delay in delays]))  # fmt: skip
    worst = max(delays) / interval
    facts: dict[str, str | int | float] = {
        "attempts": sum(report["attempts"] for report in reports),
        "addresses blocked": len(blocks),
        "intervals, the worst address": round(worst, 2),
        f"goal ≤ {GOAL.most:g} intervals": "met" if worst <= GOAL.most else "missed",
        "told to the replica after (s), the worst": round(max(seen.felt, default=0.0), 3),
        "an evaluation takes (s), the worst": round(max(seen.evaluations), 3),
        "answers to users": sum(seen.users.values()) - seen.users[0] + sum(visited.values()),
        "log-ins of users without an answer": seen.users[0],
        "false blocks": wrong,
        "goal 0 false blocks": "met" if wrong == 0 else "missed",
    }
    turns = ", ".join(f"{attack[0]} from {attack[1]:,} addresses" for attack in attacks)
    numbers = {"attempts": facts["attempts"], "visits": VISITS, "users": USERS, "office": OFFICE, "interval": interval}
    how = HOW.format(turns=turns, **numbers)
    return Figure("attack", "A mixed attack", how, (ratio,), facts)


GOAL = Goal(2)


async def _mixed(
    url: str, database_url: str, attacks: tuple[Turn, ...], interval: float, seen: Seen
) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    stop, over = asyncio.Event(), asyncio.Event()
    length = sum(attack[3] for attack in attacks) * 4 + 60
    visitors = asyncio.create_task(visit(Plan(url, VISITS, length, 1), over))
    connection = provider.open(
        TargetConfig("shop", {"url": database_url, "operator_url": database_url}, lambda: datetime.now(UTC))
    )
    others = [
        asyncio.create_task(_users(url, seen, over)),
        asyncio.create_task(_watch(url, connection, interval, seen, over)),
    ]
    await asyncio.sleep(2)
    reports = [await run(Attack(url, *attack, number).check(), stop) for number, attack in enumerate(attacks, 1)]
    await asyncio.sleep(2 * interval)
    over.set()
    await asyncio.gather(*others)
    await connection.close()
    return reports, (await visitors)["by_status"]


async def _watch(url: str, connection: Connection, interval: float, seen: Seen, over: asyncio.Event) -> None:
    """Evaluate, apply, and see when a block is felt."""
    async with aiohttp.ClientSession() as http:
        while not over.is_set():
            began = time.monotonic()
            for cause in provider.explain([await connection.checks["audit.logins"]()]):
                for remedy in cause.remedies:
                    if remedy.action in ("block.add", "block.crowd"):
                        outcome = await connection.actions[remedy.action].apply(remedy.args)
                        if outcome.hits:
                            addresses: Any = remedy.args.get("addresses") or [remedy.args["address"]]
                            seen.felt.append(await _felt(http, url, addresses[0].partition("/")[0]))
            seen.evaluations.append(time.monotonic() - began)
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), max(0.0, began + interval - time.monotonic()))


async def _felt(http: aiohttp.ClientSession, url: str, address: str) -> float:
    began = time.monotonic()
    while time.monotonic() - began < 60:
        async with http.get(url + "/", headers={"X-Forwarded-For": address}) as answer:
            if answer.status == 403:
                return time.monotonic() - began
        await asyncio.sleep(0.02)
    raise RuntimeError(f"the block of {address} was not felt within 60 s")


async def _users(url: str, seen: Seen, over: asyncio.Event) -> None:
    """Log-ins of people, one after the other; every other one begins with one or two typos."""
    people = [(f"user-{n}@example.com", f"198.18.250.{n + 1}" if n < USERS else "198.18.251.1")
              for n in range(USERS + OFFICE)]  # fmt: skip
    async with aiohttp.ClientSession(url) as http:
        for email, address in people:
            await _post(http, "/api/auth/register", email, PASSWORD, address)
        number = 0
        while not over.is_set():
            email, address = people[number % len(people)]
            for wrong in range(number % 3 if number % 2 else 0):
                seen.users[await _post(http, "/api/auth/login", email, f"typo {wrong}", address)] += 1
            seen.users[await _post(http, "/api/auth/login", email, PASSWORD, address)] += 1
            number += 1
            await asyncio.sleep(0.5)


async def _post(http: aiohttp.ClientSession, path: str, email: str, password: str, address: str) -> int:
    body, headers = {"email": email, "password": password}, {"X-Forwarded-For": address}
    try:
        async with http.post(path, json=body, headers=headers) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0  # no answer: the machine is too slow for this attack, which says nothing about blocks


def _delays(failures: list[Any], blocks: Mapping[str, datetime], told: float) -> list[float]:
    """For each address that was blocked, the seconds from when it was over the threshold."""
    tries: dict[str, Counter[str]] = defaultdict(Counter)
    over: dict[str, datetime] = {}
    crowd_since: datetime | None = None
    ready: dict[str, datetime] = {}
    for network, account, at in failures:
        tries[network][account] += 1
        total = sum(tries[network].values())
        if total > 10:
            over.setdefault(network, at)
        if len(tries[network]) >= 3 or total > 8:
            ready.setdefault(network, at)
        if crowd_since is None and total <= 11 and _is_crowd(tries, len(ready)):
            crowd_since = at
    delays = []
    for network, at in blocks.items():
        since = [over[network]] if network in over else []
        since += [max(ready[network], crowd_since)] if crowd_since and network in ready else []
        if since:
            delays.append((at - min(since)).total_seconds() + told)
    return delays


def _is_crowd(tries: Mapping[str, Counter[str]], named: int) -> bool:
    if len(tries) < 20:
        return False
    crowd = {
        "networks": len(tries), "accounts": len({a for found in tries.values() for a in found}),
        "crossed": sum(len(found) for found in tries.values()), "named": ["x"] * named,
        "counted": sum(min(11, sum(found.values())) for found in tries.values()),
    }  # fmt: skip
    return is_attack(crowd, {"crowd_addresses": 20, "crowd_failures": 100})
