"""Which drills with which seeds, in which order, and whether one more fits into the time. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from statistics import fmean

from hutch.commands.context import CommandError
from hutch.commands.drills.result import REFUSED, Result
from hutch.ports import Fault

MOST_SEEDS = 1000
"""More in one call is a slip of the hand."""

USUAL = 25.0
"""Seconds that a drill takes, as long as none was measured."""

_SEEDS = re.compile(r"(\d{1,9})(?:\.\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True)
class Turn:
    """One drill that is to be run: a fault and its seed."""

    fault: Fault
    seed: int

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from the others."""
        return (self.fault.name, self.seed)


def seeds_of(text: str) -> range:
    """The seeds of ``7`` or ``1..5``, both ends included. Raises :class:`CommandError`.

    >>> list(seeds_of("3..5"))
    [3, 4, 5]
    """
    found = _SEEDS.fullmatch(text.strip())
    if not found:
        raise CommandError(f"--seeds {text!r}: expected one seed or FIRST..LAST, as in 1..5", 2)
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last < first + MOST_SEEDS:
        raise CommandError(f"--seeds {text!r}: the last seed must be {first} to {first + MOST_SEEDS - 1}", 2)
    return range(first, last + 1)


def turns(faults: Sequence[Fault], seeds: Sequence[int], mixed: bool) -> list[Turn]:
    """Every fault once with each seed. ``mixed``: each round in an order that its seed decides, so that no drill always
    follows the same one, and a call that ends early holds some of every kind."""
    found: list[Turn] = []
    for seed in seeds:
        order = list(faults)
        if mixed:
            Random(seed).shuffle(order)  # noqa: S311  (dice of a drill)
        found += [Turn(fault, seed) for fault in order]
    return found


def rest(wanted: Sequence[Turn], done: Sequence[Result]) -> list[Turn]:
    """Those of ``wanted`` that no result stands for; what was refused is tried again."""
    have = {(result.fault, result.seed) for result in done if result.verdict != REFUSED}
    return [turn for turn in wanted if turn.key not in have]


def kept(done: Sequence[Result], wanted: Collection[Turn]) -> list[Result]:
    """The earlier results that stand while ``wanted`` is run."""
    again = {turn.key for turn in wanted}
    return [result for result in done if (result.fault, result.seed) not in again]


class Pace:
    """How long drills take on this machine, from those that were run."""

    def __init__(self) -> None:
        self._took: dict[str, list[float]] = {}

    def note(self, fault: str, seconds: float) -> None:
        """A drill took so long, from one to the next."""
        self._took.setdefault(fault, []).append(seconds)

    def expect(self, coming: Sequence[Turn]) -> float:
        """Seconds for these: what the same fault took before, else what the others did."""
        means: Mapping[str, float] = {name: fmean(took) for name, took in self._took.items()}
        usual = fmean(means.values()) if means else USUAL
        return sum(means.get(turn.fault.name, usual) for turn in coming)

    def fits(self, turn: Turn, left: float | None) -> bool:
        """Whether it ends within ``left`` seconds, as far as can be told; None: there is no limit."""
        return left is None or self.expect([turn]) <= left
