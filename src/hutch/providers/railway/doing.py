"""What the changes share: how they are previewed, timed, watched and verified."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.ports import said
from hutch.providers.railway.calls import RailwayRefused, RailwaySilent
from hutch.providers.railway.client import Client, State

Args = Mapping[str, object]
GIVE_UP = 5
"""Looks in a row without an answer, or that show nothing of the change, that end the wait for it."""


async def previewed(look: Callable[[Args], Awaitable[Preview]], args: Args) -> Preview:
    """The preview, or why none can be given."""
    try:
        return await look(args)
    except (RailwayRefused, RailwaySilent) as error:
        return Preview("nothing can be said of what would happen", 0, refused=str(error))


async def applied(change: Callable[[Args], Awaitable[Outcome]], args: Args) -> Outcome:
    """Do it and time it. A request that went out and was not answered may have been done: unknown."""
    started = time.monotonic()
    try:
        found = await change(args)
    except RailwayRefused as error:
        found = Outcome(Result.FAILED, str(error), recoverable=error.recoverable)
    except RailwaySilent as error:
        found = Outcome(Result.UNKNOWN if error.sent else Result.FAILED, str(error), recoverable=not error.sent)
    return replace(found, seconds=time.monotonic() - started)


async def verified(judge: Callable[[Args], Awaitable[Verification]], args: Args) -> Verification:
    """The judgement of what Railway does now."""
    try:
        return await judge(args)
    except (RailwayRefused, RailwaySilent) as error:
        return Verification(Verified.UNKNOWN, str(error))


async def waited(client: Client, asked: str, judge: Callable[[State], Verification]) -> str:
    """What became of a change that was asked for, said as it goes on. One look that shows nothing is no end."""
    until, word, heard, lost = time.monotonic() + client.config.rollout, "", "", 0
    found = Verification(Verified.PENDING, "")
    while time.monotonic() < until and lost < GIVE_UP:
        try:
            found = judge(await client.state())
            lost = lost + 1 if found.verdict is Verified.FAILED else 0
        except (RailwayRefused, RailwaySilent) as error:
            found, lost = Verification(Verified.PENDING, str(error)), lost + 1
        word = found.summary
        if word != heard:
            said(f"{word}\n")
            heard = word
        if found.verdict is Verified.PASSED:
            return f"{asked}; {word}"
        await asyncio.sleep(client.config.look_every)
    if found.verdict is Verified.FAILED:
        return f"{asked}, and did not get there: {word}"
    return f"{asked}, and is not there yet: {word or 'nothing is known'}"


def word(args: Args, key: str) -> str:
    """A text among the arguments; empty where there is none."""
    value = args.get(key)
    return value.strip() if isinstance(value, str) else ""
