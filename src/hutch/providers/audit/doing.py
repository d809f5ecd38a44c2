"""What every action here says where the service's database is not asked well, or does not answer."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import wraps
from typing import Any, ParamSpec

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.providers.audit.arguments import BadArguments
from hutch.providers.audit.client import AuditError

P = ParamSpec("P")


def previewed(
    cannot: str, undo: str = ""
) -> Callable[[Callable[P, Awaitable[Preview]]], Callable[P, Coroutine[Any, Any, Preview]]]:
    """Around a preview: without an answer it says what it ``cannot`` tell, and refuses."""

    def around(look: Callable[P, Awaitable[Preview]]) -> Callable[P, Coroutine[Any, Any, Preview]]:
        @wraps(look)
        async def asked(*args: P.args, **more: P.kwargs) -> Preview:
            try:
                return await look(*args, **more)
            except (AuditError, BadArguments) as error:
                return Preview(cannot, 0, undo=undo, refused=str(error))

        return asked

    return around


def applied(change: Callable[P, Awaitable[Outcome]]) -> Callable[P, Coroutine[Any, Any, Outcome]]:
    """Around a change: how long it took; unknown where it was sent and no answer came."""

    @wraps(change)
    async def done(*args: P.args, **more: P.kwargs) -> Outcome:
        started = time.monotonic()
        try:
            found = await change(*args, **more)
        except AuditError as error:
            result = Result.UNKNOWN if error.sent else Result.FAILED
            found = Outcome(result, str(error), recoverable=error.recoverable and not error.sent)
        except BadArguments as error:
            found = Outcome(Result.FAILED, str(error))
        return replace(found, seconds=time.monotonic() - started)

    return done


def verified(
    cannot: str,
) -> Callable[[Callable[P, Awaitable[Verification]]], Callable[P, Coroutine[Any, Any, Verification]]]:
    """Around a verification: without an answer it is unknown, and says what it ``cannot`` tell."""

    def around(judge: Callable[P, Awaitable[Verification]]) -> Callable[P, Coroutine[Any, Any, Verification]]:
        @wraps(judge)
        async def asked(*args: P.args, **more: P.kwargs) -> Verification:
            try:
                return await judge(*args, **more)
            except (AuditError, BadArguments) as error:
                return Verification(Verified.UNKNOWN, f"{cannot}: {error}")

        return asked

    return around
