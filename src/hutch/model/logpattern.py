"""Log lines that differ in figures alone are one pattern: what is said how often, and what began after a deployment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hutch.model.event import instant
from hutch.model.platform import LogLine

LONGEST = 300
"""Characters of a line that tell its pattern."""
MOST_DISTINCT = 1000
"""Patterns that are told apart; what is new after that is counted together."""
OTHERS = "(further patterns)"
TELLING = ("message", "msg", "event", "error", "logger")
"""Fields of a JSON line that say what happened; the others say where and to whom."""

_PARTS = re.compile(
    r"""(?P<id>\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b|\b(?=[a-fA-F]*\d)[0-9a-fA-F]{12,}\b)
    |(?P<mail>[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)
    |(?P<quoted>'[^'\n]{0,80}'|"[^"\n]{0,80}")
    |(?P<number>\d+(?:[.,:]\d+)*)""",
    re.VERBOSE,
)


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
    return _PARTS.sub(lambda found: f"<{found.lastgroup}>", _telling(text)[:LONGEST])


def clustered(lines: Sequence[LogLine], deployed: datetime | None = None) -> list[Pattern]:
    """The patterns of some lines, the most frequent first; new ones before all others."""
    found: dict[str, Pattern] = {}
    for line in sorted(lines, key=lambda each: each.at):
        text = pattern_of(line.text)
        text = text if text in found or len(found) < MOST_DISTINCT else OTHERS
        known = found.get(text) or Pattern(text, 0, line.at, line.at, line.text)
        found[text] = replace(known, count=known.count + 1, last=line.at)
    before = deployed is not None and any(line.at < deployed for line in lines)
    told = [replace(p, new=bool(before and deployed and p.first >= deployed)) for p in found.values()]
    return sorted(told, key=lambda p: (not p.new, -p.count, p.first))


def _telling(text: str) -> str:
    fields = fields_of(text)
    said = [str(fields[name]) for name in ("level", *TELLING) if isinstance(fields.get(name), str)]
    return " ".join(said) if any(name in fields for name in TELLING) else text


def fields_of(text: str) -> Mapping[str, Any]:
    """The fields of a line that is a JSON object; none of any other, however it is nested."""
    if not text.startswith("{"):
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
