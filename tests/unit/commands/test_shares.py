"""What only one process does: it is shared, handed over in order, given up when it is lost, and kept while nobody can
tell who has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hutch.commands import shares as module
from hutch.commands.shares import Shares, plain
from hutch.model.duty import Lease, Member, Roll, watching
from hutch.ports import StoreAway
from hutch.store.aside import in_file
from hutch.store.duties import TableDuties

SHOP, API = watching("shop"), watching("api")


class Told:
    """Says what the test says: who has what of what this process, ``me``, could do."""

    def __init__(self) -> None:
        self.rolls: list[Roll | None] = [self.with_(me=())]
        self.released: list[str] = []
        self.buried: list[str] = []
        self.left = 0

    def with_(self, dead: Collection[str] = (), *, new: bool = False, **held: Collection[str]) -> Roll:
        leases = {duty: Lease(member, 0.0) for member, duties in held.items() for duty in duties}
        return Roll("me", new, {m: Member(frozenset([SHOP, API])) for m in held}, frozenset(dead), leases)

    async def beat(self, able: Collection[str], late: float, seconds: float) -> Roll | None:
        roll = self.rolls.pop(0) if len(self.rolls) > 1 else self.rolls[0]
        return replace(roll, members={**roll.members, "me": Member(frozenset(able))}) if roll else None

    async def take(self, wanted: Mapping[str, str]) -> frozenset[str]:
        return frozenset(wanted)

    async def hold(self, duty: str, seconds: float) -> bool | None:
        return None

    async def bury(self, dead: Collection[str], seconds: float) -> bool:
        self.buried += dead
        return True

    async def release(self, duties: Collection[str]) -> None:
        self.released += duties

    async def leave(self) -> None:
        self.left += 1

    async def roll(self) -> Roll | None:
        return self.rolls[0]

    async def close(self) -> None:
        pass


class Work:
    """Counts how often it began and ended, and how often it was let end in order."""

    def __init__(self) -> None:
        self.began = self.ended = self.in_order = 0

    async def __call__(self, leave: asyncio.Event) -> None:
        self.began += 1
        try:
            await leave.wait()
            self.in_order += 1
        finally:
            self.ended += 1


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN", 0.01)
    monkeypatch.setattr(module, "IN_ORDER", 0.1)


@asynccontextmanager
async def at_work(shares: Shares) -> AsyncIterator[None]:
    task = asyncio.create_task(shares.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(look: object) -> None:
    for _ in range(1000):
        if look():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_it_stands_by_works_hands_over_and_stops_when_another_has_it() -> None:
    told, shop, api = Told(), Work(), Work()
    told.rolls = [told.with_(me=(), other=(SHOP, API))]
    shares = Shares(told, {SHOP: shop})
    async with at_work(shares):
        await until(lambda: shares.stands_by)
        assert not shares.watching and not shop.began and not shares.mine(SHOP)
        shares.works[API] = api
        told.rolls = [told.with_(me=())]
        await until(lambda: shop.began and api.began)
        told.rolls = [told.with_(me=(SHOP, API))]
        await until(lambda: shares.watching and shares.mine(SHOP))
        assert shares.watched() == ["api", "shop"] and not shares.stands_by
        told.rolls = [told.with_(me=(SHOP, API), other=())]  # a second one comes: one of both is handed over, in order
        await until(lambda: told.released)
        (handed,) = set(told.released)
        assert (shop.in_order, api.in_order) == ((1, 0) if handed == SHOP else (0, 1))
        rest = API if handed == SHOP else SHOP
        told.rolls = [told.with_(me=(), other=(SHOP, API), new=True)]  # we stood still, and were buried
        await until(lambda: not shares.mine(rest))
        await until(lambda: shop.ended + api.ended == 2)
        assert shop.in_order + api.in_order == 1, "what is lost is broken off"
    assert told.left == 1 and not shares.watching


async def test_while_nobody_can_tell_the_work_goes_on_and_may_write_only_as_long_as_the_lease_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.3)
    told, work = Told(), Work()
    told.rolls = [None]
    shares = Shares(told, {SHOP: work})
    async with at_work(shares):
        await asyncio.sleep(0.05)
        assert not shares.stands_by and not work.began
        told.rolls = [told.with_(me=()), told.with_(me=[SHOP]), None]
        await until(lambda: work.began == 1)
        await until(lambda: not shares.mine(SHOP))
        assert work.ended == 0 and not shares.stands_by
        told.rolls = [told.with_(me=[SHOP])]
        await until(lambda: shares.mine(SHOP))
        assert work.began == 1


async def test_the_dead_are_buried_at_once_but_not_by_one_that_was_cut_off_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Told()
    told.rolls = [told.with_(me=(), dead=["dead"]), told.with_(me=())]
    shares = Shares(told, {SHOP: Work()})
    async with at_work(shares):
        await until(lambda: told.buried == ["dead"])
        monkeypatch.setattr(module, "LEASE", 0.2)
        told.rolls = [None]
        await asyncio.sleep(0.5)
        told.buried.clear()
        told.rolls = [told.with_(me=(), dead=["late"])]
        await asyncio.sleep(0.05)
        assert not told.buried, "whoever could not reach the store either has as long to come back"
        await until(lambda: told.buried)


async def test_an_error_of_a_work_ends_it_all_and_gives_back_what_we_had() -> None:
    async def broken() -> None:
        raise LookupError("gone")

    told = Told()
    with pytest.raises(LookupError, match="gone"):
        await Shares(told, {SHOP: plain(broken)}).run()
    assert told.left == 1
    with pytest.raises(LookupError, match="gone"):
        await Shares(None, {SHOP: plain(broken), API: Work()}).run()


async def test_a_store_that_was_away_for_too_long_ends_only_this_turn() -> None:
    class Away(Work):
        async def __call__(self, leave: asyncio.Event) -> None:
            if not self.began:
                self.began += 1
                raise StoreAway("it is away")
            await super().__call__(leave)

    told, work = Told(), Away()
    told.rolls = [told.with_(me=()), told.with_(me=[SHOP])]
    async with at_work(Shares(told, {SHOP: work})):
        await until(lambda: work.began == 2)
    assert work.ended == 1


async def test_two_over_one_file_share_and_one_has_it_all_when_the_other_ends_or_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEASE", 1.0)
    monkeypatch.setattr(module, "TURN", 0.05)
    tables = [TableDuties(in_file(tmp_path / "samples.db")) for _ in range(2)]
    works = [{watching(f"s{n}"): Work() for n in range(5)} for _ in tables]
    one, other = (Shares(table, dict(work)) for table, work in zip(tables, works, strict=True))
    async with at_work(one):
        await until(lambda: len(one.watched()) == 5)
        async with at_work(other):
            await until(lambda: (len(one.watched()), len(other.watched())) == (3, 2))
            assert not set(one.watched()) & set(other.watched())
            assert sum(work.in_order for work in works[0].values()) == 2
        await until(lambda: len(one.watched()) == 5)
        again = asyncio.create_task(other.run())
        await until(lambda: len(other.watched()) == 2)
        beat, tables[1].beat = tables[1].beat, hang  # type: ignore[method-assign, assignment]
        held = other.watched()
        await until(lambda: len(one.watched()) == 5)
        assert not any(other.mine(watching(name)) for name in held), "nobody may write what another has"
        tables[1].beat = beat  # type: ignore[method-assign]
        await until(lambda: (len(one.watched()), len(other.watched())) == (3, 2))
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)
    for table in tables:
        await table.close()


async def hang(*_: object) -> None:
    await asyncio.sleep(0.05)
