"""Faults that grow slowly: the sequence that comes to its end, and the slot that nobody reads."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from rolerabbit.drills.upkeep import LARGE_END, SEQUENCE, SLOT, SMALL_END

_END = "SELECT seqmax FROM pg_sequence WHERE seqrelid = to_regclass(%s)"
_LAST = "SELECT coalesce(last_value, 0) FROM pg_sequences WHERE sequencename = %s"
_SLOTS = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s"


def test_the_sequence_comes_to_its_end_and_back(stage: Any) -> None:
    with stage.standing("used-up-sequence") as fault:
        assert stage.number(_END, SEQUENCE) == SMALL_END
        assert stage.number(_LAST, SEQUENCE) > 0.9 * SMALL_END
    assert fault.off["remedied"] is False
    assert stage.number(_END, SEQUENCE) == LARGE_END
    assert stage.number(_LAST, SEQUENCE) < 1_000_000


@pytest.mark.parametrize("remedied", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_the_slot_keeps_what_is_written_until_it_is_gone(stage: Any, remedied: bool) -> None:
    with stage.standing("abandoned-slot") as fault:
        if remedied:
            stage.service.rows("SELECT pg_drop_replication_slot(%s)", SLOT)
    assert (fault.off["remedied"], stage.number(_SLOTS, SLOT)) == (remedied, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "left"), [("used-up-sequence", _END), ("abandoned-slot", _SLOTS)])
def test_what_a_killed_fault_left_is_undone(stage: Any, name: str, left: str) -> None:
    with stage.standing(name) as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert json.loads(stage.fault("undo").stdout) == {"undone": {name: 1}}
    assert stage.number(left, SEQUENCE if left == _END else SLOT) == (LARGE_END if left == _END else 0)
