"""Every installed fault once: the cause, its object and the remedy that must be found, and no harm done."""

from __future__ import annotations

import os
from typing import Protocol

import pytest

from hutch.commands.drills.catalogue import find_faults
from hutch.commands.drills.result import Result, alert_of, broken

FAULTS = find_faults()
BARRED = set() if os.geteuid() == 0 else {"full-disk"}
"""Faults that are refused, which the faults' own tests look at: only root may mount a small disk."""


class Staged(Protocol):
    """What the fixture gives."""

    told: list[str]

    def run(self, name: str) -> Result:
        """Run one drill."""


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [n for n, f in FAULTS.items() if not broken(f)])
def test_a_no_fault_alarms_nobody(staged: Staged, name: str) -> None:
    result = staged.run(name)
    assert (result.verdict, result.alarms, result.harm.total) == ("passed", (), 0), (result.reasons, staged.told[-12:])


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [n for n, f in FAULTS.items() if f.cause and n not in BARRED])
def test_a_fault_is_found_and_mended(staged: Staged, name: str) -> None:
    result = staged.run(name)
    wanted = FAULTS[name]
    said = (result.reasons, staged.told[-12:])
    assert result.named is not None, said
    assert result.named["code"] == wanted.cause, said
    assert result.scores.object is True, said
    assert result.scores.remedy is True, said
    assert result.scores.alert is (True if alert_of(wanted) else None), said
    assert result.scores.verified is (True if wanted.remedies else None), said
    assert result.harm.total == 0, said
    assert result.verdict == "passed", said


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", [n for n, f in FAULTS.items() if broken(f) and not f.cause])
def test_what_only_an_alert_tells_of_opens_one_incident(staged: Staged, name: str) -> None:
    result = staged.run(name)
    assert (result.verdict, result.scores.alert) == ("passed", True), (result.reasons, staged.told[-12:])
    assert result.harm.total == 0
