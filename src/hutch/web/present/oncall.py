"""Who is on call: now, next, and a week as a drawing with its words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from html import escape
from zoneinfo import ZoneInfo

from hutch.model.oncall import DAY, Schedule, Turn
from hutch.web.present.words import Moment, line, moment

WEEK = 7
TURNS_MOST = 200
"""Turns of a schedule that are drawn in a week."""

TONES = 6
"""Colours of people; more share one, and the names tell them apart."""

WIDTH, ROW, HEAD, LEFT = 960, 44, 28, 120
"""The drawing: its width, a schedule's height, the days' height, and the room for names."""


@dataclass(frozen=True, slots=True)
class TurnView:
    """Somebody's turn, on the schedule's own clocks."""

    who: str
    since: str
    until: str
    by: str
    reason: str
    id: str
    now: bool


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """A schedule: who is on call, who is next, and the overrides that can be taken back."""

    name: str
    zone: str
    who: str
    until: Moment | None
    turns: tuple[TurnView, ...]
    overrides: tuple[TurnView, ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """A schedule with the turns that touch the week."""

    schedule: Schedule
    turns: tuple[Turn, ...]


def week_of(schedule: Schedule, start: datetime, overrides: Sequence[Turn]) -> Row:
    """The turns of the seven days from ``start``."""
    found = schedule.turns(start, overrides, TURNS_MOST)
    return Row(schedule, tuple(t for t in found if t.since < start + WEEK * DAY))


def view(row: Row, start: datetime, overrides: Sequence[Turn], now: datetime) -> ScheduleView:
    """The schedule in words."""
    zone = ZoneInfo(row.schedule.zone)
    held = row.schedule.turn(now, overrides)
    later = [t for t in row.schedule.turns(now, overrides, 1) if held]
    return ScheduleView(
        line(row.schedule.name),
        row.schedule.zone,
        line(held.who) if held else "",
        moment(later[0].until, now) if later else None,
        tuple(_turn(t, zone, now) for t in row.turns),
        tuple(_turn(t, zone, now) for t in overrides if t.until > now),
        tuple(f"{_clock(a, zone)} to {_clock(b, zone)}" for a, b in gaps(row.turns, start, start + WEEK * DAY)),
    )


def _turn(turn: Turn, zone: ZoneInfo, now: datetime) -> TurnView:
    times = _clock(turn.since, zone), _clock(turn.until, zone)
    return TurnView(line(turn.who), *times, turn.by, line(turn.reason), line(turn.id), turn.covers(now))


def _clock(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def gaps(turns: Sequence[Turn], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """When nobody is on call between the two times.

    >>> s = datetime(2026, 1, 5, tzinfo=UTC)
    >>> [int((b - a).total_seconds()) for a, b in gaps([Turn("ann", s, s + DAY)], s, s + 2 * DAY)]
    [86400]
    """
    found, at = [], start
    for turn in sorted(turns, key=lambda t: t.since):
        if turn.since > at:
            found.append((at, min(turn.since, end)))
        at = max(at, turn.until)
    return [*found, (at, end)] if at < end else found


# ------------------------------------------------------------------ the drawing


def drawing(rows: Sequence[Row], start: datetime, now: datetime) -> str:
    """The week as SVG. Every name in it is escaped."""
    names = sorted({t.who for row in rows for t in row.turns})
    height = HEAD + ROW * len(rows)
    title = f"On call from {start:%A}, {start.day} {start:%B %Y}, times in UTC"
    parts = [
        f'<svg class="week" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="week-title week-says">',
        f'<title id="week-title">{escape(title)}</title><desc id="week-says">{escape(_says(rows))}</desc>',
        *_days(start, height),
        *(part for place, row in enumerate(rows) for part in _row(row, place, start, names)),
        *_now(start, now, height),
        "</svg>",
    ]
    return "".join(parts)


def _says(rows: Sequence[Row]) -> str:
    told = (
        f"{line(r.schedule.name)}: {', '.join(dict.fromkeys(line(t.who) for t in r.turns)) or 'nobody'}" for r in rows
    )
    return "; ".join(told) + ". The same stands in the tables below."


def _x(at: datetime, start: datetime) -> float:
    share = (at - start) / (WEEK * DAY)
    return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT)


def _days(start: datetime, height: int) -> Iterator[str]:
    for number in range(WEEK):
        day = start + number * DAY
        x = _x(day, start)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}"/>'
        yield f'<text x="{x + 6:.1f}" y="18">{day:%a} {day.day}</text>'


def _row(row: Row, place: int, start: datetime, names: Sequence[str]) -> Iterator[str]:
    top = HEAD + place * ROW
    yield f'<text class="of" x="0" y="{top + 27}">{escape(_short(row.schedule.name, LEFT - 8))}</text>'
    for turn in row.turns:
        left, right = _x(turn.since, start), _x(turn.until, start)
        tone = "over" if turn.by == "override" else f"tone-{names.index(turn.who) % TONES}"
        width = max(right - left - 2, 1)
        yield f'<rect class="{tone}" x="{left + 1:.1f}" y="{top + 6}" width="{width:.1f}" height="{ROW - 12}" rx="5"/>'
        word = _short(turn.who, right - left - 14)
        if word:
            yield f'<text class="who" x="{left + 8:.1f}" y="{top + 27}">{escape(word)}</text>'


def _short(name: str, room: float) -> str:
    """As much of a name as fits, at about 8 units a letter."""
    letters, shown = int(room / 8), line(name)
    if len(shown) <= letters:
        return shown
    return f"{shown[: letters - 1]}…" if letters > 2 else ""


def _now(start: datetime, now: datetime, height: int) -> Iterator[str]:
    if start <= now < start + WEEK * DAY:
        x = _x(now, start)
        yield f'<line class="now" x1="{x:.1f}" x2="{x:.1f}" y1="{HEAD - 6}" y2="{height}"/>'


def midnight(at: datetime) -> datetime:
    """The beginning of that day in UTC."""
    return datetime.combine(at.astimezone(UTC).date(), time(), UTC)


def beside(start: datetime, weeks: int) -> str:
    """The day, as it stands in an address, so many weeks away."""
    return f"{(start + weeks * timedelta(days=WEEK)):%Y-%m-%d}"
