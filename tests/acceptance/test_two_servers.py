"""Two servers on one store share its services, and one takes over when the other is killed or stands still.

And two places: a rule that asks for a quorum fires when both say so, not when one does.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from pathlib import Path

import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.commands.context import Context
from hutch.commands.shares import LEASE, TURN
from hutch.commands.watchers import watchers
from hutch.model.firing import alert_from
from hutch.store.clock import SYSTEM_CLOCK
from two_places import House, Shop, role, until, until_async

CONFIG = """
time_scale: 30
scrape_every: 1s
diagnose_every: 0s
services:
  shop: {{http: {{url: "{url}", health: "", metrics: /metrics}}}}
probes:
  - name: front page
    kind: http
    target: "{url}/front"
    secret_headers: {{X-Place: {{env: PLACE}}}}
    interval: 30s
    locations: [{places}]
alerts:
  - {{name: Service Down, condition: uptime < 100%, duration: {duration}, severity: SEV-1{quorum}}}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    found = Shop()
    yield found
    await found.stop()


@pytest.fixture
async def house(tmp_path: Path, database_url: str) -> AsyncIterator[House]:
    found = House(tmp_path, database_url)
    yield found
    await found.end()


async def firings(context: Context) -> list[tuple[str, str]]:
    """Every beginning and end in the log, in order."""
    streams = await context.store.streams("alert:")
    events = [e for stream in await context.store.read_all(streams) for e in stream]
    return [(e.stream, e.kind) for e in events if e.kind in ("firing.started", "firing.ended")]


async def began(context: Context) -> list[datetime]:
    """Since when each condition held that fired."""
    streams = await context.store.streams("alert:")
    events = [e for stream in await context.store.read_all(streams) for e in stream if e.kind == "firing.started"]
    return [since for event in events if (since := alert_from(dict(event.data["alert"])).since)]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_one_of_two_servers_watches_and_the_other_takes_over_when_it_is_killed(
    shop: Shop, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUTCH_DATABASE_URL", house.url)
    monkeypatch.setenv("PLACE", "local")
    config = CONFIG.format(url=await shop.start(), places="local", duration="8m", quorum="")
    first, second = house.machine("first", config), house.machine("second", config)
    ports = {first: free_port(), second: free_port()}
    leader = await house.start(first, "serve", "--port", str(ports[first]))
    await until_async(lambda: is_(ports[first], "watching"))
    await house.start(second, "serve", "--port", str(ports[second]))
    await until_async(lambda: is_(ports[second], "standing by"))

    shop.looks.clear()
    shop.scrapes.clear()
    await asyncio.sleep(5)
    assert 3 <= len(shop.looks) <= 6 and 3 <= len(shop.scrapes) <= 11  # two servers that both did it: twice as many
    told = await house.ask(second, "rules", "list")
    assert [(r["rule"], r["state"], r["value"]) for r in told] == [("Service Down", "inactive", 100.0)]

    shop.ill.add("local")
    await until_async(lambda: stands(house, second, "pending"))
    leader.kill()
    died, killed = SYSTEM_CLOCK.now(), asyncio.get_running_loop().time()
    await until_async(lambda: is_(ports[second], "watching"))
    assert asyncio.get_running_loop().time() - killed < LEASE + TURN + 3

    context = open_context(second / "hutch.yaml")
    await until_async(lambda: incidents.listing(context))
    assert max(await began(context)) < died, "pending went on over the death: 16 s from when it began to fail"
    await house.start(house.machine("third", config), "serve", "--port", "0")  # back again: nothing is told twice
    await asyncio.sleep(3)
    (state,) = await incidents.listing(context)
    assert [kind for _, kind in await firings(context)] == ["firing.started"] and state.firing
    shop.ill.clear()
    await until_async(lambda: ended(context))
    assert [kind for _, kind in await firings(context)] == ["firing.started", "firing.ended"]
    await context.close()


async def is_(port: int, word: str) -> bool:
    return await role(port) == word


async def stands(house: House, home: Path, word: str) -> bool:
    return [r["state"] for r in await house.ask(home, "rules", "list")] == [word]


async def ended(context: Context) -> bool:
    return len(await firings(context)) == 2


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_quorum_of_two_places_fires_when_both_see_it(
    shop: Shop, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUTCH_DATABASE_URL", house.url)
    monkeypatch.setenv("PLACE", "local")
    config = CONFIG.format(
        url=await shop.start(), places="local, frankfurt, oregon", duration="30s", quorum=", quorum: 2 of 3"
    )
    home = house.machine("home", config)
    await house.start(home, "serve", "--port", "0")
    for place in ("frankfurt", "oregon"):
        await house.start(house.machine(place, config), "worker", "--location", place, place=place)
    twin = house.machine("twin", config)  # two workers of one place: its looks are done once
    await house.start(twin, "worker", "--location", "oregon", place="oregon")
    await until(lambda: {place for _, place in shop.looks} == {"local", "frankfurt", "oregon"})
    context = open_context(home / "hutch.yaml")

    shop.ill.add("frankfurt")
    await until_async(lambda: failing(house, home, {"frankfurt"}))
    shop.looks.clear()
    await asyncio.sleep(5)
    told = [place for _, place in shop.looks]
    assert all(3 <= told.count(place) <= 6 for place in ("local", "frankfurt", "oregon")), told
    assert await incidents.listing(context) == []
    assert [r["state"] for r in await house.ask(home, "rules", "list")] == ["inactive"]

    shop.ill.add("oregon")
    (state,) = await until_async(lambda: incidents.listing(context))
    assert (state.title, state.severity.label) == ("Service Down on shop", "SEV-1")
    assert [kind for _, kind in await firings(context)] == ["firing.started"]
    shop.ill.clear()
    await until_async(lambda: ended(context))
    await context.close()


async def failing(house: House, home: Path, places: set[str]) -> bool:
    found = await house.ask(home, "probe", "list")
    return {row["location"] for row in found if row["state"] == "failing"} == places


SERVICES = [f"s{number}" for number in range(6)]

SHARED = """
time_scale: 30
scrape_every: 1s
diagnose_every: 0s
services:
{services}
alerts:
  - {{name: Errors, condition: error_rate > 50%, duration: 4m, severity: SEV-2}}
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_servers_share_the_services_and_nothing_is_told_twice_whoever_dies_stands_still_or_joins(
    kind: str, shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    url = str(request.getfixturevalue("database_url")) if kind == "postgres" else ""
    monkeypatch.setenv("HUTCH_DATABASE_URL", url)
    address = await shop.start()
    lines = [f'  {n}: {{http: {{url: "{address}", health: "", metrics: /metrics/{n}}}}}' for n in SERVICES]
    house, config = House(tmp_path, url), SHARED.format(services="\n".join(lines))
    homes = [house.machine(name, config) for name in ("first", "second", "third")]
    homes = homes if url else [homes[0]] * 3  # a file serves one machine
    context = open_context(homes[0] / "hutch.yaml")

    async def shared(*counts: int) -> bool:
        found, alone = await watchers(context)
        return sorted(len(w.services) for w in found) == sorted(counts) and not alone

    async def told() -> Counter[str]:
        return Counter(word for _, word in await firings(context))

    async def stand(word: str) -> bool:
        assert context.watches
        rules = [r for d in await context.watches.latest() for s in d["signals"] for r in s["rules"]]
        return [r["state"] for r in rules] == [word] * len(SERVICES)

    try:
        first = await house.start(homes[0], "serve", "--port", "0", log="log1")
        await until_async(lambda: shared(6))
        await house.start(homes[1], "serve", "--port", "0", log="log2")
        await until_async(lambda: shared(3, 3))
        await until_async(lambda: stand("inactive"))
        shop.asked.clear()
        await asyncio.sleep(4)  # each is asked about every half second: two that both did it, twice as often
        assert all(1 <= shop.asked[name] <= 11 for name in SERVICES), shop.asked

        shop.errors = 10**9
        await until_async(lambda: stand("pending"))
        died, killed = SYSTEM_CLOCK.now(), asyncio.get_running_loop().time()
        first.kill()
        await until_async(lambda: shared(6))
        assert asyncio.get_running_loop().time() - killed < LEASE + TURN + 3
        await until_async(lambda: fired(told, len(SERVICES)))
        assert max(await began(context)) < died, "pending went on over the death"
        third = await house.start(homes[2], "serve", "--port", "0", log="log3")
        await until_async(lambda: shared(3, 3))
        assert await told() == {"firing.started": len(SERVICES)}

        third.send_signal(signal.SIGSTOP)
        await until_async(lambda: shared(6))
        shop.errors = 0
        await until_async(lambda: over(told, len(SERVICES)))
        third.send_signal(signal.SIGCONT)
        await until_async(lambda: shared(3, 3))
        await asyncio.sleep(2)
        assert await told() == {"firing.started": len(SERVICES), "firing.ended": len(SERVICES)}
        assert {len(state.open_alerts) for state in await incidents.listing(context)} == {0}
    finally:
        await house.end()
        await context.close()


async def fired(told: Callable[[], Awaitable[Counter[str]]], count: int) -> bool:
    return (await told())["firing.started"] == count


async def over(told: Callable[[], Awaitable[Counter[str]]], count: int) -> bool:
    return (await told())["firing.ended"] == count
