"""Is an answer as it should be? Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hutch.model.finding import Object
from hutch.model.probe import SHOWN
from hutch.providers.probe.settings import Range

MISSING = object()
"""Stands for what a JSON answer does not hold."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an HTTP answer must be."""

    status: tuple[Range, ...]
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    json: Mapping[str, object] | None = None


def fault_of_status(wanted: Wanted, status: int) -> str:
    """What is wrong with it; empty where nothing is."""
    if any(low <= status <= high for low, high in wanted.status):
        return ""
    return f"{', '.join(spelled(r) for r in wanted.status)} expected"


def fault_of_body(wanted: Wanted, body: bytes, whole: bool) -> str:
    """What is wrong with the body, as far as it was read; empty where nothing is."""
    text = body.decode("utf-8", errors="replace")
    for pattern in wanted.contains:
        if not holds(pattern, text):
            return f"it does not hold {pattern!r}" + ("" if whole else f" in its first {len(body)} bytes")
    for pattern in wanted.lacks:
        if holds(pattern, text):
            return f"it holds {pattern!r}"
    return _fault_of_json(wanted.json, text, whole) if wanted.json else ""


def _fault_of_json(wanted: Mapping[str, object], text: str, whole: bool) -> str:
    if not whole:
        return "it is too long to be read as JSON"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return "it is no JSON"
    for path, expected in wanted.items():
        found = at(value, path)
        if found is MISSING:
            return f"its JSON has no {path}"
        if isinstance(found, bool) != isinstance(expected, bool) or found != expected:
            return f"{path} is {json.dumps(found)[: SHOWN // 5]}, {json.dumps(expected)} expected"
    return ""


def at(value: object, path: str) -> object:
    """What stands at a path of keys and numbers with dots between; :data:`MISSING` where nothing does.

    >>> at({"checks": [{"up": True}]}, "checks.0.up")
    True
    """
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part, MISSING)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING
    return value


def holds(pattern: str, text: str) -> bool:
    """Whether the text holds the pattern, in which ``*`` stands for anything. In linear time, whatever either holds.

    >>> holds("release * is ok", "the release 42 is ok.")
    True
    """
    start = 0
    for piece in pattern.split("*"):
        found = text.find(piece, start)
        if found < 0:
            return False
        start = found + len(piece)
    return True


def spelled(statuses: Range) -> str:
    """``2xx``, ``200`` or ``200-204``."""
    low, high = statuses
    if low % 100 == 0 and high == low + 99:
        return f"{low // 100}xx"
    return str(low) if low == high else f"{low}-{high}"


def ending(certificate_ends: datetime | None, now: datetime, days: int, host: str) -> tuple[str, Object] | None:
    """What is said of a certificate that ends soon, and whose it is; None where there is nothing to say."""
    if certificate_ends is None or not days:
        return None
    left = (certificate_ends - now).total_seconds() / 86_400
    if left > days:
        return None
    return f"the certificate of {host} ends in {max(0, int(left))} days, on {certificate_ends:%Y-%m-%d}", Object(
        "host", host
    )


def told(parts: Sequence[str]) -> str:
    """One bounded line of several, for people: nothing in it moves a terminal's cursor."""
    joined = "; ".join(p for p in parts if p)
    return " ".join("".join(c if c.isprintable() else " " for c in joined).split())[:SHOWN]
