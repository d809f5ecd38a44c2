"""How things look in a terminal: coloured where a person looks and wants it, and as wide as the window."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import click

LOOKS: Mapping[str, Mapping[str, Any]] = {
    "read": {"fg": "green"},
    "change": {"fg": "yellow"},
    "destroy": {"fg": "red", "bold": True},
    "by hand": {"fg": "cyan"},
    "title": {"bold": True},
    "dim": {"dim": True},
    "error": {"fg": "red"},
}
"""What a text is -> how it is shown. What is not here is shown as it is."""

UNSEEN = 120
"""Characters of a line where nobody's window says."""


def coloured(err: bool = False) -> bool:
    """Only on a terminal, and not where NO_COLOR (any value, https://no-color.org) or TERM=dumb says no."""
    stream = sys.stderr if err else sys.stdout
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def painted(text: str, look: str, *, err: bool = False) -> str:
    """``text`` as it looks; plain where nothing is coloured. ``err``: on standard error."""
    return click.style(text, **LOOKS[look]) if look in LOOKS and coloured(err) else text


def width() -> int:
    """Characters of a line of the window (COLUMNS comes first)."""
    return shutil.get_terminal_size((UNSEEN, 24)).columns
