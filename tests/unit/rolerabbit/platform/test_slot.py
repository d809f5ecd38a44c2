from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from rolerabbit.platform import slot as slots
from rolerabbit.platform.replica import Replica
from rolerabbit.platform.slot import Slot, backoff


class FakeReplica:
    """Ends when told to, and says how it was stopped."""

    def __init__(self, ready: bool = True) -> None:
        self.started_at = datetime.now(UTC)
        self.state = "ready"
        self.pid = 1
        self._ready = ready
        self._ended = asyncio.Event()

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    def crash(self) -> None:
        self._ended.set()

    async def wait_ready(self, seconds: float) -> bool:
        return self._ready

    async def wait(self) -> int:
        await self._ended.wait()
        return 1

    async def stop(self, grace: float) -> None:
        self._ended.set()


class Factory:
    def __init__(self, ready: bool = True) -> None:
        self.made: list[FakeReplica] = []
        self.ended: list[Any] = []
        self._ready = ready

    async def start(self, name: str) -> Replica:
        self.made.append(FakeReplica(self._ready))
        return cast(Replica, self.made[-1])

    def slot(self) -> Slot:
        return Slot("42-1", "42", self.start, self.ended.append)


@pytest.fixture(autouse=True)
def _short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "FIRST_DELAY_SECONDS", 0.01)


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


def test_the_delay_grows_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "FIRST_DELAY_SECONDS", 0.5)
    assert [backoff(n) for n in (1, 2, 3, 4, 5, 6, 1000)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


async def test_a_crashed_replica_is_started_again_and_counted() -> None:
    factory = Factory()
    slot = factory.slot()
    assert await slot.fill()
    for number in (1, 2):
        factory.made[-1].crash()
        await until(lambda number=number: slot.restarts == number)
    assert slot.running
    assert len(factory.ended) == 2
    await slot.empty(1.0)
    assert len(factory.ended) == 3
    assert not slot.running


async def test_an_emptied_slot_stays_empty() -> None:
    factory = Factory()
    slot = factory.slot()
    await slot.fill()
    await slot.empty(1.0)
    await asyncio.sleep(0.1)
    assert len(factory.made) == 1
    assert slot.describe()["state"] == "backing-off"


async def test_emptying_does_not_wait_for_the_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "FIRST_DELAY_SECONDS", 5.0)
    factory = Factory()
    slot = factory.slot()
    await slot.fill()
    factory.made[0].crash()
    await until(lambda: factory.ended)
    async with asyncio.timeout(1):
        await slot.empty(1.0)
    assert len(factory.made) == 1


async def test_a_replica_that_never_becomes_ready_is_ended() -> None:
    factory = Factory(ready=False)
    assert not await factory.slot().fill()
    assert factory.ended == factory.made
