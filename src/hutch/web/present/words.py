"""How untrusted text and times are shown on a page. Escaping is the templates'; this makes everything visible."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from hutch.review.wording import UNSEEN, one_line

ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])")
"""What colours a terminal."""

HIDDEN = "\N{REPLACEMENT CHARACTER}"
"""Stands where a character would be invisible, or would change the order in which others are shown."""


def line(text: object) -> str:
    """One visible line."""
    return one_line(text)


def block(text: object) -> str:
    """Several lines, exactly as they are, with nothing hidden in them."""
    plain = ANSI.sub("", str(text)).replace("\r\n", "\n")
    return "".join(c if c in "\n\t" or unicodedata.category(c) not in UNSEEN else HIDDEN for c in plain)


def span(seconds: float) -> str:
    """``45 s``, ``12 min``, ``3 h 5 min``, ``2 d 4 h``."""
    whole = int(abs(seconds))
    if whole < 90:
        return f"{whole} s"
    if whole < 5400:
        return f"{whole // 60} min"
    if whole < 2 * 86400:
        minutes = whole % 3600 // 60
        return f"{whole // 3600} h" + (f" {minutes} min" if minutes else "")
    hours = whole % 86400 // 3600
    return f"{whole // 86400} d" + (f" {hours} h" if hours else "")


def took(seconds: float | None) -> str:
    """A duration: ``8 ms``, ``1.2 s``, ``3 min``; nothing where it is not known."""
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{max(round(seconds * 1000), 1)} ms"
    return f"{seconds:.1f} s" if seconds < 60 else span(seconds)


def distance(at: datetime, now: datetime) -> str:
    """``in 12 min`` or ``3 min ago``."""
    gap = (at - now).total_seconds()
    return f"in {span(gap)}" if gap > 0 else f"{span(gap)} ago"


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as pages show it: ``iso`` for machines, ``clock`` for people, ``away`` at the time of drawing."""

    iso: str
    clock: str
    away: str
    past: bool
    full: str

    @property
    def owed(self) -> str:
        """The same of a promise: ``in 12 min``, ``overdue by 12 min``."""
        return f"overdue by {self.away.removesuffix(' ago')}" if self.past else self.away


def moment(at: datetime, now: datetime) -> Moment:
    """In UTC, with the date where its day is not today's."""
    local = at.astimezone(UTC)
    same = local.date() == now.astimezone(UTC).date()
    clock = f"{local:%H:%M:%S}" if same else f"{local.day} {local:%b %H:%M}"
    full = f"{local.day} {local:%b %Y, %H:%M:%S}"
    return Moment(local.isoformat(timespec="seconds"), clock, distance(at, now), at <= now, full)
