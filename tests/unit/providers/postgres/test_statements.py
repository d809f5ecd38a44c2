from __future__ import annotations

from hutch.providers.postgres.client import Table
from hutch.providers.postgres.statements import CELL_LIMIT, aligned


def test_one_row_is_one_row_and_lines_stay_lines() -> None:
    assert aligned(Table(("a",), (("x\ny",),))).splitlines() == [" a", "-----", " x⏎y", "(1 row)"]


def test_no_column_shows_the_status() -> None:
    assert aligned(Table(status="UPDATE 3")) == "UPDATE 3"
    assert aligned(Table()) == "(0 rows)"


def test_long_values_are_cut() -> None:
    line = aligned(Table(("a",), (("x" * 2000,),))).splitlines()[2]
    assert (len(line), line[-1]) == (CELL_LIMIT + 1, "…")
