"""Two at once: neither outlives the other's failure, nor ours."""

from __future__ import annotations

import asyncio

import pytest

from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.together import together


class Work:
    """Goes on until it is cancelled, and takes its time to end."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.ended = False

    async def __call__(self) -> None:
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(5):
                await asyncio.sleep(0)
            self.ended = True


async def given(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def test_it_gives_what_both_give() -> None:
    assert await together(given(1), given(2)) == (1, 2)


@pytest.mark.parametrize("first", [True, False])
async def test_when_one_fails_the_other_has_ended_before_it_is_told(first: bool) -> None:
    work = Work()

    async def fails() -> None:
        await work.began.wait()
        raise BackupError("cut short")

    with pytest.raises(BackupError, match="cut short"):
        await (together(fails(), work()) if first else together(work(), fails()))
    assert work.ended


async def test_cancelled_however_often_both_have_ended() -> None:
    one, other = Work(), Work()
    both = asyncio.create_task(together(one(), other()))
    await asyncio.gather(one.began.wait(), other.began.wait())
    while not both.done():
        both.cancel()
        await asyncio.sleep(0)
    assert both.cancelled()
    assert (one.ended, other.ended) == (True, True)
