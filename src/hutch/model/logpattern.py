"""Log lines that differ in figures alone are one pattern: what is said how often, and what began after a deployment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hutch.model.event import instant
from hutch.model.platform import LogLine

LONGEST = 300
"""Characters of a line that tell its pattern."""
MOST_DISTINCT = 1000
"""Patterns that are given; the rest, the rarest, are counted together."""
OTHERS = "(further patterns)"
TELLING = ("message", "msg", "event", "error", "logger")
"""Fields of a JSON line that say what happened; the others say where and to whom."""

_ID = r"(?P<id>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b(?=[a-fA-F]*\d)[0-9a-fA-F]{12,}\b)"
_MAIL = r"(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)"
_REST = r"(?P<quoted>'[^'\n]{0,80}'|\"[^\"\n]{0,80}\")|(?P<number>\d+(?:[.,:]\d+)*)"
_PARTS, _WITHOUT_MAIL = re.compile(f"{_ID}|{_MAIL}|{_REST}"), re.compile(f"{_ID}|{_REST}")
"""What differs from line to line. An address is looked for at every letter: only where a line has an ``@``."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What lines of one kind say: how many, from when to when, and one of them. ``new``: the first of them came after
    the deployment, though lines from before it were looked at too."""

    text: str
    count: int
    first: datetime
    last: datetime
    example: str
    new: bool = False

    def as_dict(self) -> dict[str, object]:
        """The JSON form; keys are stable."""
        return {
            "pattern": self.text,
            "count": self.count,
            "first": instant(self.first),
            "last": instant(self.last),
            "new": self.new,
            "example": self.example,
        }


def pattern_of(text: str) -> str:
    """A line with what differs from one to the next left out.

    >>> pattern_of("user 17 waited 3.5 s for '/a/b'")
    'user <number> waited <number> s for <quoted>'
    >>> pattern_of('{"level": "ERROR", "time": "2026", "message": "no room for 9"}')
    'ERROR no room for <number>'
    """
    said = _telling(text)[:LONGEST]
    return (_PARTS if "@" in said else _WITHOUT_MAIL).sub(_name, said)


def _name(found: re.Match[str]) -> str:
    return f"<{found.lastgroup}>"


def clustered(lines: Sequence[LogLine], deployed: datetime | None = None) -> list[Pattern]:
    """The patterns of some lines, the most frequent first; new ones before all others. All lines are told apart, and
    what is past :data:`MOST_DISTINCT` is counted together: so a new pattern is seen whatever came before it."""
    groups: dict[str, list[LogLine]] = {}
    for line in sorted(lines, key=lambda each: each.at):
        groups.setdefault(pattern_of(line.text), []).append(line)
    before = deployed is not None and any(line.at < deployed for line in lines)
    told = (_pattern(text, group, deployed if before else None) for text, group in groups.items())
    ordered = sorted(told, key=lambda p: (not p.new, -p.count, p.first))
    shown, rest = ordered[:MOST_DISTINCT], ordered[MOST_DISTINCT:]
    return [*shown, _together(rest)] if rest else shown


def _pattern(text: str, group: Sequence[LogLine], deployed: datetime | None) -> Pattern:
    first, last = group[0], group[-1]
    return Pattern(text, len(group), first.at, last.at, first.text, deployed is not None and first.at >= deployed)


def _together(rest: Sequence[Pattern]) -> Pattern:
    """One that counts them all, itself never called new: it is no pattern that somebody could look for."""
    first = min(rest, key=lambda p: p.first)
    return Pattern(OTHERS, sum(p.count for p in rest), first.first, max(p.last for p in rest), first.example)


def _telling(text: str) -> str:
    fields = fields_of(text)
    if not any(name in fields for name in TELLING):
        return text
    return " ".join(said for name in ("level", *TELLING) if isinstance(said := fields.get(name), str))


def fields_of(text: str) -> Mapping[str, Any]:
    """The fields of a line that is a JSON object; none of any other, however it is nested."""
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
