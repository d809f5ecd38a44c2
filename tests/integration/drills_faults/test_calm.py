"""No-faults, the front door's faults and two at once, each against a real platform: it stands, and leaves nothing."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from rolerabbit.drills import FAULTS
from rolerabbit.drills.calm import SLOT, TABLE
from rolerabbit.drills.catalog_calm import CALM

_SLOTS = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s"
_TABLES = "SELECT count(*) FROM pg_class WHERE relname = %s"
SHORT = ("resting-slot", "forgotten-password")


@pytest.mark.parametrize(
    "name", [found.name if found.name in SHORT else pytest.param(found.name, marks=pytest.mark.slow) for found in CALM]
)
def test_a_no_fault_stands_and_leaves_nothing(stage: Any, name: str) -> None:
    with stage.standing(name) as fault:
        assert fault.on["object"] == {}
        assert stage.service.ask("GET", "/api/portfolios").status == 200
    assert (fault.off["stood"], fault.off["protected_lost"], fault.off["rows_lost"]) == (True, [], 0), fault.errors
    assert (fault.off["well"], stage.leftovers()) == (True, [])
    assert (stage.number(_SLOTS, SLOT), stage.number(_TABLES, TABLE)) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("found", [found for found in FAULTS if found.parts], ids=lambda found: found.name)
def test_two_stand_at_once_and_each_says_what_must_be_found(stage: Any, found: Any) -> None:
    with stage.standing(found.name) as fault:
        (other,) = fault.on["known"]["also"]
        assert other["cause"] == found.parts[1].cause
        assert (fault.on["object"]["kind"], other["object"]["kind"]) == tuple(p.object_kind for p in found.parts)
    assert fault.off["remedied"] is False, fault.errors
    assert {f"{part.name}.mended" for part in found.parts} <= set(fault.off["counts"])
    assert (fault.off["rows_lost"], fault.off["well"], stage.leftovers()) == (0, True, [])


@pytest.mark.slow
def test_what_two_killed_ones_left_is_undone_in_reverse(stage: Any) -> None:
    with stage.standing("missing-index-and-used-up-sequence") as fault:
        fault.process.send_signal(signal.SIGKILL)
        fault.process.wait(10)
    assert stage.leftovers() == ["missing-index-and-used-up-sequence.json"]
    assert stage.fault("undo").returncode == 0
    assert stage.leftovers() == []
