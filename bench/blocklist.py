"""What it costs RoleRabbit to ask of each request whether its address is blocked, with 100,000 networks on the list."""

from __future__ import annotations

import asyncio
import gc
import ipaddress
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
from starlette.types import Message, Receive, Scope, Send

from bench.measure import Figure, Goal, Ratio, Round, line, parts, per_round
from rolerabbit import database
from rolerabbit.app import create_app, open_pool
from rolerabbit.blocklist import Blocklist
from rolerabbit.config import Settings
from rolerabbit.embedded.postgres import Postgres
from rolerabbit.migrate import bundled
from rolerabbit.web.access import Pool
from rolerabbit.web.guard import Guard

ASK = "SELECT 1 FROM ip_blocklist WHERE ip_address >>= %s::inet AND blocked_until > now() LIMIT 1"
"""The query for each request that the list in memory stands for; it has the index that Postgres has for it."""

NAMES = ("look-up", "query", "bare query")

PAGE = """
WITH owner AS (INSERT INTO users (email, password_hash) VALUES ('bench@example.com', '!') RETURNING id)
INSERT INTO portfolios (user_id, title, content, subdomain, published)
SELECT id, 'Bench', 'One paragraph.', 'bench', true FROM owner"""

HOW = (
    "{many:,} networks ({shape}) are written to RoleRabbit's `ip_blocklist` on the embedded Postgres, with a GiST "
    "index, and read into its block list as each replica does. The same {asked:,} addresses, half of them blocked, are "
    "looked up in memory, and asked for by a query on a connection of the service's own pool, as a middleware without "
    "the list would; “bare” is the same query, prepared, on one open connection. Middleware: the guard around an "
    "application that does nothing, over the median of the whole application's page of a portfolio, which is read "
    "from the database; both are called in process, without a network."
)

Row = tuple[str, datetime]


def measure(quick: bool) -> Figure:
    """Look-ups and queries, then the guard and a page, on one list."""
    sizes, asked, rounds = ((500, 2_000), 50, 2) if quick else ((1_000, 10_000, 100_000), 500, 15)
    grown: dict[int, list[Round]] = {}
    many = sizes[-1]
    with Postgres.temporary() as postgres:
        database.up(postgres.url, bundled())
        for size in sizes:
            rows = networks(size)
            addresses = [*(_inside(text) for text, _ in rows[:: max(2 * size // asked, 1)]), *_others(asked // 2)]
            _fill(postgres.url, rows)
            listed = Blocklist()
            listed.replace(rows)
            grown[size] = asyncio.run(_looked(postgres.url, listed, addresses, rounds))
        with psycopg.connect(postgres.url, autocommit=True) as session:
            session.execute(PAGE)
        served = asyncio.run(_served(postgres.url, addresses, asked, rounds))
    looked = grown[many]
    ratios = (
        Ratio("look-up", "the query for each request", per_round(looked, lambda r: r["look-up (s)"] / r["query (s)"]),
              Goal(0.01), parts(looked, *looked[0])),
        Ratio("middleware", "the median of a page", per_round(served, lambda r: r["guard (s)"] / r["page (s)"]),
              Goal(0.02), parts(served, *served[0])),
    )  # fmt: skip
    shape = "IPv4 addresses, some /28, IPv6 /64"
    how = HOW.format(many=many, shape=shape, asked=asked)
    lines = [
        line(name, "networks", "s", {size: [r[f"{name} (s)"] for r in found] for size, found in grown.items()})
        for name in NAMES
    ]
    return Figure("blocklist", "Block list", how, ratios, {"networks": many}, tuple(lines))


def networks(many: int) -> list[Row]:
    """Different networks of the test ranges 198.18.0.0/15 and 2001:db8::/32 (RFC 2544, RFC 3849), all blocked."""
    until = datetime.now(UTC) + timedelta(days=1)
    small, wide = many * 6 // 10, many // 20
    first, last = int(ipaddress.IPv4Address("198.18.0.0")), int(ipaddress.IPv4Address("198.19.255.0"))
    single = [f"{ipaddress.IPv4Address(first + number)}/32" for number in range(small)]
    blocks = [f"{ipaddress.IPv4Address(last - 16 * number)}/28" for number in range(min(wide, 2_000))]
    rest = many - len(single) - len(blocks)
    six = [f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::/64" for number in range(rest)]
    return [(text, until) for text in (*single, *blocks, *six)]


def _inside(text: str) -> str:
    return str(ipaddress.ip_network(text)[0])


def _others(many: int) -> list[str]:
    return [f"203.0.113.{number % 256}" if number % 2 else f"2001:db9::{number:x}" for number in range(many)]


def _fill(url: str, rows: Sequence[Row]) -> None:
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("TRUNCATE ip_blocklist")
        with session.cursor().copy("COPY ip_blocklist (ip_address, reason, blocked_until) FROM STDIN") as copy:
            for text, until in rows:
                copy.write_row((text, "bench", until))
        session.execute("CREATE INDEX IF NOT EXISTS blocked_networks ON ip_blocklist USING gist (ip_address inet_ops)")
        session.execute("ANALYZE ip_blocklist")


async def _looked(url: str, listed: Blocklist, addresses: Sequence[str], rounds: int) -> list[Round]:
    """All three must say the same of each address."""
    found: list[Round] = []
    with psycopg.connect(url, autocommit=True, prepare_threshold=0) as session:
        async with open_pool(Settings(url, "development")) as pool:
            await pool.wait()
            for _ in range(rounds):
                gc.collect()
                times = [time.perf_counter()]
                memory = [listed.blocked_until(address) is not None for address in addresses]
                times.append(time.perf_counter())
                asked = [await _asked(pool, address) for address in addresses]
                times.append(time.perf_counter())
                bare = [session.execute(ASK, [address]).fetchone() is not None for address in addresses]
                times.append(time.perf_counter())
                if not memory == asked == bare or not any(asked) or all(asked):
                    raise AssertionError("the list in memory and the table do not agree")
                each = zip(NAMES, times, times[1:], strict=False)
                found.append({f"{name} (s)": (to - since) / len(addresses) for name, since, to in each})
    return found


async def _asked(pool: Pool, address: str) -> bool:
    async with pool.connection() as connection:
        return await (await connection.execute(ASK, [address])).fetchone() is not None


async def _served(url: str, addresses: Sequence[str], asked: int, rounds: int) -> list[Round]:
    app = create_app(
        Settings(url, "development", trusted_proxies=(ipaddress.ip_network("127.0.0.0/8"),), cache_seconds=0)
    )
    free = [address for address in addresses if address.startswith(("203.", "2001:db9"))]

    async def nothing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    guard = Guard(nothing)
    async with app.router.lifespan_context(app):
        await app.state.parts.pool.wait()
        async with app.state.parts.pool.connection() as connection:
            await app.state.parts.blocklist.refresh(connection)
        found: list[Round] = []
        for _ in range(rounds):
            gc.collect()
            pages, guards = [], []
            for number in range(asked):
                scope = _scope(app, free[number % len(free)])
                pages.append(await _timed(app, dict(scope)))
                guards.append(await _timed(guard, dict(scope)))
            middle = asked // 2
            found.append({"guard (s)": sorted(guards)[middle], "page (s)": sorted(pages)[middle]})
    return found


def _scope(app: object, address: str) -> Scope:
    headers = [(b"host", b"127.0.0.1"), (b"x-forwarded-for", address.encode())]
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": "/p/bench", "raw_path": b"/p/bench", "query_string": b"", "root_path": "", "headers": headers,
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "app": app,
    }  # fmt: skip


async def _timed(app: object, scope: Scope) -> float:
    status: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    began = time.perf_counter()
    await app(scope, receive, send)  # type: ignore[operator]
    took = time.perf_counter() - began
    if status not in ([], [200]):
        raise AssertionError(f"the page answered {status}")
    return took
