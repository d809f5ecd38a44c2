"""How a queue stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Depth:
    """How a queue stands: jobs that are due and wait, those for a later time, those under way, those given up."""

    due: int = 0
    later: int = 0
    taken: int = 0
    dead: int = 0
