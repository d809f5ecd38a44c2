"""``logs.follow``: what is logged from now on, of all platforms, in turns of one search each."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hutch.commands.context import Context
from hutch.commands.platforms import search
from hutch.model.event import parse_instant
from hutch.model.platform import MOST_LINES, LogQuery

EVERY = 2.0
"""Seconds between two looks."""
LATE = timedelta(seconds=30)
"""How long after its time a line may come: platforms hand them on in batches."""

Key = tuple[str, str, str, str]


async def follow(
    context: Context, service: str, query: LogQuery, end: datetime | None = None, every: float = EVERY
) -> AsyncIterator[dict[str, Any]]:
    """The lines as they come, each once, each look's by time; a look that could not be is given with its ``problems``.

    ``behind``: more came at once than one search gives, and the oldest of them are left out. It ends at ``end``, or
    with whoever reads it.
    """
    told: Counter[Key] = Counter()
    since = query.since or context.clock.now()
    while end is None or context.clock.now() < end:
        looked = context.clock.now()
        found = await search(context, service, replace(query, since=since, limit=MOST_LINES))
        rows = found["lines"]
        new, told = _new(rows, told)
        yield {"lines": new, "problems": found["problems"], "behind": len(new) >= MOST_LINES}
        since = max(since, looked - LATE)
        told = Counter({key: count for key, count in told.items() if parse_instant(key[0]) >= since})
        await context.clock.sleep(every)


def _new(rows: list[dict[str, Any]], told: Counter[Key]) -> tuple[list[dict[str, Any]], Counter[Key]]:
    """Those that were not told yet, and all that were. Lines that are alike are told as often as they were said."""
    seen, new = Counter[Key](), list[dict[str, Any]]()
    for row in rows:
        key = (str(row["at"]), str(row["service"]), str(row["replica"]), str(row["text"]))
        seen[key] += 1
        if seen[key] > told[key]:
            new.append(row)
    return new, told | seen
