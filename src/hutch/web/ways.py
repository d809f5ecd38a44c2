"""The pages that the console's head leads to, by which letter the keyboard goes there, and what the palette finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Way:
    """A page: its address, the word for it, and the letter after ``g``; one without stands in no head."""

    href: str
    word: str
    key: str


WAYS = (
    Way("/", "Incidents", "i"),
    Way("/alerts", "Alerts", "a"),
    Way("/services", "Signals", "s"),
    Way("/runbooks", "Runbooks", "b"),
    Way("/runs", "Runs", "r"),
    Way("/oncall", "On call", "o"),
    Way("/reviews", "Reviews", "v"),
    Way("/todo", "To do", "t"),
    Way("/reports", "Reports", "p"),
    Way("/log", "Log", "l"),
    Way("/settings", "Settings", "e"),
    Way("/drills", "Drills", ""),
    Way("/breach", "Breaches", ""),
)
