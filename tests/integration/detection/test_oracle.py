"""Hutch and Prometheus judge alike: the same series and rules go through both, step by step."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.integration.detection.series import INTERVAL, STEPS, Case, Raw, Value, cases

from hutch.detection.export import rules_file
from hutch.detection.history import History
from hutch.detection.phases import Phase as RulePhase
from hutch.detection.phases import Track
from hutch.detection.rules import Evaluator, no_data_name
from hutch.detection.signals import measure_all
from hutch.model.action import Sample

PROMTOOL = shutil.which("promtool") or ""
T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)
COUNT = 34
"""Services in one call: each signal twice."""

needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed: apt-get install prometheus")

Seen = tuple[str, str, str, str]  # service, rule, alert name, pending or firing


def hutch(case: Case) -> list[set[Seen]]:
    """What Hutch has pending or firing after each step."""
    history, evaluator = History(), Evaluator(case.rules, case.service)
    steps = []
    for step in range(STEPS):
        now = T0 + timedelta(seconds=step * INTERVAL)
        history.add([Sample(r.metric, r.labels, v, now, r.kind) for r in case.raw for v in _at(r, step)])
        evaluator.step(measure_all(history, now), now)
        steps.append(set(_standing(case, evaluator)))
    return steps


def _at(raw: Raw, step: int) -> list[float]:
    value = raw.values[step]
    return [value] if isinstance(value, float) else []


def _standing(case: Case, evaluator: Evaluator) -> Iterable[Seen]:
    for rule in case.rules:
        state = evaluator.states[rule.name]
        yield from _seen(case.service, "", rule.name, state.track)
        yield from _seen(case.service, rule.name, no_data_name(rule), state.blind)


def _seen(service: str, rule: str, name: str, track: Track) -> list[Seen]:
    return [] if track.phase is RulePhase.INACTIVE else [(service, rule, name, str(track.phase))]


def prometheus(found: Sequence[Case], expected: list[set[Seen]]) -> str:
    """What promtool has to say against ``expected``; empty when it sees the same at every step."""
    rules = [rule for case in found for rule in case.rules]
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rules.yml").write_text(rules_file(rules, [case.service for case in found]))
        test = {
            "interval": f"{INTERVAL}s",
            "input_series": [_series(case, raw) for case in found for raw in case.raw],
            "promql_expr_test": [_expect(step, seen) for step, seen in enumerate(expected)],
        }
        whole = {"rule_files": ["rules.yml"], "evaluation_interval": f"{INTERVAL}s", "tests": [test]}
        Path(folder, "test.yml").write_text(yaml.safe_dump(whole, width=100_000))
        command = [PROMTOOL, "test", "rules", "test.yml"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _series(case: Case, raw: Raw) -> dict[str, str]:
    labels = ",".join(f'{k}="{v}"' for k, v in {**raw.labels, "job": case.service}.items())
    return {"series": f"{raw.metric}{{{labels}}}", "values": " ".join(map(_written, raw.values))}


def _written(value: Value) -> str:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else f"{value:g}"
    return value or "_"


def _expect(step: int, seen: set[Seen]) -> dict[str, object]:
    samples = []
    for service, rule, name, state in sorted(seen):
        labels = {"alertname": name, "alertstate": state, "service": service, **({"rule": rule} if rule else {})}
        samples.append({"labels": "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}", "value": 1})
    by = "count by (alertname, alertstate, service, rule) (ALERTS)"
    return {"expr": by, "eval_time": f"{step * INTERVAL}s", "exp_samples": samples}


@needs_promtool
@settings(max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_rules_fire_and_resolve_at_the_same_steps(seed: int) -> None:
    found = cases(seed, COUNT)
    by_case = [hutch(case) for case in found]
    expected = [set().union(*(steps[step] for steps in by_case)) for step in range(STEPS)]
    ever = {(name, state) for seen in expected for _, _, name, state in seen}
    assert len(ever) > COUNT, "the series moved no rules: the comparison would say nothing"
    said = prometheus(found, expected)
    assert not said, f"seed {seed}:\n{said[:4000]}"


@needs_promtool
def test_the_oracle_notices_a_difference() -> None:
    found = cases(1, 17)
    expected = [set().union(*steps) for steps in zip(*(hutch(case) for case in found), strict=True)]
    late = [*expected[1:], set[Seen]()]
    assert "FAILED" in prometheus(found, late)
