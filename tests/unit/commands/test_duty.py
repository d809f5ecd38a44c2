"""What only one process does: it is waited for, renewed, given up when it is lost, and kept while nobody can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hutch.commands import duty as module
from hutch.commands.duty import Duty
from hutch.ports import StoreAway
from hutch.store.duties import FileDuties


class Told:
    """Says what the test says."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers, self.released = list(answers), 0

    async def hold(self, duty: str, seconds: float) -> bool | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    async def release(self, duty: str) -> None:
        self.released += 1

    async def close(self) -> None:
        pass


class Work:
    """Counts how often it began and ended."""

    def __init__(self) -> None:
        self.began = self.ended = 0

    async def __call__(self) -> None:
        self.began += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEWAL", 0.01)
    monkeypatch.setattr(module, "TURN", 0.01)


@asynccontextmanager
async def at_work(duty: Duty, work: Work) -> AsyncIterator[None]:
    task = asyncio.create_task(duty.run(work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(look: object) -> None:
    for _ in range(500):
        if look():  # type: ignore[operator]
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_it_stands_by_works_and_stops_when_another_has_it() -> None:
    told, work = Told(*[False] * 20, None, True, True, False, False, True), Work()
    duty = Duty(told, "watch")
    async with at_work(duty, work):
        await until(lambda: duty.waiting)
        assert work.began == 0 and not duty.mine
        await until(lambda: work.ended == 1)
        await until(lambda: work.began == 2)
        assert duty.mine and not duty.waiting
    assert (work.ended, told.released, duty.mine) == (2, 1, False)


async def test_where_nobody_can_tell_who_has_it_this_one_does_not_say_that_it_stands_by() -> None:
    told, work = Told(None), Work()
    duty = Duty(told, "watch")
    async with at_work(duty, work):
        await asyncio.sleep(0.05)
        assert not duty.waiting and work.began == 0


async def test_while_nobody_can_tell_the_work_goes_on_and_may_write_only_as_long_as_the_lease_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LEASE", 0.05)
    duty, work = Duty(Told(True, None), "watch"), Work()
    async with at_work(duty, work):
        await until(lambda: work.began == 1)
        await until(lambda: not duty.mine)
        assert work.ended == 0 and not duty.waiting


async def test_an_error_of_the_work_ends_it_all_and_gives_the_duty_back() -> None:
    async def broken() -> None:
        raise LookupError("gone")

    told = Told(True)
    with pytest.raises(LookupError, match="gone"):
        await Duty(told, "watch").run(broken)
    assert told.released == 1


async def test_on_one_machine_the_lock_of_a_file_says_who_has_it(tmp_path: Path) -> None:
    one, other = FileDuties(tmp_path / "home"), FileDuties(tmp_path / "home")
    assert [await one.hold("watch", 1), await one.hold("watch", 1), await other.hold("watch", 1)] == [True, True, False]
    assert await other.hold("probes@local", 1) is True
    await one.close()
    assert await other.hold("watch", 1) is True
    await other.close()
    (tmp_path / "file").write_text("")
    assert await FileDuties(tmp_path / "file").hold("watch", 1) is None


async def test_a_store_that_was_away_for_too_long_ends_only_this_turn() -> None:
    class Away(Work):
        async def __call__(self) -> None:
            if not self.began:
                self.began += 1
                raise StoreAway("it is away")
            await super().__call__()

    work = Away()
    async with at_work(Duty(Told(True), "watch"), work):
        await until(lambda: work.began == 2)
    assert work.ended == 1
