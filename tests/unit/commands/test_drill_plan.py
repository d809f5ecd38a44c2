"""Which drills are run with which seeds, what is left of them, and whether one more fits into the time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from hutch.commands.context import CommandError
from hutch.commands.drills.plan import USUAL, Pace, Turn, kept, rest, seeds_of, turns
from hutch.commands.drills.result import FAILED, PASSED, REFUSED, Result


@dataclass(frozen=True)
class Made:
    name: str
    summary: str = ""
    cause: str = ""
    object_kind: str = ""
    remedies: Sequence[str] = ()
    spares: Sequence[str] = ()

    def argv(self, ready_file: Path) -> Sequence[str]:
        return (str(ready_file),)


FAULTS = [Made(name) for name in "abcdefgh"]


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("1..3", [1, 2, 3]), (" 4..4 ", [4]), ("0", [0])])
def test_seeds(text: str, seeds: list[int]) -> None:
    assert list(seeds_of(text)) == seeds


@pytest.mark.parametrize("text", ["", "a", "3..1", "1..", "..3", "1...3", "-1", "1..1001", "1,2", "1..2..3"])
def test_what_are_no_seeds_is_refused(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        seeds_of(text)
    assert caught.value.code == 2
    assert f"--seeds {text!r}" in str(caught.value)


def test_every_fault_with_every_seed_and_never_twice_in_the_same_order() -> None:
    wanted = turns(FAULTS, seeds_of("1..3"), mixed=True)
    assert sorted(turn.key for turn in wanted) == sorted((f.name, seed) for f in FAULTS for seed in (1, 2, 3))
    orders = ["".join(turn.fault.name for turn in wanted[i : i + 8]) for i in (0, 8, 16)]
    assert len({*orders, "abcdefgh"}) == 4
    assert wanted == turns(FAULTS, seeds_of("1..3"), mixed=True)
    assert [turn.fault.name for turn in turns(FAULTS, [5], mixed=False)] == list("abcdefgh")


def test_what_has_a_result_is_not_run_again_and_what_was_refused_is() -> None:
    wanted = turns(FAULTS[:3], [1], mixed=False)
    done = [Result("a", PASSED, seed=1), Result("b", REFUSED, seed=1), Result("c", FAILED, seed=2)]
    left = rest(wanted, done)
    assert [turn.key for turn in left] == [("b", 1), ("c", 1)]
    assert kept(done, left) == [done[0], done[2]]


def test_a_drill_is_begun_only_where_its_usual_time_is_left() -> None:
    pace, one, other = Pace(), Turn(FAULTS[0], 1), Turn(FAULTS[1], 1)
    assert pace.fits(one, None)
    assert (pace.fits(one, USUAL), pace.fits(one, USUAL - 1)) == (True, False)
    pace.note("a", 10.0)
    pace.note("a", 20.0)
    assert (pace.expect([one]), pace.expect([other])) == (15.0, 15.0)
    pace.note("b", 45.0)
    assert pace.expect([one, other, Turn(FAULTS[2], 1)]) == 15.0 + 45.0 + 30.0
    assert not pace.fits(other, 44.0)
