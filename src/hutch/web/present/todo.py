"""Action items across incidents, as their page shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.commands.todo import Listed
from hutch.commands.upkeep import Review
from hutch.web.present.words import Moment, line, moment


@dataclass(frozen=True, slots=True)
class ItemView:
    """One of them; ``kind`` is overdue, open, done or dropped."""

    id: str
    incident: str
    number: int
    text: str
    owner: str
    due: Moment
    kind: str
    link: str
    note: str


def rows(found: Sequence[Listed], now: datetime) -> tuple[ItemView, ...]:
    """In the given order."""
    return tuple(_row(one, now) for one in found)


def _row(found: Listed, now: datetime) -> ItemView:
    item = found.item
    kind = ("overdue" if item.due <= now else "open") if item.open else str(item.state)
    link = item.link if item.link.startswith(("https://", "http://")) else ""
    return ItemView(
        found.id, found.incident.id, item.number, line(item.text), line(item.owner),
        moment(item.due, now), kind, link, line(item.note),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BookView:
    """A runbook that is to be looked through; ``kind`` is overdue or open."""

    id: str
    document: str
    schedule: str
    owner: str
    due: Moment
    kind: str


def books(found: Sequence[Review], now: datetime) -> tuple[BookView, ...]:
    """In the given order."""
    return tuple(
        BookView(
            r.id, line(r.document), line(r.schedule), line(r.owner), moment(r.due, now),
            "overdue" if r.due <= now else "open",
        )
        for r in found
    )  # fmt: skip
