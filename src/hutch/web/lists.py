"""The list of incidents that a request asks for: narrowed, and a page of it at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from hutch.commands import register
from hutch.commands.context import CommandError, Context
from hutch.commands.views import incident_json
from hutch.model.incident import Incident
from hutch.model.register import Mark, Wanted
from hutch.model.severity import Severity

OPEN_MOST, ENDED_MOST = 50, 30
"""Open and resolved incidents that one page shows."""

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
        return "/?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True, slots=True)
class Lists:
    """The incidents of a page, how many are open (``more`` of them than were counted), and where the lists go on."""

    incidents: tuple[Incident, ...]
    open: int
    more: bool
    next_open: str
    next_ended: str


async def lists(context: Context, asked: Asked) -> Lists:
    """Both lists, or the one that was asked for. Raises :class:`CommandError` for what cannot be asked for."""
    if asked.state not in ("", *STATES):
        raise CommandError(f"no state {asked.state[:40]!r}; one of: {', '.join(STATES)}", 3)
    none = register.Page(())
    opened = asked.wanted("open", OPEN_MOST)
    first = await register.page(context, opened) if asked.state != "resolved" else none
    ended = asked.wanted("resolved", ENDED_MOST)
    second = await register.page(context, ended) if asked.state != "open" else none
    count = await register.count(context, replace(opened, after=None))
    return Lists(
        (*first.incidents, *second.incidents),
        count,
        count >= register.COUNTED,
        asked.address("open", first.more),
        asked.address("resolved", second.more),
    )


async def narrowed(context: Context, asked: Asked, most: int) -> list[dict[str, Any]]:
    """For the API: the list of one state, of open ones where none is named."""
    state = asked.state or "open"
    if state not in STATES:
        raise CommandError(f"no state {state[:40]!r}; one of: {', '.join(STATES)}", 3)
    page = await register.page(context, replace(asked, state=state).wanted(state, most))
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
