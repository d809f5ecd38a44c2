"""What every action here says where the service's database is not asked well, or does not answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec

from hutch.model.action import Outcome, Preview, Result, Verification, Verified
from hutch.providers.audit.arguments import BadArguments
from hutch.providers.audit.client import AuditError
from hutch.remote import instead, timed

P = ParamSpec("P")


def previewed(
    cannot: str, undo: str = ""
) -> Callable[[Callable[P, Awaitable[Preview]]], Callable[P, Coroutine[Any, Any, Preview]]]:
    """Around a preview: without an answer it says what it ``cannot`` tell, and refuses."""
    return instead(lambda error: Preview(cannot, 0, undo=undo, refused=str(error)), AuditError, BadArguments)


def applied(change: Callable[P, Awaitable[Outcome]]) -> Callable[P, Coroutine[Any, Any, Outcome]]:
    """Around a change: how long it took; unknown where it was sent and no answer came."""
    return timed(instead(_not_done, AuditError, BadArguments)(change))


def _not_done(error: Exception) -> Outcome:
    if not isinstance(error, AuditError):
        return Outcome(Result.FAILED, str(error))
    result = Result.UNKNOWN if error.sent else Result.FAILED
    return Outcome(result, str(error), recoverable=error.recoverable and not error.sent)


def verified(
    cannot: str,
) -> Callable[[Callable[P, Awaitable[Verification]]], Callable[P, Coroutine[Any, Any, Verification]]]:
    """Around a verification: without an answer it is unknown, and says what it ``cannot`` tell."""
    return instead(lambda error: Verification(Verified.UNKNOWN, f"{cannot}: {error}"), AuditError, BadArguments)
