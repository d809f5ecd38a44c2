"""Planned work: windows in which alerts are held back, of the configuration and of people."""

from __future__ import annotations

from datetime import datetime, timedelta

from hutch.commands.context import CommandError, Context
from hutch.commands.incidents import TRIES
from hutch.commands.intake import recheck_job
from hutch.model import maintenance as model
from hutch.model.quiet import Maintenance
from hutch.ports import Append, Conflict, Job

LONGEST = timedelta(days=30)
"""A longer window is a service that nobody watches."""

AHEAD = timedelta(days=366)
"""How far ahead a window may be planned."""


async def add(
    context: Context, name: str, service: str, starts: datetime, ends: datetime, actor: str, *, public: bool = False
) -> Maintenance:
    """Hold back what fires on ``service`` (empty: on all) from ``starts`` to ``ends``; a ``public`` one stands on the
    status page too. Raises :class:`CommandError`."""
    now = context.clock.now()
    title = context.secrets.mask(name.strip())
    if not title:
        raise CommandError('say what is done: `hutch maintenance add "Database move" --for 2h`', 2)
    if service:
        context.service(service)
    if public and context.config.status_page is None:
        raise CommandError("--public: there is no status page; add status_page to hutch.yaml", 2)
    if not starts < ends or ends <= now:
        raise CommandError("a window must end after it begins, and after now: --for 2h, or --from … --to …", 2)
    if ends - starts > LONGEST or starts > now + AHEAD:
        raise CommandError(f"a window is {LONGEST.days} days long at most, and begins within a year", 2)
    for _ in range(TRIES):
        names = await context.store.streams("maintenance:")
        window_id = model.next_id(n.removeprefix("maintenance:") for n in names)
        window = Maintenance(title, service, starts, ends, id=window_id, by=actor, public=public)
        try:
            await context.store.commit([Append(model.stream_of(window_id), (model.planned(window),), expect=0)])
        except Conflict:
            continue
        return window
    raise CommandError("could not get a number: too many windows are planned at once; try again")


async def listing(context: Context) -> list[Maintenance]:
    """Those that are open or still to come, of the log and of the configuration; what begins first at the beginning."""
    board, now = context.board, context.clock.now()
    async with board.lock:
        await board.catch_up(context.store, now)
        found = [*context.config.maintenance, *board.maintenance.values()]
    windows = [(window, one) for one in found if (window := one.window(now))]
    return [one for _, one in sorted(windows, key=lambda pair: (pair[0], pair[1].id, pair[1].name))]


async def end(context: Context, window_id: str, actor: str) -> None:
    """End one now, or call it off; what it holds back is let go. Raises :class:`CommandError` where there is none."""
    found = next((m for m in await listing(context) if m.id == window_id), None)
    if found is None or not window_id:
        what = "windows of hutch.yaml end there; " if window_id in [m.name for m in context.config.maintenance] else ""
        raise CommandError(f"no window {window_id} is planned; {what}`hutch maintenance list` shows them", 2)
    draft = model.ended(context.clock.now(), actor)
    await context.store.commit([Append(model.stream_of(window_id), (draft,))], await _held(context, found))


async def _held(context: Context, window: Maintenance) -> list[Job]:
    """A job for each alert that it held back."""
    assert window.starts
    began = await context.store.since("firing.started", window.starts)
    mine = {event.stream for event in began if event.data.get("held") == window.word}
    return [recheck_job(stream.removeprefix("alert:"), None) for stream in sorted(mine)]
