"""What earlier calls of ``hutch drill run`` came to: one JSON line each, beside the report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "history.jsonl"
MOST_CALLS = 500
"""Older ones go."""

MOST_BYTES = 2_000_000
"""A larger file is none of ours."""


@dataclass(frozen=True, slots=True)
class Past:
    """One call: when it began, how many drills it held and passed, the shares, and the usual time to name a cause."""

    started_at: str
    drills: int
    passed: int
    exact: float | None
    silent: float | None
    harm: int
    named: float | None


def past_of(document: Mapping[str, Any]) -> Past:
    """What the history keeps of a report."""
    totals, (exact, silent, harm) = document["totals"], document["goals"]
    return Past(
        document["started_at"], totals["drills"], totals["passed"], exact["share"], silent["share"], harm["found"],
        totals["seconds"]["diagnose"]["median"],
    )  # fmt: skip


def note(path: Path, document: Mapping[str, Any]) -> None:
    """Keep the call that wrote this report; what is there of the same call is replaced."""
    fresh = past_of(document)
    calls = [past for past in calls_of(path) if past.started_at != fresh.started_at]
    made = path.with_name(f"{path.name}.new")
    made.write_text("".join(_line(past) for past in [*calls, fresh][-MOST_CALLS:]), encoding="utf-8")
    made.replace(path)


def calls_of(path: Path) -> list[Past]:
    """The calls, the oldest first; a line that is none of ours is left out, as is a file that cannot be read."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    return [past for line in lines if (past := _past(line))]


def _line(past: Past) -> str:
    return json.dumps({name: getattr(past, name) for name in Past.__slots__}) + "\n"


def _past(line: str) -> Past | None:
    try:
        data = json.loads(line)
        past = Past(**data)
    except (ValueError, TypeError, RecursionError):
        return None
    numbers = (past.drills, past.passed, past.harm)
    shares = (past.exact, past.silent, past.named)
    whole = all(type(n) is int for n in numbers) and all(s is None or isinstance(s, int | float) for s in shares)
    return past if whole and isinstance(past.started_at, str) else None
