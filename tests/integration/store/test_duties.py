"""Hearts and leases in a table: one holder at a time, whoever stood still is refused, on a file and on Postgres."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from hutch.model.duty import Roll, probing, watching
from hutch.model.probe import Probed, Sighting
from hutch.store import duties as module
from hutch.store.aside import in_database, in_file, is_in_database
from hutch.store.duties import TableDuties
from hutch.store.sightings import SightingTable
from hutch.store.watches import WatchTable
from hutch.testing import START

SHOP = watching("shop")
AWAY = "postgresql://127.0.0.1:1/none"


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Engine]:
    if request.param == "postgres":
        return in_database(str(request.getfixturevalue("database_url")))
    return in_file(tmp_path / "samples.db")


@pytest.fixture
async def pair(engine: Callable[[], Engine]) -> AsyncIterator[tuple[TableDuties, TableDuties]]:
    found = TableDuties(engine), TableDuties(engine)
    yield found
    for one in found:
        await one.close()


def stand_still(engine: Callable[[], Engine], member: str) -> None:
    """As if its time had passed without a beat."""
    made = engine()
    with made.begin() as connection:
        connection.execute(update(module.hearts).where(module.hearts.c.member == member).values(until=1.0))
    made.dispose()


async def test_a_duty_has_one_holder_for_as_long_as_its_heart_beats(
    pair: tuple[TableDuties, TableDuties], engine: Callable[[], Engine]
) -> None:
    one, other = pair
    first, second = await one.beat([SHOP], 1.5, 30), await other.beat([SHOP, "reviews"], 0.0, 30)
    assert first and second and first.new and second.me != first.me
    assert {m: (sorted(x.able), x.late) for m, x in second.members.items()} == {
        first.me: ([SHOP], 1.5), second.me: (["reviews", SHOP], 0.0),
    }  # fmt: skip
    assert await one.take({SHOP: ""}) == {SHOP}
    assert [await other.take({SHOP: ""}), await other.take({SHOP: first.me})] == [frozenset(), frozenset()]
    await other.bury([first.me], 30)  # it lives
    await other.release([SHOP])  # it is not ours
    again = await one.beat([SHOP], 0.0, 30)
    assert again and not again.new and again.has(SHOP) == again.me == first.me

    stand_still(engine, first.me)
    seen = await other.beat([SHOP], 0.0, 30)
    assert seen and (seen.dead, seen.has(SHOP), seen.leases[SHOP].holder) == ({first.me}, "", first.me)
    assert await other.take({SHOP: first.me}) == frozenset(), "not while it has a heart that may beat again"
    await other.bury(seen.dead, 30)
    assert await other.take({SHOP: first.me}) == {SHOP}
    woken = await one.beat([SHOP], 0.0, 30)
    assert woken and woken.new and woken.me != first.me and woken.has(SHOP) == second.me
    assert await one.take({SHOP: first.me}) == frozenset()
    await other.close()
    assert await one.take({SHOP: ""}) == {SHOP}
    told = await other.roll()
    assert told and set(told.members) == {woken.me} and told.me == ""


async def test_a_heart_that_beats_again_in_time_is_not_buried(
    pair: tuple[TableDuties, TableDuties], engine: Callable[[], Engine]
) -> None:
    one, other = pair
    first = await one.beat([], 0.0, 30)
    assert first
    stand_still(engine, first.me)
    seen = await other.beat([], 0.0, 30)
    back = await one.beat([], 0.0, 30)
    assert seen and seen.dead == {first.me} and back and not back.new, "nobody had buried it"
    await other.bury(seen.dead, 30)
    back = await one.beat([], 0.0, 30)
    assert back and not back.new


async def test_of_one_that_has_ended_on_this_machine_nobody_waits_for_the_lease(
    pair: tuple[TableDuties, TableDuties], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    first = await one.beat([SHOP], 0.0, 600)
    assert first and await one.take({SHOP: ""})
    monkeypatch.setattr(module, "is_gone", lambda owner: owner == first.me.rpartition(":")[0])
    monkeypatch.setattr(module, "this_process", lambda: "elsewhere/1/2:3:4")
    seen = await other.beat([SHOP], 0.0, 600)
    assert seen and seen.dead == {first.me}
    await other.bury(seen.dead, 600)
    assert await other.take({SHOP: first.me}) == {SHOP}


async def test_what_one_writes_late_that_was_buried_meanwhile_is_refused(
    pair: tuple[TableDuties, TableDuties], engine: Callable[[], Engine]
) -> None:
    one, other = pair
    watches, sightings = WatchTable(engine), SightingTable(engine)
    looks = probing("local", "shop")
    first, second = await one.beat([SHOP], 0.0, 30), await other.beat([SHOP], 0.0, 30)
    assert first and second and await one.take({SHOP: "", looks: ""}) == {SHOP, looks}

    async def write(word: str, holder: str) -> None:
        await watches.keep("shop", START, {"service": word}, {"memory": word}, holder)
        assert await sightings.keep([Sighting("front", "shop", "local", START, Probed(True, word))], holder)

    async def read() -> tuple[object, object, str]:
        return await watches.latest(), await watches.recall("shop"), (await sightings.latest())[0].seen.detail

    await write("first", first.me)
    assert await read() == ([{"service": "first"}], {"memory": "first"}, "first")
    stand_still(engine, first.me)
    await other.bury([first.me], 30)
    assert await other.take({SHOP: first.me, looks: first.me}) == {SHOP, looks}
    await write("second", second.me)
    await write("late", first.me)
    assert await read() == ([{"service": "second"}], {"memory": "second"}, "second")
    await write("by hand", "")
    assert (await read())[2] == "by hand"
    await sightings.forget(START + timedelta(days=1))
    await watches.close()
    await sightings.close()


async def test_what_is_done_once_is_done_by_one_beside_all_that_is_shared(
    pair: tuple[TableDuties, TableDuties], engine: Callable[[], Engine]
) -> None:
    one, other = pair
    first = await one.beat([SHOP], 0.0, 6)
    assert first and [await one.hold("archive", 120), await other.hold("archive", 120)] == [True, False]
    seen = await other.beat([SHOP], 0.0, 6)
    assert seen and not seen.dead and set(seen.members) > {first.me, seen.me}, "its heart may be long"
    (once,) = set(seen.members) - {first.me, seen.me}
    await other.bury([once], 6)
    assert await other.hold("archive", 120) is False
    await one.release(["archive"])
    assert await other.hold("archive", 120) is True
    told = await one.beat([SHOP], 0.0, 6)
    assert told and told.me == first.me
    stand_still(engine, told.leases["archive"].holder)
    assert await one.hold("archive", 120) is True


async def test_who_only_looks_makes_nothing(database_url: str) -> None:
    there = is_in_database(database_url, "hearts")
    looks, lives = TableDuties(in_database(database_url), there), TableDuties(in_database(database_url))
    assert await looks.roll() == Roll() and not there()
    first = await lives.beat([SHOP], 0.0, 30)
    told = await looks.roll()
    assert first and told and set(told.members) == {first.me}
    await lives.close()
    await looks.close()
    assert await TableDuties(in_database(AWAY), is_in_database(AWAY, "hearts")).roll() is None


async def test_where_the_store_is_away_nobody_can_tell() -> None:
    away = TableDuties(in_database(AWAY))
    assert await away.beat([], 0.0, 5) is None
    assert await away.roll() is None and await away.take({SHOP: ""}) == frozenset()
    await away.close()
