"""Whoever follows the log ends where it ended when the look began, however fast it grows meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from hutch.commands.recalled import Recalled
from hutch.commands.register import follow
from hutch.model.event import Draft, Event
from hutch.ports import Append, Store
from hutch.store.aside import in_file
from hutch.store.register import RegisterTable
from hutch.testing import FakeClock, MemoryStore
from hutch.web.circles import Circles
from hutch.web.ran import Runs


class Growing:
    """A log to which somebody writes at each look at it, as in a storm."""

    def __init__(self) -> None:
        self.inner, self.looks = MemoryStore(FakeClock()), 0

    async def grow(self, count: int = 1) -> None:
        await self.inner.commit([Append(f"alert:{count}", (Draft("x"),) * count)])

    async def _looked(self, found: Any) -> Any:
        self.looks += 1
        assert self.looks < 20, "it never ends"
        await self.grow()
        return found

    async def tail(self, position: int = 0, limit: int = 1000) -> Any:
        return await self._looked(await self.inner.tail(position, limit))

    async def places(self, position: int = 0, limit: int = 1000) -> Any:
        return await self._looked(await self.inner.places(position, limit))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class Reads(Growing):
    """Counts the events that are read."""

    events = 0

    async def read(self, stream: str, after: int = 0) -> list[Event]:
        found = await self.inner.read(stream, after)
        self.events += len(found)
        return found

    async def read_all(self, streams: Sequence[str]) -> list[list[Event]]:
        return [await self.read(stream) for stream in streams]


async def test_circles_read_what_incidents_were_told_and_nothing_of_a_storm() -> None:
    store = Reads()
    declared = Draft("incident.declared", {"service": "shop", "private": True}, "ann")
    await store.inner.commit([Append("incident:INC-1", (declared, Draft("x")))])
    await store.grow(2500)
    circles = Circles(store)  # type: ignore[arg-type]
    await circles.catch_up()
    await store.inner.commit([Append("incident:INC-1", (Draft("person.admitted", {"who": "bob"}),))])
    await circles.catch_up()
    found = circles.of("incident:INC-1")
    assert found and (found.private, found.people) == (True, {"ann", "bob"})
    assert store.events == 3


async def of_lists(store: Store, folder: Path) -> None:
    table = RegisterTable(in_file(folder / "register.db"))
    assert await follow(store, table, Recalled())
    upto = await table.followed()
    assert upto and upto[0] >= 2500  # all that was there when it began
    await table.close()


async def of_circles(store: Store, _folder: Path) -> None:
    await Circles(store).catch_up()


async def of_runs(store: Store, _folder: Path) -> None:
    assert await Runs(store).every() == []


@pytest.mark.parametrize("who", [of_lists, of_circles, of_runs])
async def test_following_a_log_that_grows_ends(who: Callable[[Any, Path], Awaitable[None]], tmp_path: Path) -> None:
    store = Growing()
    await store.grow(2500)
    await who(store, tmp_path)
    assert store.looks >= 3  # three steps of a thousand hold what was there
