"""GitHub's anchors of headings."""

from __future__ import annotations

import re

_DROPPED = re.compile(r"[^\w\- ]")


def slug(text: str) -> str:
    """The anchor of a heading: lower case, punctuation dropped, spaces to hyphens.

    >>> slug("Data Loss / Corruption")
    'data-loss--corruption'
    """
    return _DROPPED.sub("", text.strip().lower()).replace(" ", "-")


class Slugger:
    """Gives each name once: the second ``detection`` is ``detection-1``, as on GitHub."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """``name``, with the first free number after it where it is taken."""
        if name not in self._taken:
            self._taken[name] = 0
            return name
        number = self._taken[name] + 1
        while f"{name}-{number}" in self._taken:
            number += 1
        self._taken[name] = number
        self._taken[f"{name}-{number}"] = 0
        return f"{name}-{number}"
