"""The list of incidents that a request asks for: narrowed, and a page of it at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from hutch.commands import register
from hutch.commands.context import CommandError, Context
from hutch.commands.seen import Shows
from hutch.commands.views import incident_json
from hutch.model.incident import Incident
from hutch.model.register import Mark, Wanted
from hutch.model.severity import Severity

PAGE = 50
"""Incidents that a page of a list shows."""

OPEN_MOST, ENDED_MOST, OWING_MOST = 100, 10, 10
"""Open incidents, resolved ones, and resolved ones that owe something, that the front page looks at."""

MOST = 200
"""Incidents that one answer of the API holds where it is narrowed."""

STATES = ("open", "resolved")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is narrowed to; an empty text is no narrowing. ``after`` is a mark as :func:`written`."""

    state: str = ""
    service: str = ""
    severity: str = ""
    after: str = ""

    @property
    def narrow(self) -> bool:
        """Whether anything was asked for at all."""
        return bool(self.state or self.service or self.severity or self.after)

    def wanted(self, state: str, most: int) -> Wanted:
        """The same as values. Raises :class:`CommandError` for a word that is none."""
        after = read(self.after) if self.after and self.state == state else None
        return Wanted(state == "open", self.service, severity_of(self.severity), after, most)

    def address(self, state: str, after: Mark | None) -> str:
        """The page of the list that goes on after that mark; empty where it does not."""
        if after is None:
            return ""
        asked = {"state": state, "service": self.service, "severity": self.severity, "after": written(after)}
        return "/incidents?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of a list, how many it has in all (``more`` than were counted), and where it goes on."""

    incidents: tuple[Incident, ...]
    total: int
    more: bool
    next: str


async def listed(context: Context, asked: Asked, shows: Shows) -> Listed:
    """The list of one state, of open ones where none is named, of those that ``shows`` lets through. Raises
    :class:`CommandError`."""
    state = _state(asked)
    wanted = replace(asked, state=state).wanted(state, PAGE)
    page, total = await register.page(context, wanted, shows), await register.count(context, wanted, shows)
    return Listed(page.incidents, total, total >= register.COUNTED, asked.address(state, page.more))


@dataclass(frozen=True, slots=True)
class Front:
    """The incidents that a front page tells of: the first open ones, the latest resolved ones, and resolved ones that
    owe something. ``open`` and ``ended`` count all of them, as texts."""

    open_ones: tuple[Incident, ...]
    ended_ones: tuple[Incident, ...]
    owing: tuple[Incident, ...]
    open: str
    ended: str

    @property
    def promising(self) -> tuple[Incident, ...]:
        """Those whose promises are due next."""
        also = {state.id for state in self.open_ones}
        return (*self.open_ones, *(state for state in self.owing if state.id not in also))


async def front(context: Context, shows: Shows) -> Front:
    """As few as it takes, however many there are, of those that ``shows`` lets through."""
    opened, ended = Wanted(most=OPEN_MOST), Wanted(open=False, most=ENDED_MOST)
    owing = Wanted(open=False, owing=True, most=OWING_MOST)
    pages = [await register.page(context, one, shows) for one in (opened, ended, owing)]
    totals = [await register.count(context, one, shows) for one in (opened, ended)]
    worst = await _worst(context, shows) if pages[0].more else ()
    known = {state.id for state in pages[0].incidents}
    everyone = (*pages[0].incidents, *(state for state in worst if state.id not in known))
    return Front(everyone, pages[1].incidents, pages[2].incidents, *map(counted, totals))


async def _worst(context: Context, shows: Shows) -> tuple[Incident, ...]:
    """The worst open incident of each service, where there are too many to look at all."""
    found = []
    for name in context.services:
        for severity in Severity:
            page = await register.page(context, Wanted(service=name, severity=severity, most=1), shows)
            if page.incidents:
                found.append(page.incidents[0])
                break
    return tuple(found)


def counted(total: int) -> str:
    """In words: no list is counted beyond a bound."""
    return f"{total}+" if total >= register.COUNTED else str(total)


def _state(asked: Asked) -> str:
    state = asked.state or STATES[0]
    if state not in STATES:
        raise CommandError(f"no state {state[:40]!r}; one of: {', '.join(STATES)}", 3)
    return state


async def narrowed(context: Context, asked: Asked, most: int, shows: Shows) -> list[dict[str, Any]]:
    """For the API: the list of one state, of open ones where none is named."""
    state = _state(asked)
    page = await register.page(context, replace(asked, state=state).wanted(state, most), shows)
    rows = [incident_json(one) for one in page.incidents]
    return [*rows[:-1], *({**last, "next": written(page.more) if page.more else ""} for last in rows[-1:])]


def severity_of(word: str) -> Severity | None:
    """The severity of that name; None for an empty one. Raises :class:`CommandError`."""
    try:
        return Severity.of(word) if word else None
    except ValueError as error:
        raise CommandError(str(error), 3) from error


def written(mark: Mark) -> str:
    """A mark as it stands in an address."""
    return f"{mark[0]!r}~{mark[1]}"


def read(text: str) -> Mark:
    """The inverse of :func:`written`. Raises :class:`CommandError`."""
    rank, _, name = text.partition("~")
    try:
        return float(rank), name
    except ValueError as error:
        raise CommandError(f"{text[:40]!r} is no place in a list: take it from the page before", 3) from error
