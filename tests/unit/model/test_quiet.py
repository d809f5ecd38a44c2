"""Matchers, silences, maintenance windows, inhibition."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hutch.model.quiet import INHIBITIONS, Maintenance, Silence, fit, matcher

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)  # a Thursday
FACTS = {"rule": "High Error Rate", "service": "shop", "severity": "SEV-2", "team": "web"}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("rule=High*", True),
        ("alertname = High Error Rate", True),
        ("rule=high*", False),
        ('service="shop"', True),
        ("service=sho?", True),
        ("team!=web", False),
        ("team!=data", True),
        ("absent=", True),
        ("absent!=", False),
        ("rule=[H]igh*", True),
        ("rule=High", False),
    ],
)
def test_matchers(text: str, fits: bool) -> None:
    assert matcher(text).fits(FACTS) is fits


@pytest.mark.parametrize("text", ["", "rule", "=x", "1a=x", "rule~x"])
def test_what_is_no_matcher(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read the matcher"):
        matcher(text)


def test_a_hostile_pattern_costs_no_time() -> None:
    hostile = matcher("rule=" + "*a" * 200 + "b")
    assert not hostile.fits({"rule": "a" * 1000})


def test_a_silence_holds_what_all_its_matchers_fit_until_it_ends() -> None:
    silence = Silence("S-1", (matcher("service=shop"), matcher("severity!=SEV-1")), T0, T0 + timedelta(hours=1), "x")
    assert silence.holds(FACTS, T0)
    assert not silence.holds(FACTS, T0 + timedelta(hours=1))
    assert not silence.holds(FACTS, T0 - timedelta(seconds=1))
    assert not silence.holds({**FACTS, "severity": "SEV-1"}, T0)
    assert fit((), FACTS)


def test_a_window_that_is_planned_once() -> None:
    planned = Maintenance("upgrade", "shop", T0, T0 + timedelta(hours=2))
    assert planned.window(T0 - timedelta(days=1)) == (T0, T0 + timedelta(hours=2))
    assert planned.window(T0 + timedelta(hours=2)) is None
    assert planned.holds(FACTS, T0)
    assert not planned.holds({"service": "api"}, T0)
    assert not planned.holds(FACTS, T0 - timedelta(minutes=1))


def test_a_weekly_window_follows_the_clock_of_its_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    weekly = Maintenance("backup", "", weekday=6, at=time(1, 30), length=timedelta(hours=2), zone=berlin)
    assert weekly.window(T0) == (datetime(2026, 1, 18, 0, 30, tzinfo=UTC), datetime(2026, 1, 18, 2, 30, tzinfo=UTC))
    summer = datetime(2026, 7, 5, 0, 0, tzinfo=UTC)  # a Sunday, 02:00 in Berlin
    assert weekly.window(summer) == (datetime(2026, 7, 4, 23, 30, tzinfo=UTC), datetime(2026, 7, 5, 1, 30, tzinfo=UTC))
    assert weekly.holds({"service": "any"}, summer)


def test_a_daily_window_that_reaches_past_midnight() -> None:
    daily = Maintenance("nightly", at=time(23, 0), length=timedelta(hours=3), zone=UTC)
    assert daily.holds({}, datetime(2026, 1, 16, 1, 59, tzinfo=UTC))
    assert not daily.holds({}, datetime(2026, 1, 16, 2, 0, tzinfo=UTC))


def test_who_is_down_is_also_slow() -> None:
    down, slow = {"rule": "Service Down", "signal": "uptime"}, {"rule": "Slow", "signal": "p95_response_time"}
    held = [i.held(slow, [down]) for i in INHIBITIONS]
    assert "Service Down" in held
    assert not any(i.held(slow, [slow]) for i in INHIBITIONS)
    assert not any(i.held(down, [down]) for i in INHIBITIONS)
    postgres = {"rule": "postgres.unreachable", "cause": "postgres.unreachable"}
    assert not any(i.held(postgres, [postgres]) for i in INHIBITIONS)
    assert any(i.held({"cause": "postgres.long_query"}, [postgres]) for i in INHIBITIONS)
