"""Previews and changes by calls of Amazon's: what a refusal or a silence means to them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from hutch.amazon.calls import AwsRefused, AwsSilent
from hutch.model.action import Outcome, Preview, Result

Args = Mapping[str, object]


async def previewed(look: Callable[[Args], Awaitable[Preview]], args: Args) -> Preview:
    """The preview, or why none can be given."""
    try:
        return await look(args)
    except (AwsRefused, AwsSilent) as error:
        return Preview("nothing can be said of what would happen", 0, refused=str(error))


async def applied(change: Callable[[Args], Awaitable[Outcome]], args: Args) -> Outcome:
    """Do it and time it. A request that went out and was not answered may have been done: unknown."""
    started = time.monotonic()
    try:
        found = await change(args)
    except AwsRefused as error:
        found = Outcome(Result.FAILED, str(error), recoverable=error.recoverable)
    except AwsSilent as error:
        found = Outcome(Result.UNKNOWN if error.sent else Result.FAILED, str(error), recoverable=not error.sent)
    took = time.monotonic() - started
    return Outcome(
        found.result, found.summary, seconds=took, hits=found.hits, undo=found.undo, recoverable=found.recoverable
    )
