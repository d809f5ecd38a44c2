"""The public page from what customers were told: notices, days, uptime, and what is said of the whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hutch.model.event import Event
from hutch.model.statuspage import (
    Component,
    Condition,
    Impact,
    Notice,
    Page,
    Planned,
    StatusPageConfig,
    notices,
    page,
)

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONFIG = StatusPageConfig("Acme", (Component("Website", "shop"), Component("API", "api")))


def posted(stream: str, at: datetime, state: str, text: str = "Words.", public: dict[str, str] | None = None) -> Event:
    data: dict[str, object] = {"text": f"[{state}] Slow pages - March 10, 2026\n\n{text}"}
    data |= {} if public is None else {"public": public}
    return Event(stream, 1, at, "ann", "update.posted", data, "", "", "", f"{stream}{at.isoformat()}")


def shown(found: list[Notice], planned: tuple[Planned, ...] = (), now: datetime = NOON) -> Page:
    return page(CONFIG, found, planned, now)


def test_a_notice_is_what_was_sent_for_the_page() -> None:
    found = notices(
        [
            posted("incident:1", NOON - 3 * HOUR, "INVESTIGATING", public={"Website": "partial_outage"}),
            posted("incident:1", NOON - 2 * HOUR, "IDENTIFIED", "For those who work on it."),
            posted("incident:1", NOON - HOUR, "MONITORING", public={}),
            posted("incident:2", NOON, "IDENTIFIED", "For stakeholders."),
        ]
    )
    assert [(n.name, n.state, n.impact, n.open) for n in found] == [("Slow pages", "monitoring", Impact.MAJOR, True)]
    assert [t.state for t in found[0].told] == ["investigating", "monitoring"]
    assert found[0].conditions == {"Website": Condition.PARTIAL}
    assert "1" not in (found[0].id, found[0].told[0].id) and len({t.id for t in found[0].told}) == 2


def test_a_text_in_other_words_keeps_the_state() -> None:
    first = posted("i", NOON - HOUR, "IDENTIFIED", public={"API": "major_outage", "Website": "from_a_later_edition"})
    later = Event("i", 2, NOON, "ann", "update.posted", {"text": "We go on.", "public": {}}, "", "", "", "h2")
    (found,) = notices([first, later])
    assert (found.state, found.told[1].body, found.conditions) == ("identified", "We go on.", {"API": Condition.MAJOR})


def test_days_and_uptime_count_as_statuspage_counts() -> None:
    midnight = NOON.replace(hour=0)
    found = notices(
        [
            posted("i", midnight - 2 * HOUR, "INVESTIGATING", public={"Website": "major_outage"}),
            posted("i", midnight + HOUR, "MONITORING", public={"Website": "partial_outage"}),
            posted("i", midnight + 2 * HOUR, "RESOLVED", public={"Website": "operational"}),
        ]
    )
    website, api = shown(found).shown
    yesterday, today = website.days[-2:]
    assert (yesterday.worst, yesterday.down, today.worst) == (Condition.MAJOR, 2 * HOUR, Condition.MAJOR)
    assert today.down == HOUR + 0.3 * HOUR and today.notices == (found[0].id,)
    assert website.uptime == pytest.approx(100 * (1 - 3.3 / (90 * 24)))
    assert (len(website.days), website.condition) == (90, Condition.OPERATIONAL)
    assert (api.uptime_text, api.days[-1].notices) == ("100.00 %", ())


def test_uptime_is_never_rounded_up() -> None:
    found = notices(
        [
            posted("i", NOON - timedelta(seconds=5), "IDENTIFIED", public={"API": "major_outage"}),
            posted("i", NOON, "RESOLVED", public={"API": "operational"}),
        ]
    )
    assert shown(found).shown[1].uptime_text == "99.99 %"


@pytest.mark.parametrize(
    ("condition", "impact", "headline"),
    [
        ("operational", Impact.NONE, "Being looked into"),
        ("degraded_performance", Impact.MINOR, "Partially degraded service"),
        ("partial_outage", Impact.MAJOR, "Partial system outage"),
        ("major_outage", Impact.CRITICAL, "Major system outage"),
    ],
)
def test_the_whole_is_as_bad_as_the_worst(condition: str, impact: Impact, headline: str) -> None:
    found = shown(notices([posted("i", NOON - HOUR, "IDENTIFIED", public={"API": condition})]))
    assert (found.impact, found.headline) == (impact, headline)
    over = posted("i", NOON, "RESOLVED", public={"API": "operational"})
    ended = shown(notices([posted("i", NOON - HOUR, "IDENTIFIED", public={"API": condition}), over]))
    assert (ended.impact, ended.headline) == (Impact.NONE, "All systems operational")


def test_planned_work_under_way_is_said_of_what_it_touches() -> None:
    work = Planned("m", "Move", "shop", NOON - HOUR, NOON + HOUR)
    found = shown([], (work,))
    assert [s.condition for s in found.shown] == [Condition.MAINTENANCE, Condition.OPERATIONAL]
    assert (found.headline, found.impact) == ("Maintenance under way", Impact.NONE)
    assert [work.state(NOON + n * HOUR) for n in (-2, 0, 1)] == ["scheduled", "in_progress", "completed"]
