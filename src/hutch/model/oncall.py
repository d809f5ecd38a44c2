"""Who is on call, and who is paged when: people, schedules, overrides, escalation. Pure: the caller says the time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hutch.model.event import Event, parse_instant
from hutch.model.severity import Severity

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can be paged: ``channels`` are theirs alone, in order."""

    name: str
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """``who`` is on call from ``since`` to ``until`` (UTC), by a rotation, a calendar or an override."""

    who: str
    since: datetime
    until: datetime
    by: str = "rotation"
    reason: str = ""
    id: str = ""

    def covers(self, now: datetime) -> bool:
        """Whether it holds at that time: from its first moment, until just before its last."""
        return self.since <= now < self.until


@dataclass(frozen=True, slots=True)
class Rotation:
    """People in turn. ``start`` is the first hand-over, a time on the clocks of ``zone``.

    A length of whole days is one of the calendar there: hand-over stays at the same time of day when the clocks are
    changed. Any other is exact. ``days`` and ``hours`` (from, to) narrow when it counts.
    """

    people: tuple[str, ...]
    start: datetime
    every: timedelta
    zone: str = "UTC"
    days: tuple[int, ...] = ()
    hours: tuple[time, time] | None = None

    def turn(self, now: datetime) -> Turn | None:
        """Whose turn it is; None before the first hand-over and outside its days and hours."""
        if now < self._begins(0) or not self._counts(now):
            return None
        number = int((now - self._begins(0)) / self.every)
        while self._begins(number) > now:  # the clocks were changed in between
            number -= 1
        while self._begins(number + 1) <= now:
            number += 1
        ends = min(self._begins(number + 1), self._window_ends(now))
        return Turn(self.people[number % len(self.people)], self._begins(number), ends)

    def first(self) -> datetime:
        """Its first hand-over."""
        return self._begins(0)

    def _begins(self, number: int) -> datetime:
        zone = ZoneInfo(self.zone)
        if self.every % DAY:
            return self.start.replace(tzinfo=zone).astimezone(UTC) + number * self.every
        return (self.start + number * self.every).replace(tzinfo=zone).astimezone(UTC)

    def _counts(self, now: datetime) -> bool:
        local = now.astimezone(ZoneInfo(self.zone))
        if self.hours is None:
            return not self.days or local.weekday() in self.days
        first, last = self.hours
        clock = local.time()
        if first < last:
            return first <= clock < last and (not self.days or local.weekday() in self.days)
        day = local if clock >= first else local - DAY  # over midnight: it belongs to the day on which it began
        return (clock >= first or clock < last) and (not self.days or day.weekday() in self.days)

    def _window_ends(self, now: datetime) -> datetime:
        zone = ZoneInfo(self.zone)
        local = now.astimezone(zone)
        if self.hours:
            last = self.hours[1]
            day = local.date() if local.time() < last else local.date() + DAY
            return datetime.combine(day, last, zone).astimezone(UTC)
        if not self.days:
            return datetime.max.replace(tzinfo=UTC)
        ends = next(d for d in _days_after(local.date()) if d.weekday() not in self.days or len(self.days) == 7)
        return datetime.combine(ends, time(), zone).astimezone(UTC)


def _days_after(day: date) -> Iterator[date]:
    return (day + DAY * n for n in range(1, 9))


@dataclass(frozen=True, slots=True)
class Schedule:
    """A name that stands for whoever is on call. Of several rotations the first that counts decides; ``shifts`` come
    from a calendar and go before them, overrides before all."""

    name: str
    rotations: tuple[Rotation, ...] = ()
    shifts: tuple[Turn, ...] = ()
    zone: str = "UTC"

    def turn(self, now: datetime, overrides: Sequence[Turn] = ()) -> Turn | None:
        """Who is on call at ``now``; of several overrides the latest that was made."""
        override = next((o for o in reversed(overrides) if o.covers(now)), None)
        shift = next((s for s in self.shifts if s.covers(now)), None)
        if override or shift:
            return override or shift
        return next((t for r in self.rotations if (t := r.turn(now))), None)

    def turns(self, now: datetime, overrides: Sequence[Turn] = (), count: int = 5) -> list[Turn]:
        """Who is on call now and after, one entry for each change, at most ``count``; gaps are left out."""
        found: list[Turn] = []
        at, end = now, now + AHEAD
        while at < end and len(found) <= count:
            turn, until = self.turn(at, overrides), self._changes(at, overrides)
            if turn:
                until = min(until, turn.until)
                since = turn.since if not found and at == now else at
                found = _joined(found, replace(turn, since=since, until=until))
            at = until
        return found[:count]

    def _changes(self, at: datetime, overrides: Sequence[Turn]) -> datetime:
        """Before then nobody else can be on call, but for the end of the turn."""
        starts = [t.since for t in (*overrides, *self.shifts) if t.since > at]
        narrow = any(r.days or r.hours for r in self.rotations)
        begins = [r.first() for r in self.rotations if r.first() > at]
        return min([_next_minutes(at) if narrow else at + AHEAD, *starts, *begins])


AHEAD = 62 * DAY
"""How far ahead turns are told."""


def _next_minutes(at: datetime) -> datetime:
    """The next full five minutes: hours of rotations are told to that."""
    return at.replace(minute=at.minute // 5 * 5, second=0, microsecond=0) + timedelta(minutes=5)


def _joined(found: list[Turn], turn: Turn) -> list[Turn]:
    """With the turn at the end; one that only goes on lengthens the last."""
    last = found[-1] if found else None
    if last and (last.who, last.by, last.id, last.until) == (turn.who, turn.by, turn.id, turn.since):
        return [*found[:-1], replace(last, until=turn.until)]
    return [*found, turn]


# ------------------------------------------------------------------ overrides are events


def stream_of(schedule: str) -> str:
    """``oncall:primary``."""
    return f"oncall:{schedule}"


def overrides(events: Iterable[Event]) -> list[Turn]:
    """The overrides of a schedule's stream that were not taken back, in the order in which they were made."""
    found: dict[str, Turn] = {}
    for event in events:
        name = str(event.data.get("id", ""))
        if event.kind == "override.added":
            since, until = (parse_instant(str(event.data[k])) for k in ("since", "until"))
            found[name] = Turn(
                str(event.data["who"]), since, until, "override", str(event.data.get("reason", "")), name
            )
        elif event.kind == "override.removed":
            found.pop(name, None)
    return list(found.values())


# ------------------------------------------------------------------ escalation


@dataclass(frozen=True, slots=True)
class Step:
    """``after`` so long without an acknowledgement these are paged: schedules, people or channels."""

    after: timedelta
    page: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Escalation:
    """The steps of one severity. After the last one and ``pause`` they begin anew, ``repeat`` times."""

    steps: tuple[Step, ...]
    repeat: int = 0
    pause: timedelta = timedelta(minutes=10)

    def due(self, start: datetime) -> Iterator[tuple[int, datetime, Step]]:
        """Every step of every round with its number and when it is due."""
        length = self.steps[-1].after + self.pause if self.steps else self.pause
        for around in range(self.repeat + 1):
            for place, step in enumerate(self.steps):
                yield around * len(self.steps) + place, start + around * length + step.after, step


@dataclass(frozen=True, slots=True)
class PeopleConfig:
    """The blocks ``people``, ``oncall`` and ``escalation``."""

    people: Mapping[str, Person] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    escalation: Mapping[Severity, Escalation] = field(default_factory=dict)

    def personal(self) -> frozenset[str]:
        """The channels that belong to somebody: what is meant for all does not go there."""
        return frozenset(c for p in self.people.values() for c in p.channels)
