"""How far a rate limit is stepped up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rolerabbit.config import Limit
from rolerabbit.steps import Steps

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([], 60),
        ([("login", 4, HOUR)], 15),
        ([("export", 4, HOUR)], 60),
        ([("login", 4, HOUR), ("login", 10, HOUR)], 6),
        ([("login", 4, HOUR), ("login", 10, NOW)], 15),
        ([("login", 20, HOUR)], 3),
        ([("login", 4, NOW)], 60),
    ],
)
def test_the_strictest_step_that_has_not_ended_counts(rows: list[tuple[str, int, datetime]], count: int) -> None:
    steps = Steps()
    steps.replace(rows)
    assert steps.stepped("login", Limit(60, 90), NOW) == Limit(count, 90)


def test_what_is_less_than_the_least_stays_as_it_is() -> None:
    steps = Steps()
    steps.replace([("reset", 20, HOUR)])
    assert steps.stepped("reset", Limit(2, 60), NOW) == Limit(2, 60)
