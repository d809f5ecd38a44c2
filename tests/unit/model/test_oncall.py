"""Who is on call: hand-over on the clocks of a zone, overrides, calendars."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.bootstrap.ical import turns
from hutch.model.oncall import Escalation, Rotation, Schedule, Step, Turn

WEEKLY = Rotation(("anna", "ben", "cleo"), datetime(2026, 1, 5, 9), timedelta(days=7), "Europe/Berlin")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "who"),
    [
        ("2026-01-05 07:59", None),
        ("2026-01-05 08:00", "anna"),
        ("2026-01-12 07:59", "anna"),
        ("2026-01-12 08:00", "ben"),
        ("2026-01-26 08:00", "anna"),
        ("2026-03-30 06:59", "cleo"),  # clocks went forward on the 29th: 09:00 is 07:00 UTC now
        ("2026-03-30 07:00", "anna"),
        ("2026-10-26 07:59", "cleo"),  # and back on the 25th
        ("2026-10-26 08:00", "anna"),
    ],
)
def test_hand_over_keeps_the_time_of_day(moment: str, who: str | None) -> None:
    turn = WEEKLY.turn(at(moment))
    assert (turn.who if turn else None) == who


@given(
    st.datetimes(datetime(2026, 1, 6), datetime(2029, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([timedelta(hours=8), timedelta(hours=12), timedelta(days=1), timedelta(days=7)]),
    st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
def test_somebody_is_always_on_call_and_turns_join(now: datetime, every: timedelta, zone: str) -> None:
    rotation = Rotation(("a", "b", "c"), datetime(2026, 1, 4, 2, 30), every, zone)
    turn = rotation.turn(now)
    assert turn and turn.covers(now)
    after = rotation.turn(turn.until)
    assert after and after.since == turn.until and after.who != turn.who
    before = rotation.turn(turn.since - timedelta(microseconds=1))
    assert before is None or before.until == turn.since


def test_hours_and_days_narrow_a_rotation() -> None:
    office = Rotation(("anna",), datetime(2026, 1, 5), timedelta(days=7), "UTC", (0, 1, 2, 3, 4), (time(9), time(17)))
    night = Rotation(("ben",), datetime(2026, 1, 5), timedelta(days=7), "UTC", (4,), (time(22), time(6)))
    rest = Rotation(("cleo",), datetime(2026, 1, 5), timedelta(days=7))
    schedule = Schedule("primary", (office, night, rest))
    found = {m: t.who for m in ("09 09:00", "09 17:00", "09 22:00", "10 05:59", "10 06:00", "10 22:00")
             if (t := schedule.turn(at(f"2026-01-{m}")))}  # fmt: skip
    assert list(found.values()) == ["anna", "cleo", "ben", "ben", "cleo", "cleo"]
    told = [(t.who, t.since.hour) for t in schedule.turns(at("2026-01-09 10:00"), count=4)]
    assert told[1:] == [("cleo", 17), ("ben", 22), ("cleo", 6)]


def test_the_latest_override_holds() -> None:
    schedule = Schedule("primary", (WEEKLY,))
    first = Turn("ben", at("2026-01-06"), at("2026-01-08"), "override")
    second = Turn("cleo", at("2026-01-07"), at("2026-01-07 12:00"), "override")
    seen = [schedule.turn(at(f"2026-01-0{m}"), (first, second)) for m in ("5 12:00", "6", "7 11:00", "7 12:00", "8")]
    assert [t.who for t in seen if t] == ["anna", "ben", "cleo", "ben", "anna"]


CALENDAR = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//x//y//EN
BEGIN:VEVENT
UID:a
SUMMARY:On call: Anna
DTSTART;TZID=Europe/Berlin:20260302T090000
DTEND;TZID=Europe/Berlin:20260309T090000
RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=4
EXDATE;TZID=Europe/Berlin:20260330T090000
END:VEVENT
BEGIN:VEVENT
UID:a
RECURRENCE-ID;TZID=Europe/Berlin:20260316T090000
SUMMARY:ben
DTSTART;TZID=Europe/Berlin:20260317T090000
DTEND;TZID=Europe/Berlin:20260318T090000
END:VEVENT
END:VCALENDAR
"""


def test_a_calendar_repeats_leaves_out_and_moves() -> None:
    found = turns(CALENDAR, ["anna", "ben"], at("2026-03-01"))
    told = [(t.who, f"{t.since:%m-%d %H}") for t in found]
    assert told == [("anna", "03-02 08"), ("ben", "03-17 08"), ("anna", "04-13 07")]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"nothing", "Content line"),
        (CALENDAR.replace(b"Anna", b"Zoe"), "names nobody of people: 'On call: Zoe'"),
        (CALENDAR.replace(b"DTEND;TZID=Europe/Berlin:20260309", b"DTEND;TZID=Europe/Berlin:20260301"), "ends before"),
    ],
)
def test_a_calendar_that_cannot_be_used_says_why(data: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        turns(data, ["anna", "ben"], at("2026-03-01"))


def test_a_calendar_without_end_is_bounded() -> None:
    endless = CALENDAR.replace(b"FREQ=WEEKLY;INTERVAL=2;COUNT=4", b"FREQ=HOURLY")
    assert 0 < len(turns(endless, ["anna", "ben"], at("2026-03-01"))) <= 20_000


def test_the_steps_of_an_escalation_repeat_after_a_pause() -> None:
    steps = (Step(timedelta(0), ("a",)), Step(timedelta(minutes=5), ("b",)))
    escalation = Escalation(steps, repeat=1, pause=timedelta(minutes=10))
    start = at("2026-01-05")
    due = [(n, (t - start).total_seconds() / 60, s.page[0]) for n, t, s in escalation.due(start)]
    assert due == [(0, 0, "a"), (1, 5, "b"), (2, 15, "a"), (3, 20, "b")]
