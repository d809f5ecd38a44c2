"""Requests as visitors make them, at a steady rate whatever the answers are (open loop), the same for the same seed."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil
from random import Random
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import aiohttp

Operation = Literal["page", "list", "health", "own", "login", "create", "publish", "delete"]

MIX: Final[dict[Operation, int]] = {
    "page": 42,
    "list": 25,
    "health": 9,
    "own": 10,
    "login": 2,
    "create": 4,
    "publish": 4,
    "delete": 4,
}
"""Out of 100 requests."""
ACCOUNTS: Final = 3
CROWD: Final = "198.18.0.0/16"
"""Where visitors come from, as told by X-Forwarded-For: half of the network that is set aside for such tests."""
CROWD_SIZE: Final = 256
REQUEST_TIMEOUT_S: Final = 10.0
MAX_IN_FLIGHT: Final = 64
MAX_REQUESTS: Final = 1_000_000
PASSWORD: Final = "load-generator-only"  # noqa: S105 - of accounts that this program makes on a loopback target


class LoadError(ValueError):
    """The run is refused, with the reason."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send: `rate` requests/s for `seconds`, in the middle third `peak` times as many.

    `forwarded_for` is the network that visitors' addresses are taken from; empty: no X-Forwarded-For is sent.
    """

    url: str
    rate: float
    seconds: float
    seed: int
    forwarded_for: str = CROWD
    peak: float = 1.0

    @property
    def requests(self) -> int:
        """How many requests the plan holds."""
        return ceil(self.rate * self.seconds * (2 + self.peak) / 3)

    def check(self) -> Plan:
        """The plan itself; raises `LoadError` unless it goes to this machine's loopback and is of bounded size."""
        check_target(self.url)
        if not 0 < self.requests <= MAX_REQUESTS:
            raise LoadError(f"{self.requests} requests: expected a rate and seconds that make 1 to {MAX_REQUESTS}")
        crowd(self.forwarded_for, self.seed)
        return self


@dataclass(slots=True)
class Tally:
    """What came back. `latencies` are seconds; `skipped` were due while too many others were unanswered."""

    statuses: Counter[int] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    skipped: int = 0
    sent_by_kind: Counter[str] = field(default_factory=Counter)
    failed_by_kind: Counter[str] = field(default_factory=Counter)

    def answered(self, kind: Operation, status: int, seconds: float) -> None:
        """An answer came."""
        self.statuses[status] += 1
        self.latencies.append(seconds)
        self.sent_by_kind[kind] += 1
        self.failed_by_kind[kind] += status >= 500

    def unanswered(self, kind: Operation, why: str) -> None:
        """None came."""
        self.failures[why] += 1
        self.sent_by_kind[kind] += 1
        self.failed_by_kind[kind] += 1

    def as_object(self, seconds: float) -> dict[str, Any]:
        """The report, with stable keys; times in ms. `failed` are 5xx answers and requests without an answer."""
        refused = sum(count for status, count in self.statuses.items() if status >= 500)
        return {
            "requests": sum(self.statuses.values()) + sum(self.failures.values()),
            "failed": refused + sum(self.failures.values()),
            "skipped": self.skipped,
            "by_status": {str(status): count for status, count in sorted(self.statuses.items())},
            "without_answer": dict(sorted(self.failures.items())),
            "by_kind": {
                kind: {"requests": count, "failed": self.failed_by_kind[kind]}
                for kind, count in sorted(self.sent_by_kind.items())
            },
            "p50_ms": _ms(percentile(self.latencies, 50)),
            "p95_ms": _ms(percentile(self.latencies, 95)),
            "seconds": round(seconds, 2),
        }


def check_target(url: str) -> None:
    """Raises `LoadError` unless the URL is of this machine's loopback."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LoadError(f"{url}: expected a URL such as http://127.0.0.1:8080")
    if not _is_loopback(parts.hostname):
        raise LoadError(f"{parts.hostname} is not this machine: load goes to loopback addresses only")


def operations(seed: int) -> Iterator[Operation]:
    """An endless sequence in the proportions of `MIX`."""
    rng, names, weights = Random(seed), list(MIX), list(MIX.values())
    while True:
        yield rng.choices(names, weights)[0]


def due_times(plan: Plan) -> Iterator[float]:
    """When each request is due, in seconds from the start."""
    third, extra = plan.seconds / 3, plan.peak - 1
    before, within = plan.rate * third, plan.rate * third * plan.peak
    for number in range(plan.requests):
        if number < before or not extra:
            yield number / plan.rate
        elif number < before + within:
            yield third + (number - before) / (plan.rate * plan.peak)
        else:
            yield 2 * third + (number - before - within) / plan.rate


def crowd(network: str, seed: int) -> list[str]:
    """The addresses that visitors come from, the same for the same seed; none of no network. Raises `LoadError`."""
    if not network:
        return []
    try:
        found = ipaddress.ip_network(network)
    except ValueError as error:
        raise LoadError(f"{network}: expected a network such as {CROWD} ({error})") from error
    rng = Random(seed + 2)
    return [str(found[rng.randrange(found.num_addresses)]) for _ in range(CROWD_SIZE)]


def percentile(values: list[float], percent: float) -> float | None:
    """The nearest-rank percentile; None of nothing."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)] if ordered else None


class Visitors:
    """The made-up people: their sessions, their portfolios, and the pages that they have heard of.

    Which of them does what follows from the seed; subdomains carry the time too, so that runs don't collide.
    """

    def __init__(self, session: aiohttp.ClientSession, plan: Plan) -> None:
        self._session = session
        self._url = plan.url.rstrip("/")
        self._tally = Tally()
        self._rng = Random(plan.seed + 1)
        self._crowd = crowd(plan.forwarded_for, plan.seed)
        self._run = f"{plan.seed}-{time.time_ns():x}"
        self._tokens: dict[int, str] = {}
        self._drafts: list[tuple[int, str]] = []
        self._subdomains: list[str] = []
        self._made = 0

    async def arrive(self) -> Tally:
        """Register and log in everybody (who has an account just logs in); return the tally of what comes after."""
        for number in range(ACCOUNTS):
            await self._send("login", "POST", "/api/auth/register", visitor=number, body=_account(number))
            await self._log_in(number)
        await self.do("list")
        self._tally = Tally()
        return self._tally

    async def do(self, operation: Operation) -> None:
        """One request."""
        number = self._rng.randrange(ACCOUNTS)
        match operation:
            case "health":
                await self._send("health", "GET", "/api/health")
            case "list":
                self._hear(await self._send("list", "GET", "/api/portfolios?limit=20"))
            case "page":
                name = self._rng.choice(self._subdomains) if self._subdomains else "nobody"
                await self._send("page", "GET", f"/p/{name}")
            case "login":
                await self._log_in(number)
            case _ if number not in self._tokens:
                await self._log_in(number)
            case "own":
                await self._send("own", "GET", "/api/portfolios", visitor=number)
            case _:
                await self._write(operation, number)

    async def _write(self, operation: Operation, number: int) -> None:
        if operation == "create" or not self._drafts:
            await self._create(number)
            return
        position = self._rng.randrange(len(self._drafts))
        owner, portfolio = self._drafts[position]
        if owner not in self._tokens:
            await self._log_in(owner)
            return
        if operation == "delete":
            del self._drafts[position]
            await self._send("delete", "DELETE", f"/api/portfolios/{portfolio}", visitor=owner)
            return
        await self._send("publish", "POST", f"/api/portfolios/{portfolio}/publish", visitor=owner)

    async def _create(self, number: int) -> None:
        self._made += 1
        body = {
            "title": "Load",
            "content": "Made by the load generator.",
            "subdomain": f"load-{self._run}-{self._made}",
        }
        answer = await self._send("create", "POST", "/api/portfolios", visitor=number, body=body)
        if isinstance(answer, dict) and "id" in answer:
            self._drafts.append((number, answer["id"]))

    async def _log_in(self, number: int) -> None:
        answer = await self._send("login", "POST", "/api/auth/login", visitor=number, body=_account(number))
        if isinstance(answer, dict) and "token" in answer:
            self._tokens[number] = answer["token"]

    def _hear(self, answer: Any) -> None:
        if isinstance(answer, list) and answer:
            self._subdomains = [row["subdomain"] for row in answer]

    async def _send(
        self, kind: Operation, method: str, path: str, *, visitor: int | None = None, body: object = None
    ) -> Any:
        headers = self._headers(visitor, with_token=kind != "login")
        started = time.monotonic()
        try:
            async with self._session.request(method, self._url + path, json=body, headers=headers) as response:
                json_answer = response.content_type == "application/json"
                answer = await response.json() if json_answer else await response.read()
                self._tally.answered(kind, response.status, time.monotonic() - started)
                if response.status == 401 and visitor is not None:
                    self._logged_out(visitor, headers)
                return answer if response.ok else None
        except TimeoutError:
            self._tally.unanswered(kind, "timeout")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._tally.unanswered(kind, type(error).__name__)
        return None

    def _logged_out(self, visitor: int, headers: Mapping[str, str]) -> None:
        """Their session was ended: they log in instead of the next thing that they would have done."""
        if headers.get("Authorization") == f"Bearer {self._tokens.get(visitor)}":
            del self._tokens[visitor]

    def _headers(self, visitor: int | None, with_token: bool) -> dict[str, str]:
        """Users always come from the same address, other visitors from any."""
        headers = {}
        if self._crowd:
            position = self._rng.randrange(len(self._crowd)) if visitor is None else visitor
            headers["X-Forwarded-For"] = self._crowd[position]
        token = self._tokens.get(visitor) if visitor is not None and with_token else None
        return {**headers, "Authorization": f"Bearer {token}"} if token else headers


async def run(plan: Plan, stop: asyncio.Event) -> dict[str, Any]:
    """Send the plan, or as much of it as is due before `stop` is set, and report."""
    timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
    # A new connection for each request: visitors come from everywhere, and every replica gets its share.
    connector = aiohttp.TCPConnector(limit=MAX_IN_FLIGHT, force_close=True)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        visitors = Visitors(session, plan)
        tally, started = await visitors.arrive(), time.monotonic()
        await _pace(plan, visitors, tally, stop)
    return tally.as_object(time.monotonic() - started)


async def _pace(plan: Plan, visitors: Visitors, tally: Tally, stop: asyncio.Event) -> None:
    started, running = time.monotonic(), set[asyncio.Task[None]]()
    for due, operation in zip(due_times(plan), operations(plan.seed), strict=False):
        if await _stopped_within(stop, started + due - time.monotonic()):
            break
        if len(running) >= MAX_IN_FLIGHT:
            tally.skipped += 1
            continue
        task = asyncio.create_task(visitors.do(operation))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


async def _stopped_within(stop: asyncio.Event, seconds: float) -> bool:
    if seconds > 0 and not stop.is_set():
        try:
            await asyncio.wait_for(stop.wait(), seconds)
        except TimeoutError:
            return False
    return stop.is_set()


def _account(number: int) -> dict[str, str]:
    return {"email": f"load-{number}@example.com", "password": PASSWORD}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
