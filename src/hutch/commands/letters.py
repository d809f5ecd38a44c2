"""Dead letters: payloads of proved sources that could not be read. Kept, shown, read again; bounded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from hutch.commands.context import CommandError, Context
from hutch.model.event import Draft, Event
from hutch.model.ingest import IngestSource
from hutch.ports import Append

STREAM = "letters:dead"
KEPT, REPLAYED = "letter.kept", "letter.replayed"

LONGEST = 256 * 1024
"""Bytes of a payload that are kept; of a longer one the beginning, which can be looked at and not read again."""

PER_HOUR = 200
"""Letters kept in an hour: a source that sends nothing but junk does not fill the store."""


async def keep(context: Context, source: IngestSource, headers: Mapping[str, str], body: bytes, reason: str) -> None:
    """Keep a payload that could not be read, masked, with the reason."""
    recent = await context.store.since(KEPT, context.clock.now() - timedelta(hours=1))
    if len(recent) >= PER_HOUR:
        return
    mask = context.secrets.mask
    data = {
        "source": source.kind,
        "name": source.name,
        "headers": dict(headers),
        "body": mask(body[:LONGEST].decode("utf-8", errors="replace")),
        "whole": len(body) <= LONGEST,
        "reason": mask(reason),
    }
    await context.store.commit([Append(STREAM, (Draft(KEPT, data, source.kind),))])


async def listing(context: Context) -> list[tuple[Event, bool]]:
    """Every letter, oldest first, and whether it was read again."""
    events = await context.store.read(STREAM)
    done = {e.data["letter"] for e in events if e.kind == REPLAYED}
    return [(e, e.seq in done) for e in events if e.kind == KEPT]


async def find(context: Context, number: int) -> Event:
    """The letter of that number. Raises :class:`CommandError`."""
    for letter, done in await listing(context):
        if letter.seq != number:
            continue
        if done:
            raise CommandError(f"letter {number} was read again already")
        if not letter.data["whole"]:
            raise CommandError(f"letter {number} is kept in part only: more than {LONGEST // 1024} kB")
        return letter
    raise CommandError(f"no letter {number}; `hutch alert letters` lists them", 2)


async def replayed(context: Context, letter: Event) -> None:
    """It was read, and its alerts are durable."""
    await context.store.commit([Append(STREAM, (Draft(REPLAYED, {"letter": letter.seq}),))])
