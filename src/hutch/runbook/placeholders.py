"""Finds what must be filled in before a statement may run."""

from __future__ import annotations

import re

from hutch.model.runbook import Placeholder

_BRACKETED = re.compile(r"\[([A-Za-z][A-Za-z0-9_-]+)\]")


def find(text: str, lang: str) -> tuple[Placeholder, ...]:
    """The placeholders of a statement, in order."""
    return tuple(
        Placeholder(found[1].lower().replace("_", "-"), found.group(), found.start(), found.end())
        for found in _BRACKETED.finditer(text)
    )
