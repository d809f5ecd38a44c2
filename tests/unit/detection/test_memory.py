"""What is remembered is enough: wherever watching moves to another process, the same is told at the same times."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from hutch.detection.history import HANDED_ON, History
from hutch.detection.memory import memory, recall
from hutch.detection.rules import Evaluator, Fired
from hutch.detection.standing import Standing
from hutch.model.action import Sample
from hutch.model.alert import Condition, Rule
from hutch.model.severity import Severity
from hutch.testing import START

SECOND, FRESH, WINDOWS = timedelta(seconds=1), timedelta(minutes=5), timedelta(minutes=1)
HOT = Rule("Hot", Condition("cpu", ">", 80.0, "%"), timedelta(0), Severity.SEV2)


def moved(evaluator: Evaluator, at: int, fresh: timedelta = FRESH) -> Evaluator:
    """The same in another process: by what was kept, and by what the log says that fires."""
    now = START + at * SECOND
    data = json.loads(json.dumps(memory(evaluator, History(), Standing(), now, WINDOWS)))
    new = Evaluator(evaluator.rules, "shop")
    recall(data, new, History(), now + SECOND, fresh)
    assert all(new.resume(alert) for alert in evaluator.firing())
    return new


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from([10.0, 90.0]), min_size=1, max_size=20),
    st.sets(st.integers(0, 19)),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_wherever_it_moves_the_same_is_told(values: list[float], moves: set[int], duration: int, keep: int) -> None:
    rule = replace(HOT, duration=duration * SECOND, keep_firing_for=keep * SECOND)
    stays, goes = Evaluator([rule], "shop"), Evaluator([rule], "shop")
    for at, value in enumerate(values):
        now = START + at * SECOND
        assert goes.step({"cpu": value}, now) == stays.step({"cpu": value}, now)
        goes = moved(goes, at) if at in moves else goes
        assert goes.states["Hot"].word == stays.states["Hot"].word


def test_how_long_data_was_missing_moves_too() -> None:
    rule = replace(HOT, no_data=5 * SECOND)
    goes = Evaluator([rule], "shop")
    assert not [c for at in range(4) for c in goes.step({"cpu": None}, START + at * SECOND)]
    goes = moved(goes, 3)
    assert not goes.step({"cpu": None}, START + 4 * SECOND)
    (fired,) = goes.step({"cpu": None}, START + 5 * SECOND)
    assert isinstance(fired, Fired) and fired.since == START
    goes = moved(goes, 5)
    assert not goes.step({"cpu": None}, START + 6 * SECOND), "it is told once"
    assert len(goes.step({"cpu": 5.0}, START + 7 * SECOND)) == 1


def test_what_is_old_or_of_another_rule_or_nonsense_is_passed_over() -> None:
    was = Evaluator([replace(HOT, duration=9 * SECOND)], "shop")
    was.step({"cpu": 90.0}, START)
    assert moved(was, 0).states["Hot"].word == "pending"
    assert moved(was, 0, SECOND).states["Hot"].word == "inactive"
    other = Evaluator([replace(HOT, duration=8 * SECOND)], "shop")
    kept = memory(was, History(), Standing({"x": 1}, {"x": START}), START, WINDOWS)
    assert recall(kept, other, History(), START, FRESH) == Standing({"x": 1}, {"x": START})
    assert other.states["Hot"].word == "inactive"
    for nonsense in ({}, {"at": "yesterday"}, {**kept, "rules": [1]}, {**kept, "causes": {"x": 1}}, [], "text"):
        assert recall(nonsense, other, History(), START, FRESH) == Standing()


def test_rates_go_on_from_what_was_counted_before() -> None:
    def count(value: float, at: int, **labels: str) -> Sample:
        return Sample("requests", labels, value, START + at * SECOND, "counter")

    old, new = History(), History()
    for at in range(0, 60, 15):
        old.add([count(at * 10, at, status="200"), count(at, at, status="500")], "shop")
    new.take_up(json.loads(json.dumps(old.handed_on(START))))
    both = [count(600, 60, status="200"), count(60, 60, status="500"), count(7, 60, status="404")]
    for history in (old, new):
        history.add(both, "shop")
    now = START + 60 * SECOND
    rates = [{s.labels["status"]: s.rate() for s in h.window("requests", now, WINDOWS)} for h in (old, new)]
    assert rates[1]["200"] == rates[0]["200"] and rates[1]["500"] == rates[0]["500"]
    assert rates[1]["404"] is None, "what was not handed on is not taken for new since the last scrape"


def test_of_too_much_the_last_of_each_series_is_handed_on_or_nothing() -> None:
    history = History()
    many = HANDED_ON // 4
    for at in range(5):
        history.add([Sample("m", {"n": str(n)}, at, START + at * SECOND, "counter") for n in range(many)])
    told = history.handed_on(START)
    assert len(told) == many and all(len(points) == 2 for *_, points in told)
    history.add([Sample("m", {"more": str(n)}, 1, START + n * SECOND / 1000) for n in range(3 * many)])
    assert history.handed_on(START) == []
