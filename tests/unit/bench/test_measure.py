from __future__ import annotations

from itertools import count

import pytest
from bench.measure import Goal, Spread, interleave, line, per_round, percentile, significant, spread


def test_a_spread_is_the_median_and_its_tenths() -> None:
    assert spread([float(n) for n in range(100, -1, -1)]) == Spread(50, 10, 90, 101)


def test_one_sample_has_no_width() -> None:
    assert spread([3.5]) == Spread(3.5, 3.5, 3.5, 1)


def test_nothing_measured_is_no_number() -> None:
    with pytest.raises(ValueError, match="no samples: nothing was measured"):
        spread([])


def test_percentiles_lie_between_neighbours() -> None:
    assert percentile([1.0, 2.0], 50) == 1.5
    assert percentile([10.0, 0.0], 90) == 9.0
    assert percentile([1.0, 2.0, 3.0], 100) == 3.0


def test_a_ratio_is_taken_round_by_round() -> None:
    rounds = [{"it": 2.0, "floor": 1.0}, {"it": 200.0, "floor": 100.0}, {"it": 4.0, "floor": 1.0}]
    assert per_round(rounds, lambda r: r["it"] / r["floor"]).median == 2.0


def test_a_goal_is_said_and_not_enforced() -> None:
    assert Goal(3).word(3.0) == "goal ≤ 3: met"
    assert Goal(1.5).word(1.51) == "goal ≤ 1.5: missed"


def test_cases_take_turns_at_going_first() -> None:
    turn = count()
    rounds = interleave(2, {"a": lambda: next(turn), "b": lambda: next(turn)})
    assert rounds == [{"a": 0, "b": 1}, {"a": 3, "b": 2}]
    assert [list(r) for r in rounds] == [["a", "b"]] * 2


def test_digits_that_are_noise_are_dropped() -> None:
    assert significant(0.000123456) == 0.0001235
    assert significant(123456.0) == 123500.0


@pytest.mark.parametrize(("power", "slope"), [(0, 0.0), (1, 1.0), (2, 2.0), (-1, -1.0)])
def test_the_slope_is_the_power_with_which_cost_grows(power: int, slope: float) -> None:
    grown = line("x", "rows", "s", {size: [3.0 * size**power] * 3 for size in (10.0, 1_000.0, 100.0)})
    assert [size for size, _ in grown.points] == [10.0, 100.0, 1_000.0]
    assert grown.slope == pytest.approx(slope)


def test_one_size_makes_no_line() -> None:
    with pytest.raises(ValueError):
        _ = line("x", "rows", "s", {10: [1.0]}).slope
