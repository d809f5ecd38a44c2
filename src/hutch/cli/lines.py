"""Lines that fit a window: wrapped or cut, hidden characters shown as what they are."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from hutch.cli.paint import painted
from hutch.runbook.visible import visible


def wrapped(lead: str, text: str, room: int, look: str = "") -> Iterator[str]:
    """``text`` after ``lead``, further lines below its beginning, none longer than ``room`` if its words allow."""
    said = visible(" ".join(text.split()))
    rest = " " * len(lead)
    lines = textwrap.wrap(said, max(20, room - len(lead)), break_on_hyphens=False) or [""]
    for number, line in enumerate(lines):
        yield (lead if not number else rest) + (painted(line, look) if look else line)


def one_line(text: str, room: int) -> str:
    """``text`` on one line of at most ``room`` characters."""
    return cut(visible(" ".join(text.split())), room)


def cut(text: str, room: int) -> str:
    """The beginning of ``text``, with a mark where the rest is missing."""
    return text if len(text) <= room else f"{text[: max(1, room - 1)]}…"
