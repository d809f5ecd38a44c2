"""The socket that all replicas share stays open while one of them is, or is about to be, there."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from rolerabbit.platform.errors import PlatformError
from rolerabbit.platform.fleet import Fleet
from rolerabbit.platform.listener import Listener
from rolerabbit.platform.logbook import Logbook
from rolerabbit.platform.replica import Replica


class Process:
    """A replica without a process: it is ready at once, and ends when it is told to."""

    def __init__(self, spec: Any) -> None:
        self.key, self.state, self.crashed = spec.name, "ready", False
        self.started_at = datetime.now(UTC)
        self._over = asyncio.Event()

    @property
    def running(self) -> bool:
        return not self._over.is_set()

    async def wait_ready(self, _seconds: float) -> bool:
        return True

    async def wait(self) -> None:
        await self._over.wait()

    async def stop(self, _grace: float) -> None:
        self._over.set()

    def crash(self) -> None:
        self.crashed = True
        self._over.set()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Future[Any]]:
    """The starts that were asked for, each to be answered."""
    found: list[asyncio.Future[Any]] = []

    async def start(spec: Any, *_hears: object) -> Any:
        found.append(asyncio.get_running_loop().create_future())
        await found[-1]
        return Process(spec)

    monkeypatch.setattr(Replica, "start", start)
    return found


async def grown(found: list[asyncio.Future[Any]], count: int) -> asyncio.Future[Any]:
    async with asyncio.timeout(20):
        while len(found) < count:
            await asyncio.sleep(0.01)
    return found[count - 1]


async def test_the_last_one_ends_while_its_successor_is_being_started(tmp_path: Path, begun: Any) -> None:
    fleet = Fleet(Listener(0), Logbook(tmp_path))
    first = asyncio.create_task(fleet.replace("43", {}, 1))
    (await grown(begun, 1)).set_result(None)
    await first
    port, [crashing] = fleet.listener.port, fleet._living()
    second = asyncio.create_task(fleet.replace("42", {}, 1))
    start = await grown(begun, 2)
    crashing.crash()  # type: ignore[attr-defined]
    async with asyncio.timeout(20):
        while fleet.crashes == 0:
            await asyncio.sleep(0.01)
    assert fleet.listener.is_open
    start.set_result(None)
    await second
    assert (fleet.ready, fleet.listener.is_open, fleet.listener.port) == (1, True, port)
    await fleet.stop()
    assert not fleet.listener.is_open


async def test_where_none_could_be_started_clients_are_refused_at_once(tmp_path: Path, begun: Any) -> None:
    fleet = Fleet(Listener(0), Logbook(tmp_path))
    first = asyncio.create_task(fleet.replace("43", {}, 1))
    (await grown(begun, 1)).set_exception(OSError("no more processes"))
    with pytest.raises((OSError, PlatformError)):
        await first
    assert not fleet.listener.is_open
