"""What a fault's maker is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from rolerabbit.drills.records import Records
from rolerabbit.drills.service import Service


class Protected(Protocol):
    """Something that must come through unharmed, checkable by a machine."""

    def as_json(self) -> dict[str, object]:
        """Its kind and what identifies it."""

    def lost(self, service: Service) -> bool:
        """Whether it was harmed."""


@dataclass(frozen=True, slots=True)
class Scene:
    """The service, the undo record of this fault, and the dice that the seed decides."""

    service: Service
    records: Records
    dice: Random

    def will_undo(self, how: str, **details: object) -> None:
        """Put on disk how a change that follows is undone (a name of `rolerabbit.drills.undo.HOW`)."""
        self.records.add({"how": how, **details})


@dataclass(frozen=True, slots=True)
class Stand:
    """A fault that stands, verified. ``found`` is the object that must be named.

    ``remedied`` (None where there is nothing to remedy) and ``counts`` are asked before it is undone.
    """

    found: Mapping[str, object]
    remedied: Callable[[], bool] | None = None
    protected: Sequence[Protected] = ()
    known: Mapping[str, object] = field(default_factory=dict)
    counts: Callable[[], Mapping[str, int]] = dict


Maker = Callable[[Scene], AbstractContextManager[Stand]]
"""Makes the fault, yields once it stands, and ends afterwards what lives in this process (sessions, threads).

What would outlive the process is undone by the records alone, so there is one way back and it is always used.
"""
