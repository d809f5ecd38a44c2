"""On-call shifts out of a calendar (RFC 5545): who is on call stands in an entry's summary or attendee."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Any

from dateutil.rrule import rruleset, rrulestr
from icalendar import Calendar

from hutch.model.oncall import Turn

BEFORE, AFTER = timedelta(days=40), timedelta(days=730)
"""How far back and ahead of its reading a repeated entry is told; reading it again moves that on."""

MOST_BYTES, MOST_ENTRIES, MOST_TURNS = 4 * 1024 * 1024, 5000, 20_000
"""Bounds of one calendar."""


def turns(data: bytes, people: Collection[str], now: datetime) -> tuple[Turn, ...]:
    """The shifts of a calendar in order of time. Raises ``ValueError`` for what is no calendar, is too large, or names
    somebody who is not configured."""
    if len(data) > MOST_BYTES:
        raise ValueError(f"is longer than {MOST_BYTES // 1024 // 1024} MB")
    calendar = Calendar.from_ical(data)
    entries: list[Any] = list(islice(calendar.walk("VEVENT"), MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        raise ValueError(f"has more than {MOST_ENTRIES} entries")
    moved = {(str(e.get("UID")), _utc(e["RECURRENCE-ID"].dt)) for e in entries if "RECURRENCE-ID" in e}
    found = islice((t for e in entries for t in _of(e, people, now, moved)), MOST_TURNS)
    return tuple(sorted(found, key=lambda t: t.since))


def _of(entry: Any, people: Collection[str], now: datetime, moved: set[tuple[str, datetime]]) -> Iterator[Turn]:
    if str(entry.get("STATUS", "")).upper() == "CANCELLED":
        return
    who = _who(entry, people)
    start = entry["DTSTART"].dt
    length = _length(entry, start)
    repeated = "RRULE" in entry or "RDATE" in entry
    for at in _times(entry, start, now) if repeated else [start]:
        since = _utc(at)
        if repeated and (str(entry.get("UID")), since) in moved:
            continue  # that one has an entry of its own
        ends = _utc(at + length) if length >= timedelta(days=1) else since + length
        yield Turn(who, since, ends, "calendar")


def _who(entry: Any, people: Collection[str]) -> str:
    """The person whom the entry names: its whole summary, a word of it, or an attendee's address before the @."""
    summary = str(entry.get("SUMMARY", "")).strip()
    given = entry.get("ATTENDEE", [])
    attendees = given if isinstance(given, list) else [given]
    names = {p.casefold(): p for p in people}
    words = [summary, *summary.replace(",", " ").replace(":", " ").split()]
    words += [str(a).removeprefix("mailto:").removeprefix("MAILTO:").partition("@")[0] for a in attendees]
    for word in words:
        if word.casefold() in names:
            return names[word.casefold()]
    raise ValueError(f"an entry names nobody of people: {summary[:80]!r}")


def _length(entry: Any, start: date) -> timedelta:
    if "DTEND" in entry:
        length: timedelta = entry["DTEND"].dt - start
    elif "DURATION" in entry:
        length = entry["DURATION"].dt
    else:
        length = timedelta(0) if isinstance(start, datetime) else timedelta(days=1)
    if length <= timedelta(0):
        raise ValueError("an entry ends before it begins, or at once")
    return length


def _times(entry: Any, start: date, now: datetime) -> Iterator[datetime]:
    """When a repeated entry begins, on the clocks of its own zone: hand-over keeps the time of day."""
    first = _moment(start)
    times = rruleset()
    rules = entry.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        times.rrule(rrulestr(rule.to_ical().decode(), dtstart=first))
    for key, add in (("RDATE", times.rdate), ("EXDATE", times.exdate)):
        given = entry.get(key, [])
        for dates in given if isinstance(given, list) else [given]:
            for one in dates.dts:
                add(_moment(one.dt))
    for at in islice(times.xafter(max(first, _moment(now - BEFORE)), inc=True), MOST_TURNS):
        if _utc(at) > now + AFTER:
            return
        yield at


def _moment(at: date) -> datetime:
    if not isinstance(at, datetime):
        return datetime.combine(at, time(), UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _utc(at: date) -> datetime:
    return _moment(at).astimezone(UTC)
