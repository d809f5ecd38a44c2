"""Which backups are kept: the newest, and the newest of each of the last days, weeks and months that have one. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Keep:
    """How many of each are kept."""

    last: int = 3
    daily: int = 7
    weekly: int = 4
    monthly: int = 12


@dataclass(frozen=True, slots=True)
class Kept:
    """What the rules look at of a backup. ``pinned``: somebody asked for it to be kept; ``proved``: it was restored."""

    id: str
    at: datetime
    pinned: bool = False
    proved: bool = False


PERIODS: tuple[tuple[str, Callable[[datetime], object]], ...] = (
    ("daily", lambda at: at.date()),
    ("weekly", lambda at: at.isocalendar()[:2]),
    ("monthly", lambda at: (at.year, at.month)),
)


def kept(backups: Sequence[Kept], keep: Keep) -> dict[str, str]:
    """Why each backup that is kept is: its id -> the reason. What is not in it may go.

    Never go: the newest, the newest that was proved, and what somebody asked to keep.
    """
    newest = sorted(backups, key=lambda b: b.at, reverse=True)
    reasons = {b.id: "asked to be kept" for b in newest if b.pinned}
    for backup in [*newest[:1], *[b for b in newest if b.proved][:1]]:
        reasons.setdefault(backup.id, "the newest" if backup is newest[0] else "the newest that was proved")
    for backup in newest[: keep.last]:
        reasons.setdefault(backup.id, f"one of the newest {keep.last}")
    for name, period in PERIODS:
        firsts: dict[object, Kept] = {}
        for backup in newest:
            firsts.setdefault(period(backup.at), backup)
        for backup in list(firsts.values())[: getattr(keep, name)]:
            reasons.setdefault(backup.id, name)
    return reasons
