"""Business hours, against calendars of real countries and the edges of daylight saving."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.bootstrap.config import load
from hutch.bootstrap.wire import find_providers
from hutch.model.calendar import Calendar
from hutch.model.severity import Severity

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [UTC, BERLIN, ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")]


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-01-15T10:00", "2026-01-16T17:00"),  # Thursday
        ("2026-01-16T10:00", "2026-01-19T17:00"),  # Friday
        ("2026-01-17T10:00", "2026-01-19T17:00"),  # Saturday
        ("2026-03-27T23:59", "2026-03-30T17:00"),  # the clocks go forward in between
        ("2026-10-23T00:00", "2026-10-26T17:00"),  # and back
        ("2026-12-24T10:00", "2026-12-28T17:00"),  # Christmas on Friday
        ("2026-04-02T09:00", "2026-04-07T17:00"),  # Good Friday and Easter Monday
        ("2026-03-06T12:00", "2026-03-10T17:00"),  # closed on Monday 9 March
    ],
)
def test_the_next_business_day_in_berlin(tmp_path: Path, start: str, due: str) -> None:
    path = tmp_path / "hutch.yaml"
    path.write_text(
        "services: {shop: {}}\ncalendar: {zone: Europe/Berlin, holidays: DE-BE, closed: [2026-03-09, 2026-12-24]}\n"
    )
    promise = load(path, find_providers()).policy[Severity.SEV4]
    assert promise.response_due(at(start).astimezone(UTC)) == at(due)


def test_holidays_never_run_out(tmp_path: Path) -> None:
    path = tmp_path / "hutch.yaml"
    path.write_text("services: {shop: {}}\ncalendar: {holidays: US}\n")
    calendar = load(path, find_providers()).policy[Severity.SEV4].calendar
    assert [calendar.works(date(year, 7, 4)) for year in (2028, 2035, 2040)] == [False] * 3


def test_a_calendar_without_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="no business day within a year"):
        Calendar(days=frozenset()).next_day(datetime(2026, 1, 1, tzinfo=UTC))


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)),
    st.sampled_from(ZONES),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(1, 20),
)
def test_it_is_due_at_a_close_of_a_day_that_people_work_and_later(
    start: datetime, zone: ZoneInfo, days: set[int], number: int
) -> None:
    calendar = Calendar(zone, time(8, 30), time(18), frozenset(days))
    begins = start.replace(tzinfo=UTC)
    due = calendar.next_day(begins, number)
    local = due.astimezone(zone)
    assert due > begins and due.tzinfo is UTC and calendar.works(local.date())
    assert local.time() == time(18) and local.date() > begins.astimezone(zone).date()
    day, between = begins.astimezone(zone).date(), 0
    while day < local.date():
        day += timedelta(days=1)
        between += calendar.works(day)
    assert between == number
    assert calendar.open_at(due - timedelta(seconds=1)) and not calendar.open_at(due)
