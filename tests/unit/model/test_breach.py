"""A breach's gates: in order, and what its events tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hutch.model.breach import BEGUN, CLOCKS, ENDS, GATES, OPENED, PASSED, STAGES, fold, gate_of
from hutch.model.event import Event

AT = datetime(2026, 1, 31, 10, tzinfo=UTC)


def event(seq: int, kind: str, **data: Any) -> Event:
    return Event("incident:INC-2026-001", seq, AT + timedelta(minutes=seq), "mara", kind, data, "", "", "", "")


OPEN = event(1, OPENED, code_name="amber kestrel", aware_at="2026-01-31T09:00:00Z")


def test_evidence_comes_before_the_hole_the_hole_before_keys_keys_before_sessions_and_proof_after_both() -> None:
    order = [gate.id for gate in GATES]
    assert order[:3] == ["preserve", "close", "jwt-add"]
    assert order.index("jwt-add") < order.index("jwt-retire") < order.index("revoke") < order.index("prove")
    assert order.index("encryption-add") < order.index("prove") < order.index("encryption-retire")
    stages = [gate.stage for gate in GATES]
    assert stages == sorted(stages, key=STAGES.index)
    assert {gate_of(gate).stage for gate in ENDS} == set(CLOCKS)


def test_the_gates_open_one_after_the_other() -> None:
    found = fold([OPEN])
    assert found is not None
    assert (found.code_name, found.aware_at.hour, found.opened_at) == ("amber kestrel", 9, OPEN.at)
    events = [OPEN]
    for number, gate in enumerate(GATES, 2):
        found = fold(events)
        assert found is not None
        assert found.next_gate() == gate
        assert found.next_gate(gate.stage) == gate
        assert found.next_gate(next(s for s in STAGES if s != gate.stage)) is None
        events.append(event(number, PASSED, gate=gate.id, proof=f"proof {number}", run="R-1"))
    last = fold(events)
    assert last is not None
    assert last.next_gate() is None
    assert (last.passed["close"].proof, last.passed["close"].by, last.passed["close"].run) == ("proof 3", "mara", "R-1")


def test_the_latest_run_of_a_gate_counts_and_what_was_erased_does_not() -> None:
    begun = [event(n, BEGUN, gate="jwt-add", run=f"R-{n}") for n in (2, 3)]
    gone = event(4, PASSED, erased=True)
    found = fold([OPEN, *begun, gone])
    assert found is not None
    assert found.runs == {"jwt-add": "R-3"}
    assert fold([event(1, PASSED, gate="preserve", proof="x")]) is None
