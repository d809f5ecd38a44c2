"""`rolerabbit attack`: attacks on a loopback service, from one address or thousands, while visitors go on."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any, Final, Literal, get_args

import aiohttp
import click

from rolerabbit.load import stop_on_eof
from rolerabbit.loadgen import MAX_IN_FLIGHT, MAX_REQUESTS, PASSWORD, REQUEST_TIMEOUT_S, LoadError, Plan, check_target
from rolerabbit.loadgen import run as visit

Kind = Literal["brute-force", "spraying", "one-account", "replay", "exports"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
V4: Final = ipaddress.IPv4Network("198.19.0.0/16")
"""Attackers' half of the network for tests; visitors come from the other."""
V6: Final = ipaddress.IPv6Network("2001:db8::/32")
MOST_ADDRESSES: Final = 50_000
VICTIMS: Final = 10
"""Accounts that are there to be attacked; of the rest that are tried nobody knows anything."""
NEEDED: Final = {"one-account": 1, "replay": 3, "exports": 1}
HOME: Final = "198.18.255.1"
"""Where the victims are at home; nobody attacks from there."""
PATHS: Final = ("/api/auth/me", "/api/account/profile", "/api/portfolios", "/api/account/export")
"""What somebody asks for with a token that was stolen."""

Ask = tuple[str, str, dict[str, str], object]
"""Method, path, headers, body."""


@dataclass(frozen=True, slots=True)
class Attack:
    """`rate` attempts a second for `seconds`, from so many addresses: half of them IPv4, half whole /64 of IPv6."""

    url: str
    kind: Kind
    addresses: int
    rate: float
    seconds: float
    seed: int = 1
    busy: int = 0
    """So many of the addresses go on once each has tried; 0: all of them."""

    @property
    def attempts(self) -> int:
        """How many the attack holds."""
        return ceil(self.rate * self.seconds)

    def check(self) -> Attack:
        """The attack itself; raises `LoadError` unless it stays on this machine's loopback and is of bounded size."""
        check_target(self.url)
        if not 1 <= self.addresses <= MOST_ADDRESSES:
            raise LoadError(f"{self.addresses} addresses: expected 1 to {MOST_ADDRESSES}")
        if not 0 <= self.busy <= self.addresses:
            raise LoadError(f"{self.busy} busy addresses: expected 0 to {self.addresses}")
        if not 0 < self.attempts <= MAX_REQUESTS:
            raise LoadError(f"{self.attempts} attempts: expected a rate and seconds that make 1 to {MAX_REQUESTS}")
        return self

    def source(self, number: int) -> int:
        """Whose attempt this is.

        >>> attack = Attack("http://127.0.0.1", "spraying", 4, 1, 9, busy=2)
        >>> [attack.source(number) for number in range(9)]
        [0, 1, 2, 3, 0, 1, 0, 1, 0]
        """
        return number % self.addresses if number < self.addresses else number % (self.busy or self.addresses)


@dataclass(slots=True)
class Seen:
    """What came back, and the attempt since which each source met nothing but refusals as blocked."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    tried: set[int] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)

    def answered(self, source: int, status: int) -> None:
        """An answer came; 403 is the word for a blocked address."""
        self.statuses[status] += 1
        self.tried.add(source)
        (self.blocked.add if status == 403 else self.blocked.discard)(source)

    def as_object(self, attack: Attack, seconds: float) -> dict[str, Any]:
        """The report, with stable keys. `blocked` counts addresses whose last attempt was refused with 403."""
        return {
            "kind": attack.kind,
            "addresses": attack.addresses,
            "attempts": sum(self.statuses.values()) + sum(self.failures.values()),
            "tried": len(self.tried),
            "blocked": len(self.blocked),
            "by_status": {str(status): count for status, count in sorted(self.statuses.items())},
            "without_answer": dict(sorted(self.failures.items())),
            "seconds": round(seconds, 2),
        }


class Sources:
    """Where an attack comes from, the same for the same seed; of a /64 each attempt uses another address."""

    def __init__(self, many: int, seed: int) -> None:
        rng = Random(seed)
        half = ceil(many / 2) if many > 1 else seed % 2
        fourth = rng.sample(range(1, V4.num_addresses - 1), half)
        sixth = rng.sample(range(1, 2**32), many - half)
        base = int(V6.network_address)
        self.networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = [
            *(ipaddress.IPv4Network(V4[number]) for number in fourth),
            *(ipaddress.IPv6Network((base + (number << 64), 64)) for number in sixth),
        ]
        self._rng = rng

    def address(self, number: int) -> str:
        """An address of the source."""
        network = self.networks[number % len(self.networks)]
        return str(network[self._rng.randrange(1, 2**64)] if network.version == 6 else network[0])


def victim(number: int) -> str:
    """The mail address of somebody who is attacked."""
    return f"victim-{number}@example.com"


def asks(attack: Attack, sources: Sources, tokens: Sequence[str]) -> Iterator[tuple[int, Ask]]:
    """Each attempt with its source. Passwords are tried as the kind says; `tokens` are what was stolen."""
    rng = Random(attack.seed + 1)
    chosen: dict[Kind, Callable[[int], str]] = {
        "brute-force": lambda _: victim(rng.randrange(VICTIMS)),
        "spraying": lambda number: victim((number // attack.addresses + number) % (VICTIMS * 20)),
        "one-account": lambda _: victim(0),
    }
    for number in range(attack.attempts):
        source = attack.source(number)
        headers = {"X-Forwarded-For": sources.address(source)}
        if attack.kind in chosen:
            guess = "Spring-2026!" if attack.kind == "spraying" else f"guess-{rng.randrange(10**9)}"
            body = {"email": chosen[attack.kind](number), "password": guess}
            yield source, ("POST", "/api/auth/login", headers, body)
            continue
        path = PATHS[-1] if attack.kind == "exports" else PATHS[number % len(PATHS)]
        headers["Authorization"] = f"Bearer {tokens[number % len(tokens)]}"
        yield source, ("GET", path, headers, None)


async def run(attack: Attack, stop: asyncio.Event) -> dict[str, Any]:
    """Attack until it is over or `stop` is set, and report."""
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
    connector = aiohttp.TCPConnector(limit=MAX_IN_FLIGHT, force_close=True)
    async with aiohttp.ClientSession(attack.url.rstrip("/"), timeout=timeout, connector=connector) as session:
        sources, seen = Sources(attack.addresses, attack.seed), Seen()
        try:
            tokens = await _steal(session, attack, sources)
        except TimeoutError:
            raise LoadError(
                f"{attack.url} does not answer within {REQUEST_TIMEOUT_S:g} s: it has enough to do"
            ) from None
        started, slots = time.monotonic(), asyncio.Semaphore(MAX_IN_FLIGHT)
        async with asyncio.TaskGroup() as group:
            for number, (source, ask) in enumerate(asks(attack, sources, tokens)):
                if await _stopped(stop, started + number / attack.rate - time.monotonic()):
                    break
                await slots.acquire()
                group.create_task(_attempt(session, seen, source, ask)).add_done_callback(lambda _: slots.release())
        return seen.as_object(attack, time.monotonic() - started)


async def _attempt(session: aiohttp.ClientSession, seen: Seen, source: int, ask: Ask) -> None:
    method, path, headers, body = ask
    try:
        async with session.request(method, path, headers=headers, json=body) as answer:
            await answer.read()
            seen.answered(source, answer.status)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        seen.failures[type(error).__name__] += 1


async def _steal(session: aiohttp.ClientSession, attack: Attack, sources: Sources) -> list[str]:
    """The victims have accounts. `replay`: tokens of sessions that they have ended; `exports`: one of a session that
    the thief opened with a stolen password."""
    home = {"X-Forwarded-For": HOME}
    needed = NEEDED.get(attack.kind, VICTIMS)
    for number in range(needed):
        body = {"email": victim(number), "password": PASSWORD}
        async with session.post("/api/auth/register", json=body, headers=home) as answer:
            if answer.status not in (201, 409):
                raise LoadError(f"no account for {victim(number)}: the service answers {answer.status}")
    if attack.kind not in ("replay", "exports"):
        return []
    stolen = []
    for number in range(needed):
        at = home if attack.kind == "replay" else {"X-Forwarded-For": sources.address(0)}
        body = {"email": victim(number), "password": PASSWORD}
        async with session.post("/api/auth/login", json=body, headers=at) as answer:
            if answer.status != 200:
                raise LoadError(f"{victim(number)} can't log in: the service answers {answer.status}")
            stolen.append(str((await answer.json())["token"]))
    if attack.kind == "replay":
        for token in stolen:
            async with session.post("/api/auth/logout", headers={**home, "Authorization": f"Bearer {token}"}):
                pass
    return stolen


async def _stopped(stop: asyncio.Event, seconds: float) -> bool:
    if seconds > 0 and not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return False
    return stop.is_set()


@click.command()
@click.option("--url", required=True, help="Where the service listens; loopback only.")
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--addresses", type=click.IntRange(1, MOST_ADDRESSES), default=1, show_default=True)
@click.option("--rate", type=click.FloatRange(0.1, 500), default=20.0, show_default=True, help="Attempts a second.")
@click.option("--seconds", type=click.FloatRange(0.1, 86_400), default=10.0, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same attack.")
@click.option("--visitors", type=click.FloatRange(0, 500), default=0.0, help="Requests a second of others meanwhile.")
@click.option("--exit-on-eof", is_flag=True, help="Stop when standard input ends, as when the starting process dies.")
def attack(
    url: str, kind: Kind, addresses: int, rate: float, seconds: float, seed: int, visitors: float, exit_on_eof: bool
) -> None:
    """Attack a service on this machine, and say as JSON what came back. Attackers come from 198.19.0.0/16 and
    2001:db8::/32, by X-Forwarded-For."""
    try:
        planned = Attack(url, kind, addresses, rate, seconds, seed).check()
        found = asyncio.run(_both(planned, visitors, exit_on_eof))
    except (LoadError, aiohttp.ClientError) as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(found))


async def _both(planned: Attack, visitors: float, exit_on_eof: bool) -> dict[str, Any]:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    if exit_on_eof:
        stop_on_eof(stop, loop)
    if not visitors:
        return await run(planned, stop)
    others = Plan(planned.url, visitors, planned.seconds, planned.seed).check()
    found, visited = await asyncio.gather(run(planned, stop), visit(others, stop))
    return {**found, "visitors": visited}
