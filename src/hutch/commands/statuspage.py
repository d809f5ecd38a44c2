"""The public page as it stands: what customers were told, and the planned work that they may know of."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hutch.commands import maintenance
from hutch.commands.context import CommandError, Context
from hutch.model import maintenance as windows
from hutch.model.event import Event, instant
from hutch.model.quiet import Maintenance
from hutch.model.statuspage import DAYS, Page, Planned, StatusPageConfig, notices, opaque, page

REACH = timedelta(days=2 * DAYS)
"""How far back the page looks; a notice that is older is told by nobody any more."""


def config_of(context: Context) -> StatusPageConfig:
    """The block ``status_page``. Raises :class:`CommandError` where there is none."""
    if context.config.status_page is None:
        raise CommandError("there is no status page: add status_page to hutch.yaml, with a title and components", 2)
    return context.config.status_page


def folder_of(context: Context) -> str:
    """Where its files are kept. Raises :class:`CommandError` where none is configured."""
    folder = config_of(context).folder
    if not folder:
        raise CommandError("name a folder, or set status_page.folder in hutch.yaml", 2)
    return folder


REPORTS = 10
"""How many visitors may report a problem in a minute: the rest see the page, where it stands by then."""


def may_report(context: Context) -> None:
    """Raises :class:`CommandError` where visitors cannot report a problem."""
    if not config_of(context).reports:
        raise CommandError("reports are not taken here", 2)


async def may_report_now(context: Context) -> None:
    """The same, and where too many do."""
    may_report(context)
    since = context.clock.now() - timedelta(minutes=1)
    mine = [e for e in await context.store.since("firing.started", since) if e.actor == "report"]
    if len(mine) >= REPORTS:
        raise CommandError("many report a problem at this moment: we know of it", 1)


async def current(context: Context) -> Page:
    """The page now. Raises :class:`CommandError` where none is configured."""
    config, now = config_of(context), context.clock.now()
    posted = await context.store.since("update.posted", now - REACH)
    return page(config, notices(posted), await _planned(context, now), now)


async def _planned(context: Context, now: datetime) -> list[Planned]:
    """Public windows that are to come, under way, or were within the page's days."""
    ahead = [_told(one, *found) for one in await maintenance.listing(context) if (found := _window(one, now))]
    past = await context.store.since("maintenance.planned", now - timedelta(days=DAYS))
    ended = await context.store.since("maintenance.ended", now - timedelta(days=DAYS))
    return list({one.id: one for one in [*_past(past, ended), *ahead]}.values())


def _window(one: Maintenance, now: datetime) -> tuple[datetime, datetime] | None:
    return one.window(now) if one.public else None


def _past(begun: Iterable[Event], ended: Iterable[Event]) -> list[Planned]:
    """Those of the log, as they ended."""
    streams: dict[str, list[Event]] = {event.stream: [event] for event in begun}
    for event in ended:
        streams.get(event.stream, []).append(event)
    found = [windows.fold(events) for events in streams.values()]
    return [_told(one, one.starts, one.ends) for one in found if one and one.public and one.starts and one.ends]


def _told(one: Maintenance, starts: datetime, ends: datetime) -> Planned:
    name = one.id or f"{one.name} {instant(starts)}"
    return Planned(opaque("maintenance", name), one.name, one.service, starts, ends)
