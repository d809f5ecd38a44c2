"""A mixed attack on RoleRabbit while its users go on: how soon an address is blocked, and whether anybody else is."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
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
Turn = tuple[Kind, int, int, float, float]
"""Kind, addresses, how many of them go on once each has tried (0: all), attempts a second, seconds."""
ATTACKS: tuple[Turn, ...] = (
    ("brute-force", 1, 0, 4.0, 12.0),
    ("brute-force", 50, 0, 12.0, 35.0),
    ("spraying", 5000, 330, 65.0, 100.0),
)
"""One after the other, two and a half minutes in all where the machine keeps up. Every attempt costs the replica a
hash, also for accounts that are not there: two cores answer some 100 a second, so each of the 5,000 addresses tries
once and some of them go on."""
QUICK: tuple[Turn, ...] = (("brute-force", 1, 0, 3.0, 12.0), ("brute-force", 25, 0, 8.0, 20.0))
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
    "An address is over the threshold with its own 11th failed log-in, or, once the attack is one of many addresses, "
    "as soon as it does itself what people hardly do; its block is in force when the replica was told. One that was "
    "over the threshold and is not blocked at the end counts as missed. False is a block, a 403 or a 429 that meets a "
    "user or a visitor."
)
FAILURES = """
SELECT network(set_masklen(ip_address, CASE family(ip_address) WHEN 6 THEN 64 ELSE 32 END))::text,
       coalesce(user_id::text, details ->> 'account'), created_at
FROM security_logs WHERE event_type = 'LOGIN_FAILURE' AND NOT ip_address << '198.18.0.0/16' ORDER BY id"""
"""Of the attackers; users come from the other network."""
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
    attacks = QUICK if quick else ATTACKS
    interval = 2.0 if quick else INTERVAL
    seen = Seen()
    with service() as replicas:
        reports, visited = asyncio.run(_mixed(replicas.url, replicas.database_url, attacks, interval, seen))
        with psycopg.connect(replicas.database_url) as session:
            failures = session.execute(FAILURES).fetchall()
            blocks: dict[str, datetime] = dict(session.execute(BLOCKS).fetchall())
            row = session.execute(FALSE).fetchone()
    since = over_since(failures)
    told = max(seen.felt, default=0.0)
    delays = [(at - since[network]).total_seconds() + told for network, at in blocks.items() if network in since]
    missed = len(set(since) - set(blocks))
    met = {f"{status} to users": seen.users[status] for status in (403, 429)}
    met |= {f"{status} to visitors": visited.get(str(status), 0) for status in (403, 429)}
    wrong = (row[0] if row else 0) + sum(met.values())
    ratio = Ratio("from over the threshold to blocked", "an evaluation interval",
                  spread([delay / interval for delay in delays]))  # fmt: skip
    worst = max(delays) / interval
    facts: dict[str, str | int | float] = {
        "attempts": sum(report["attempts"] for report in reports),
        "addresses that tried": len({network for network, _, _ in failures}),
        "addresses blocked": len(blocks),
        "addresses over the threshold and missed": missed,
        "intervals, the worst address": round(worst, 2),
        f"goal ≤ {GOAL.most:g} intervals": "met" if worst <= GOAL.most and not missed else "missed",
        "told to the replica after (s), the worst": round(max(seen.felt, default=0.0), 3),
        "an evaluation takes (s), the worst": round(max(seen.evaluations), 3),
        "answers to users": sum(seen.users.values()) - seen.users[0] + sum(visited.values()),
        "log-ins of users without an answer": seen.users[0],
        "false blocks": wrong,
        "of them": ", ".join(f"{name} {count}" for name, count in met.items() if count) or "none",
        "goal 0 false blocks": "met" if wrong == 0 else "missed",
    }
    turns = ", ".join(f"{kind} from {many:,} addresses{f', {busy} of which go on' if busy else ''}"
                      for kind, many, busy, _, _ in attacks)  # fmt: skip
    numbers = {"attempts": facts["attempts"], "visits": VISITS, "users": USERS, "office": OFFICE, "interval": interval}
    how = HOW.format(turns=turns, **numbers)
    return Figure("attack", "A mixed attack", how, (ratio,), facts)


GOAL = Goal(2)


async def _mixed(
    url: str, database_url: str, attacks: tuple[Turn, ...], interval: float, seen: Seen
) -> tuple[list[dict[str, Any]], Mapping[str, int]]:
    over = asyncio.Event()
    length = sum(attack[-1] for attack in attacks) * 4 + 60
    visitors = asyncio.create_task(visit(Plan(url, VISITS, length, 1), over))
    connection = provider.open(
        TargetConfig("shop", {"url": database_url, "operator_url": database_url}, lambda: datetime.now(UTC))
    )
    others = [
        asyncio.create_task(_users(url, seen, over)),
        asyncio.create_task(_watch(url, connection, interval, seen, over)),
    ]
    await asyncio.sleep(2)
    reports = []
    for seed, (kind, addresses, busy, rate, seconds) in enumerate(attacks, 1):
        stop = asyncio.Event()  # a machine too slow for the rate takes up to twice as long, and then attacks less
        ending = asyncio.get_running_loop().call_later(seconds * 2, stop.set)
        reports.append(await run(Attack(url, kind, addresses, rate, seconds, seed, busy).check(), stop))
        ending.cancel()
    await asyncio.sleep(2 * interval)
    over.set()
    await asyncio.gather(*others)
    await connection.close()
    return reports, (await visitors)["by_status"]


async def _watch(url: str, connection: Connection, interval: float, seen: Seen, over: asyncio.Event) -> None:
    """Evaluate, apply, and see when a block is felt."""
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as told:
        while not over.is_set():
            began = time.monotonic()
            for cause in provider.explain([await connection.checks["audit.logins"]()]):
                for remedy in cause.remedies:
                    if remedy.action in ("block.add", "block.crowd"):
                        outcome = await connection.actions[remedy.action].apply(remedy.args)
                        if outcome.hits:
                            addresses: Any = remedy.args.get("addresses") or [remedy.args["address"]]
                            told.create_task(_felt(http, url, addresses[0].partition("/")[0], seen))
            seen.evaluations.append(time.monotonic() - began)
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), max(0.0, began + interval - time.monotonic()))


async def _felt(http: aiohttp.ClientSession, url: str, address: str, seen: Seen) -> None:
    began = time.monotonic()
    while time.monotonic() - began < 60:
        async with http.get(url + "/", headers={"X-Forwarded-For": address}) as answer:
            if answer.status == 403:
                seen.felt.append(time.monotonic() - began)
                return
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


def over_since(failures: Sequence[tuple[str, str, datetime]]) -> dict[str, datetime]:
    """When each address was over the threshold: with its own 11th failure, or, in an attack of many, when it did itself
    what people hardly do and the attack was one. A crowd's first attempt says nothing of who joins it later."""
    tries: dict[str, Counter[str]] = defaultdict(Counter)
    alone: dict[str, datetime] = {}
    unlike: dict[str, datetime] = {}
    crowd: datetime | None = None
    for network, account, at in failures:
        tries[network][account] += 1
        total = tries[network].total()
        if total > 10:
            alone.setdefault(network, at)
        if len(tries[network]) >= 3 or total > 8:
            unlike.setdefault(network, at)
        if crowd is None and _is_crowd(tries, len(unlike)):
            crowd = at
    together = {network: max(at, crowd) for network, at in unlike.items()} if crowd else {}
    return {
        network: min(found[network] for found in (alone, together) if network in found)
        for network in {**alone, **together}
    }


def _is_crowd(tries: Mapping[str, Counter[str]], unlike: int) -> bool:
    if len(tries) < 20:
        return False
    crowd = {
        "networks": len(tries), "accounts": len({a for found in tries.values() for a in found}),
        "crossed": sum(len(found) for found in tries.values()), "unlike": unlike,
        "counted": sum(min(11, found.total()) for found in tries.values()),
    }  # fmt: skip
    return is_attack(crowd, {"crowd_addresses": 20, "crowd_failures": 100})
