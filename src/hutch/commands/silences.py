"""Silences: alerts that a person holds back for a while, with a reason and an end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hutch.commands.context import CommandError, Context
from hutch.commands.incidents import TRIES
from hutch.commands.intake import recheck_job
from hutch.model import silence as model
from hutch.model.quiet import Matcher, Silence, matcher
from hutch.ports import Append, Conflict, Job

LONGEST = timedelta(days=90)
"""A silence must have an end; one further away is forgotten before it comes."""


async def begin(context: Context, matchers: Sequence[str], length: timedelta, reason: str, actor: str) -> Silence:
    """Hold back the alerts that fit all of ``matchers``. Raises :class:`CommandError` for what makes no sense."""
    found = _matchers(matchers)
    if not timedelta(0) < length <= LONGEST:
        raise CommandError(f"a silence must have an end, within {LONGEST.days} days: --for 2h", 2)
    if not reason.strip():
        raise CommandError("say why with --reason: others will ask", 2)
    now = context.clock.now()
    for _ in range(TRIES):
        names = await context.store.streams("silence:")
        silence_id = model.next_id(n.removeprefix("silence:") for n in names)
        draft = model.begun(found, now, now + length, context.secrets.mask(reason), actor)
        try:
            await context.store.commit([Append(model.stream_of(silence_id), (draft,), expect=0)])
        except Conflict:
            continue
        return Silence(silence_id, found, now, now + length, reason, actor)
    raise CommandError("could not get a number: too many silences begin at once; try again")


def _matchers(texts: Sequence[str]) -> tuple[Matcher, ...]:
    if not texts:
        raise CommandError("at least one matcher says what to silence: --match service=shop", 2)
    try:
        return tuple(matcher(text) for text in texts)
    except ValueError as error:
        raise CommandError(str(error), 2) from error


async def listing(context: Context) -> list[Silence]:
    """Those in force, the one that ends first at the beginning."""
    board = context.board
    async with board.lock:
        await board.catch_up(context.store, context.clock.now())
        return sorted(board.silences.values(), key=lambda s: (s.ends, s.id))


async def expire(context: Context, silence_id: str, actor: str) -> None:
    """End one now; what it still holds back is let go. Raises :class:`CommandError` when it is not in force."""
    found = next((s for s in await listing(context) if s.id == silence_id), None)
    if found is None:
        raise CommandError(f"no silence {silence_id} is in force; `hutch alert silence list` shows them", 2)
    draft = model.expired(context.clock.now(), actor)
    await context.store.commit([Append(model.stream_of(silence_id), (draft,))], await _held(context, found))


async def _held(context: Context, silence: Silence) -> list[Job]:
    """A job for each alert that it held back."""
    began = await context.store.since("firing.started", silence.starts)
    mine = {event.stream for event in began if event.data.get("held") == silence.word}
    return [recheck_job(stream.removeprefix("alert:"), None) for stream in sorted(mine)]
