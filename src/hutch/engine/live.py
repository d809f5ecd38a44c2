"""The output of a step while it runs: gathered, masked whole, and given on in pieces that the journal can bear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from hutch.ports import Output, hearing

EVERY = 0.5
"""Seconds between two pieces at first; each takes a quarter longer than the one before, up to ``SELDOM``."""

SELDOM = 5.0
"""Seconds between two pieces of a step that runs long."""

ROOM = 20_000
"""Characters of one step that are shown live; its outcome holds the end of the output."""

Give = Callable[[str], Awaitable[None]]


class Heard:
    """What was heard of one step, and how much of it was given on.

    Secrets are masked in the whole of what was heard and only whole lines are given on, so that no secret slips
    through between two pieces.
    """

    def __init__(self, mask: Callable[[str], str]) -> None:
        self._mask = mask
        self._text = ""
        self._given = ""

    def add(self, text: str) -> None:
        """Take in a piece; what is past the room is left to the outcome."""
        self._text += text[: max(ROOM - len(self._text), 0)]

    def take(self) -> str:
        """What is new since the last call, masked; empty when nothing is."""
        whole = self._mask(self._text[: self._text.rfind("\n") + 1])
        if not whole.startswith(self._given):
            return ""  # a secret ends only now: what was given stays, the outcome will say the rest
        new, self._given = whole[len(self._given) :], whole
        return new


@asynccontextmanager
async def listening(mask: Callable[[str], str], give: Give, keep: Output | None = None) -> AsyncIterator[None]:
    """While the block lasts, what providers say of the command under way goes to ``give``, piece by piece, and whole to
    ``keep``, which is closed with it."""
    heard = Heard(mask)

    def hear(text: str) -> None:
        heard.add(text)
        if keep:
            keep.add(text)

    token = hearing.set(hear)
    speakers: list[asyncio.Task[None]] = []
    begins = asyncio.get_running_loop().call_later(
        EVERY, lambda: speakers.append(asyncio.create_task(_speak(heard, give)))
    )
    try:
        yield
    finally:
        hearing.reset(token)
        begins.cancel()  # most steps are over by then
        for speaker in speakers:
            speaker.cancel()
            with suppress(asyncio.CancelledError):
                await speaker
        if keep:
            await keep.close()


async def _speak(heard: Heard, give: Give) -> None:
    pause = EVERY
    while True:
        new = heard.take()
        if new:
            await give(new)
            pause = min(pause * 1.25, SELDOM)
        await asyncio.sleep(pause)
