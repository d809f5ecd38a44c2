"""How Hutch itself does: what this process counted, and whether its evaluations are on time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hutch.commands.shares import Shares

SOURCES = 50
"""Names of sources that are told apart; the others are one."""


@dataclass(slots=True)
class Vitals:
    """Counted since this process started. ``lateness`` in seconds: how long after its time the evaluation that is the
    latest of all services ended, or is still awaited."""

    evaluations: int = 0
    lateness: float = 0.0
    worst: float = 0.0
    behind: bool = False
    received: Counter[tuple[str, str]] = field(default_factory=Counter)  # source, outcome
    shares: Shares | None = None  # where this process may watch
    pings: Counter[str] = field(default_factory=Counter)  # result

    @property
    def watching(self) -> bool:
        """Whether this process judges rules."""
        return self.shares is not None and self.shares.watching

    @property
    def stands_by(self) -> bool:
        """Whether others watch all services, and this one waits for its turn."""
        return self.shares is not None and self.shares.stands_by

    def heard(self, heard: Iterable[tuple[str, str]]) -> None:
        """Alerts were taken in: the source and the outcome of each."""
        known = {name for name, _ in self.received}
        for (source, outcome), count in Counter(heard).items():
            self.received[source if source in known or len(known) < SOURCES else "other", outcome] += count
            known.add(source)

    def late(self, seconds: float) -> None:
        """How late the evaluations are now."""
        self.lateness = max(seconds, 0.0)
        self.worst = max(self.worst, self.lateness)
