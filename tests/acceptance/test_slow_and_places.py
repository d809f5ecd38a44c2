"""Rules that fire on the real RoleRabbit: its 95th percentile, and a quorum of places that look at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from hutch.bootstrap.wire import open_context
from hutch.cli.demo_stage import Stage
from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.model.incident import Incident
from hutch.web.server import listen, serving
from two_places import House, until_async

SLOW = {"name": "Response Time Slow", "condition": "p95_response_time > 1000ms", "duration": "3m", "severity": "SEV-3"}
HELD, FREE = 2.5, 0.2
"""Seconds that somebody's lock is held, and is not, in turn: a visitor waits for up to the first."""


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_rule_on_the_95th_percentile_fires_while_visitors_wait_and_ends_after(tmp_path: Path) -> None:
    changes = {"alerts": [SLOW], "mode": "observe", "scrape_every": "1s"}
    stage = Stage(tmp_path, "leak", 20.0, changes=changes)
    async with stage.standing() as ready, stage.load(ready):
        context = open_context(stage.config_path)
        async with serving(context, listen(0)):
            await until_async(lambda: measured(context), 30)
            assert await incidents.listing(context) == []
            async with holding(str(ready["owner_url"])):
                opened = await until_async(lambda: fires(context), 150)
            assert (opened.title, opened.severity.label) == ("Response Time Slow on rolerabbit", "SEV-3")
            await until_async(lambda: over(context), 60)
        fired = [e for e in await context.store.read(f"incident:{opened.id}") if e.kind == "alert.fired"]
        assert [(e.data["unit"], e.data["threshold"]) for e in fired] == [("ms", 1000)]
        assert float(str(fired[0].data["value"])) > 1000
        await context.close()


@asynccontextmanager
async def holding(url: str) -> AsyncIterator[None]:
    """Somebody locks what every visitor reads, again and again, for the length of the block."""

    async def lock() -> None:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            while True:
                await connection.execute("LOCK TABLE users, portfolios IN ACCESS EXCLUSIVE MODE")
                await asyncio.sleep(HELD)
                await connection.rollback()
                await asyncio.sleep(FREE)

    task = asyncio.create_task(lock())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def measured(context: Context) -> bool:
    """Whether the percentile is known, and small."""
    watched = context.board.watched.get("rolerabbit")
    known = watched.signal("p95_response_time") if watched else None
    return known is not None and known.value is not None and known.value < 1000


async def fires(context: Context) -> Incident | None:
    return next((i for i in await incidents.listing(context) if i.open_alerts), None)


async def over(context: Context) -> bool:
    return await fires(context) is None


# ------------------------------------------------------------------ several places

PLACES = ("local", "frankfurt", "oregon")
SEEN = """
time_scale: 30
scrape_every: 1s
diagnose_every: 0s
services:
  rolerabbit: {{http: {{url: "{app}", metrics: "{api}/metrics"}}}}
probes:
  - {{name: health, kind: http, target: "{way}/api/health", interval: 30s, timeout: 30s,
      locations: [local, frankfurt, oregon]}}
alerts:
  - {{name: Service Down, condition: uptime < 100%, duration: 30s, severity: SEV-1, quorum: 2 of 3}}
"""


class Way:
    """The way from one place to the service: passes every byte on, until it is cut."""

    def __init__(self, url: str) -> None:
        to = urlsplit(url)
        self._to, self.open, self.passed = (to.hostname, to.port), True, 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if self.open:
                there, back = await asyncio.open_connection(*self._to)
                self.passed += 1
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
        except OSError:
            pass
        finally:
            writer.close()


async def _way(stack: AsyncExitStack, url: str) -> Way:
    way = Way(url)
    await way.start()
    stack.push_async_callback(way.stop)
    return way


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    found = House(tmp_path, database_url)
    yield found
    await found.end()


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_quorum_of_places_fires_when_two_cannot_reach_the_service(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUTCH_DATABASE_URL", house.url)
    (tmp_path / "stage").mkdir()
    async with Stage(tmp_path / "stage", "leak", 1.0).standing() as ready, AsyncExitStack() as stack:
        ways = {place: await _way(stack, str(ready["app_url"])) for place in PLACES}
        told = {"app": ready["app_url"], "api": ready["api_url"]}
        homes = {p: house.machine(p, SEEN.format(**told, way=way.url)) for p, way in ways.items()}
        await house.start(homes["local"], "serve", "--port", "0")
        for place in PLACES[1:]:
            await house.start(homes[place], "worker", "--location", place)
        await until_async(lambda: seen(house, homes["local"], dict.fromkeys(PLACES, "ok")))
        context = open_context(homes["local"] / "hutch.yaml")

        ways["frankfurt"].open = False
        await until_async(lambda: seen(house, homes["local"], {"frankfurt": "failing"}))
        passed = {place: way.passed for place, way in ways.items()}
        await until_async(lambda: looked_again(ways, passed))  # 3 s for each look: longer than the rule's duration
        assert await incidents.listing(context) == []
        assert [r["state"] for r in await house.ask(homes["local"], "rules", "list")] == ["inactive"]

        ways["oregon"].open = False
        opened = await until_async(lambda: fires(context))
        assert (opened.title, opened.severity.label) == ("Service Down on rolerabbit", "SEV-1")
        ways["oregon"].open = True
        await until_async(lambda: over(context))
        assert len(await incidents.listing(context)) == 1
        await context.close()


async def seen(house: House, home: Path, wanted: dict[str, str]) -> bool:
    found = {row["location"]: row["state"] for row in await house.ask(home, "probe", "list")}
    return wanted.items() <= found.items()


async def looked_again(ways: dict[str, Way], before: dict[str, int]) -> bool:
    return all(way.passed >= before[place] + 3 for place, way in ways.items() if way.open)
