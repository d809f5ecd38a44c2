"""How many places must agree: against an oracle that tries everything that a silent place could have said."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.detection.probes import agreed, uptime_by_quorum
from hutch.detection.promql import by_quorum
from hutch.detection.rules import Evaluator, Fired, Resolved
from hutch.detection.signals import SIGNALS
from hutch.model.alert import Condition, Rule
from hutch.model.severity import Severity
from hutch.testing import START

WORDS = st.sampled_from([True, False, None])


def possible(places: list[bool | None]) -> list[list[bool]]:
    """Everything that could be true if silent places spoke."""
    return [list(w) for w in itertools.product(*([p] if p is not None else [True, False] for p in places))]


@given(st.lists(WORDS, min_size=1, max_size=5), st.integers(1, 5))
def test_a_silent_place_decides_nothing(places: list[bool | None], quorum: int) -> None:
    worlds = {not sum(well is False for well in world) >= quorum for world in possible(places)}
    surely_failing = sum(well is False for well in places) >= quorum
    assert agreed(places, quorum) == (False if surely_failing else True if worlds == {True} else None)


@given(
    st.lists(st.lists(WORDS, min_size=1, max_size=3), min_size=1, max_size=3),
    st.integers(1, 3),
    st.sampled_from([30.0, 50.0, 100.0]),
)
def test_the_condition_is_decided_only_where_every_possible_world_agrees(
    probes: list[list[bool | None]], quorum: int, threshold: float
) -> None:
    def holds(value: float) -> bool:
        return value < threshold

    def uptime(world: tuple[list[bool], ...]) -> float:
        well = [sum(not w for w in places) < quorum for places in world]
        return 100.0 * sum(well) / len(well)

    verdicts = {holds(uptime(world)) for world in itertools.product(*(possible(p) for p in probes))}
    seen = {f"p{n}": places for n, places in enumerate(probes)}
    value = uptime_by_quorum(seen, quorum, holds)
    assert (None if value is None else holds(value)) == (verdicts.pop() if len(verdicts) == 1 else None)


def test_without_probes_nobody_can_tell() -> None:
    assert uptime_by_quorum({}, 2, lambda _: True) is None


@pytest.mark.parametrize("silent", [False, True])
def test_a_rule_fires_by_its_quorum_alone_and_is_not_resolved_by_silence(silent: bool) -> None:
    rule = Rule("Down", Condition("uptime", "<", 100.0, "%"), timedelta(0), Severity.SEV1, quorum=2)
    evaluator = Evaluator([rule], "shop")
    assert evaluator.step({"uptime": 66.0}, START, {"Down": 100.0}) == []
    [fired] = evaluator.step({"uptime": 33.0}, START + timedelta(seconds=5), {"Down": 0.0})
    assert isinstance(fired, Fired)
    later = evaluator.step({"uptime": 100.0}, START + timedelta(seconds=10), {"Down": None if silent else 100.0})
    assert [type(c) for c in later] == ([] if silent else [Resolved])


def test_the_same_in_prometheus() -> None:
    assert by_quorum(SIGNALS["uptime"], 'job="shop"', 2) == (
        '100 * avg(sum by (probe) (last_over_time(probe_success{job="shop"}[1m]) == bool 0) < bool 2)'
    )
