"""Changes at a system that is asked over the network: what a refusal, or a silence, means to a preview, to a change and
to its verification. For every provider whose system answers that way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import aiohttp

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.model.event import parse_instant
from hutch.ports import Unanswered, said

Args = Mapping[str, object]
R = TypeVar("R")
S = TypeVar("S")
P = ParamSpec("P")
LOOKS = 3
"""Looks for a change whose answer was lost."""
SKEW = timedelta(seconds=60)
"""How far a platform's clock and ours may be apart."""
ATTEMPTS = 3
"""A read is tried as often. A change is sent again only after an answer that says that it was not looked at."""
FIRST_WAIT = 0.5
"""Seconds before a read is tried again that got no answer; then twice as long."""
MOST_BYTES = 20_000_000
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


async def answered(call: Awaitable[S]) -> S:
    """What it says, in the words that all platforms share: or :class:`Unanswered`."""
    try:
        return await call
    except Refused as error:
        raise Unanswered(str(error), error.recoverable) from error
    except Silent as error:
        raise Unanswered(str(error), recoverable=True) from error


def instead(
    says: Callable[[Exception], R], *errors: type[Exception]
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Coroutine[Any, Any, R]]]:
    """Around a preview, a change or its verification: what it ``says`` of such an error, instead of raising it."""

    def around(work: Callable[P, Awaitable[R]]) -> Callable[P, Coroutine[Any, Any, R]]:
        @wraps(work)
        async def done(*args: P.args, **more: P.kwargs) -> R:
            try:
                return await work(*args, **more)
            except errors as error:
                return says(error)

        return done

    return around


def timed(change: Callable[P, Awaitable[Outcome]]) -> Callable[P, Coroutine[Any, Any, Outcome]]:
    """Around a change: how long it took."""

    @wraps(change)
    async def done(*args: P.args, **more: P.kwargs) -> Outcome:
        started = time.monotonic()
        found = await change(*args, **more)
        return replace(found, seconds=time.monotonic() - started)

    return done


def _not_done(error: Exception) -> Outcome:
    if isinstance(error, Silent):
        return Outcome(Result.UNKNOWN if error.sent else Result.FAILED, str(error), recoverable=not error.sent)
    return Outcome(Result.FAILED, str(error), recoverable=isinstance(error, Refused) and error.recoverable)


previewed = instead(
    lambda error: Preview("nothing can be said of what would happen", 0, refused=str(error)), Refused, Silent
)
"""Around a preview: it, or why none can be given."""

verified = instead(lambda error: Verification(Verified.UNKNOWN, str(error)), Refused, Silent)
"""Around a verification: the judgement of what it does now; unknown where it does not say."""


def applied(change: Callable[P, Awaitable[Outcome]]) -> Callable[P, Coroutine[Any, Any, Outcome]]:
    """Around a change: how long it took. A request that went out and was not answered may have been done: unknown."""
    return timed(instead(_not_done, Refused, Silent)(change))


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


async def asked_once(ask: Callable[[], Awaitable[object]], there: Callable[[], Awaitable[bool]], every: float) -> None:
    """Ask for a change. One that went out and was not answered is not repeated: what is ``there`` at one of the next
    looks, one each ``every`` seconds, decides; else the error stands. A look without an answer tells nothing."""
    try:
        await ask()
    except Silent as error:
        if not error.sent or not await _seen(there, every):
            raise


async def _seen(there: Callable[[], Awaitable[bool]], every: float) -> bool:
    for _ in range(LOOKS):
        with suppress(Refused, Silent):
            if await there():
                return True
        await asyncio.sleep(every)
    return False


async def tried(once: Callable[[], Awaitable[S]], *, change: bool, patience: float) -> S:
    """What a call gives, which is made again where that is safe; a refusal that asks to wait for longer than
    ``patience`` seconds is raised. Raises :class:`Refused` or :class:`Silent`."""
    pause = FIRST_WAIT
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await once()
        except Refused as error:
            if not error.recoverable or attempt == ATTEMPTS or error.wait > patience:
                raise
            pause = error.wait
        except Silent:
            if change or attempt == ATTEMPTS:
                raise
        await asyncio.sleep(pause)
        pause = max(FIRST_WAIT, pause * 2)
    raise AssertionError("the last attempt returns or raises")


@dataclass(frozen=True, slots=True)
class Asked:
    """One HTTP request. ``doing`` and ``who`` say what it is for, and who is asked, in the words of an error."""

    doing: str
    who: str
    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes


async def exchange(asked: Asked, timeout: float) -> Answer:
    """The answer, of any status, within ``timeout`` seconds and 20 MB; no redirect is followed, so that a token goes
    where it is meant to. Raises :class:`Silent`."""
    doing = f"cannot {asked.doing}"
    try:
        async with (
            asyncio.timeout(timeout),
            aiohttp.ClientSession(trust_env=False, timeout=aiohttp.ClientTimeout(total=None)) as session,
            session.request(
                asked.method, asked.url, json=asked.body, headers=asked.headers, allow_redirects=False
            ) as answer,
        ):
            return Answer(answer.status, answer.headers, await _bounded(answer.content))
    except aiohttp.ClientConnectorError as error:
        raise Silent(f"{doing}: {asked.who} is not reached: {error}", sent=False) from None
    except TimeoutError:
        raise Silent(f"{doing}: no whole answer within {timeout:g} s", sent=True) from None
    except (aiohttp.ClientError, OSError) as error:
        raise Silent(f"{doing}: the connection broke: {type(error).__name__}", sent=True) from None


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    found = bytearray()
    async for piece in content.iter_chunked(65536):
        found += piece
        if len(found) > MOST_BYTES:
            raise aiohttp.ClientPayloadError("the answer is too long")
    return bytes(found)


def json_of(content: bytes) -> object:
    """The value of an answer; None of what is no JSON, or is nested without end."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


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


def begun_after(args: Args, apart: timedelta = timedelta()) -> datetime | None:
    """The moment after which what was asked for has begun: that of ``after``, a time by the platform's own clock, and
    ``apart`` later, or of ``since``, one by ours, which may be a minute apart. None where neither is said."""
    try:
        if args.get("after"):
            return parse_instant(str(args["after"])) + apart
        return parse_instant(str(args["since"])) - SKEW if args.get("since") else None
    except ValueError:
        return None


def word_of(args: Args, key: str) -> str:
    """A text among the arguments; empty where there is none."""
    value = args.get(key)
    return value.strip() if isinstance(value, str) else ""
