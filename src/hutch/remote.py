"""Changes at a system that is asked over the network: what a refusal, or a silence, means to a preview, to a change and
to its verification. For every provider whose system answers that way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.ports import said

Args = Mapping[str, object]
S = TypeVar("S")
GIVE_UP = 5
"""Looks in a row without an answer, or that show nothing of the change, that end the wait for it."""


class Refused(Exception):
    """It answered that it did not do it. ``recoverable``: it may do so after ``wait`` seconds."""

    def __init__(self, message: str, recoverable: bool = False, wait: float = 0.0) -> None:
        super().__init__(message)
        self.recoverable = recoverable
        self.wait = wait


class Silent(Exception):
    """No whole answer. ``sent``: the request went out, so a change may have been made all the same."""

    def __init__(self, message: str, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


async def previewed(look: Callable[[Args], Awaitable[Preview]], args: Args) -> Preview:
    """The preview, or why none can be given."""
    try:
        return await look(args)
    except (Refused, Silent) as error:
        return Preview("nothing can be said of what would happen", 0, refused=str(error))


async def applied(change: Callable[[Args], Awaitable[Outcome]], args: Args) -> Outcome:
    """Do it and time it. A request that went out and was not answered may have been done: unknown."""
    started = time.monotonic()
    try:
        found = await change(args)
    except Refused as error:
        found = Outcome(Result.FAILED, str(error), recoverable=error.recoverable)
    except Silent as error:
        found = Outcome(Result.UNKNOWN if error.sent else Result.FAILED, str(error), recoverable=not error.sent)
    return replace(found, seconds=time.monotonic() - started)


async def verified(judge: Callable[[Args], Awaitable[Verification]], args: Args) -> Verification:
    """The judgement of what it does now; unknown where it does not say."""
    try:
        return await judge(args)
    except (Refused, Silent) as error:
        return Verification(Verified.UNKNOWN, str(error))


async def waited(
    asked: str,
    look: Callable[[], Awaitable[S]],
    judge: Callable[[S], Awaitable[Verification]],
    seconds: float,
    every: float,
) -> str:
    """What became of a change that was asked for, said as it goes on, for at most ``seconds`` and with a look each
    ``every`` seconds. One look that shows nothing is no end."""
    until, word, heard, lost = time.monotonic() + seconds, "", "", 0
    found = Verification(Verified.PENDING, "")
    while time.monotonic() < until and lost < GIVE_UP:
        try:
            found = await judge(await look())
            lost = lost + 1 if found.verdict is Verified.FAILED else 0
        except (Refused, Silent) as error:
            found, lost = Verification(Verified.PENDING, str(error)), lost + 1
        word = found.summary
        if word != heard:
            said(f"{word}\n")
            heard = word
        if found.verdict is Verified.PASSED:
            return f"{asked}; {word}"
        await asyncio.sleep(every)
    if found.verdict is Verified.FAILED:
        return f"{asked}, and did not get there: {word}"
    return f"{asked}, and is not there yet: {word or 'nothing is known'}"


def asked_to_wait(headers: Mapping[str, str], now: float) -> float:
    """Seconds to wait, by ``Retry-After`` or by ``X-RateLimit-Reset``, seconds since 1970; 1 where neither is said.

    >>> asked_to_wait({"X-RateLimit-Reset": "1070"}, 1000.0)
    70.0
    >>> asked_to_wait({"Retry-After": "7"}, 1000.0)
    7.0
    """
    after, reset = headers.get("Retry-After", ""), headers.get("X-RateLimit-Reset", "")
    if after.isascii() and after.isdigit():
        return float(after)
    if reset.isascii() and reset.isdigit():
        return max(0.0, int(reset) - now)
    return 1.0


def word_of(args: Args, key: str) -> str:
    """A text among the arguments; empty where there is none."""
    value = args.get(key)
    return value.strip() if isinstance(value, str) else ""
