from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hutch.model.finding import Seen, Status
from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from hutch.providers.postgres.checks import answered
from hutch.providers.postgres.looks import Seldom
from hutch.providers.postgres.thresholds import THRESHOLDS, thresholds_from

GUIDE = Path(__file__).parents[3] / "docs/guide/postgres-checks.md"


def test_every_threshold_has_a_default_that_holds() -> None:
    assert thresholds_from({}).disk_capacity == 0.0
    assert {s.name for s in THRESHOLDS} <= {s.name for s in provider.settings}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("slot_size", 0, "slot_size must be a number above 0, not 0"),
        ("slot_size", True, "slot_size must be a number above 0, not True"),
        ("disk_capacity", "500 GB", "disk_capacity must be a number above 0, not '500 GB'"),
        ("bloat_exact", "yes", "bloat_exact must be true or false, not 'yes'"),
    ],
)
def test_a_bad_threshold_is_refused_by_name(name: str, value: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        provider.open(TargetConfig("shop", {"url": "postgresql://h/d", name: value}, lambda: datetime.now(UTC)))


def test_every_check_has_its_row_in_the_guide() -> None:
    connection = provider.open(TargetConfig("shop", {"url": "postgresql://h/d"}, lambda: datetime.now(UTC)))
    text = GUIDE.read_text("utf-8")
    assert [name for name in connection.checks if f"`{name}`" not in text] == []
    assert [code for code in provider.codes if code.startswith("postgres.") and f"`{code}`" not in text] == []


def test_a_server_that_is_too_old_is_no_healthy_one() -> None:
    row = {"version": "12.9", "version_number": 120009, "database": "shop", "login": "x", "standby": False}
    seen = answered(row, "db:5432")
    assert (seen.status, seen.reason.startswith("version 12.9 is too old")) == (Status.UNKNOWN, True)
    assert answered({**row, "version": "14.1", "version_number": 140001}, "db:5432").status is Status.OK


async def test_what_changes_slowly_is_looked_at_again_only_after_a_while_or_when_it_is_not_well() -> None:
    looks = iter([Seen(Status.OK, "1"), Seen(Status.WARN, "2"), Seen(Status.OK, "3")])
    at = [0.0]

    async def look() -> Seen:
        return next(looks)

    seldom = Seldom(look, 10.0, now=lambda: at[0])
    assert [(await seldom()).summary, (await seldom()).summary] == ["1", "1"]
    at[0] = 10.0
    assert [(await seldom()).summary, (await seldom()).summary, (await seldom()).summary] == ["2", "3", "3"]
