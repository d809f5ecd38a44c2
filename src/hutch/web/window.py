"""The part of an incident's events that a page tells: the newest, and from there back, a window at a time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.model.event import Event
from hutch.review.timeline import Entry

SIZE = 200
"""Events of an incident that a page tells; with those of its runs in the same time."""

BEGINNING, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Window:
    """The events ``first`` to ``last`` of the ``total`` that there are."""

    first: int
    last: int
    total: int = 0

    @property
    def older(self) -> int:
        """Where the window before it ends; 0 for none."""
        return self.first - 1

    @property
    def newer(self) -> bool:
        """Whether events come after it."""
        return self.last < self.total

    def of(self, events: Sequence[Event]) -> list[Event]:
        """Those in it."""
        return [event for event in events if self.first <= event.seq <= self.last]

    def tells(self, events: Sequence[Event]) -> Callable[[Entry], bool]:
        """Whether an entry of a run belongs beside it, by its time; ``events`` begin with the one before the window.
        So each stands beside one window, and the windows together tell all."""
        since = next((event.at for event in events if event.seq == self.older), BEGINNING)
        until = next((event.at for event in events if event.seq == self.last and self.newer), END)
        return lambda entry: not entry.stream.startswith("run:") or since < entry.at <= until


def ending(upto: int, total: int) -> Window:
    """The window that ends with the event ``upto``, or with the last one."""
    last = upto if 0 < upto < total else total
    return Window(max(last - SIZE, 0) + 1, last, total)
