"""Action items: what came out of an incident, who does it, and by when. Each has a clock of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from hutch.model.event import parse_instant

CLOCK = "todo"
"""The name of their clocks: they warn before they are due, and say when they are overdue."""


class ItemState(StrEnum):
    """Open until it is done, or dropped with a reason."""

    OPEN = "open"
    DONE = "done"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class ActionItem:
    """One of them. ``number`` is its own within the incident, ``clock`` the id of its running clock, ``link`` where
    the team follows it up: a ticket, a pull request."""

    number: int
    text: str
    owner: str
    due: datetime
    clock: str
    link: str = ""
    state: ItemState = ItemState.OPEN
    note: str = ""
    ended_at: datetime | None = None

    @property
    def open(self) -> bool:
        """Whether it still has to be done."""
        return self.state is ItemState.OPEN


Items = tuple[ActionItem, ...]


def added(items: Items, data: Mapping[str, object]) -> Items:
    """One more. Its data: number, text, owner, due, clock, link."""
    return (*items, _read(data, int(str(data["number"]))))


def changed(items: Items, data: Mapping[str, object]) -> Items:
    """Another owner, due time or link; its data is the whole item as it is now."""
    number = int(str(data["number"]))
    return tuple(_read(data, number) if item.number == number else item for item in items)


def ended(items: Items, data: Mapping[str, object], state: ItemState, at: datetime) -> Items:
    """Done, or dropped. Its data: number and note."""
    number, note = int(str(data["number"])), str(data.get("note", ""))
    return tuple(
        replace(item, state=state, note=note, ended_at=at) if item.number == number else item for item in items
    )


def _read(data: Mapping[str, object], number: int) -> ActionItem:
    due = parse_instant(str(data["due"]))
    return ActionItem(number, str(data["text"]), str(data["owner"]), due, str(data["clock"]), str(data.get("link", "")))
