"""What a draft of a review still asks of people: its open slots."""

from __future__ import annotations

import re

_SLOT = re.compile(r"(?<![!\\\]])\[(?P<words>[A-Z][^\[\]\n]{1,120})\](?![(\[:])")
"""``[Number/percentage]``; neither a task's box, nor a link, nor an escaped bracket."""


def open_slots(text: str) -> list[tuple[int, str]]:
    """The lines and words of the slots that are left.

    >>> open_slots("- Users affected: [Number/percentage]\\n- [x] done [Done](http://a)")
    [(1, 'Number/percentage')]
    """
    return [
        (number, found["words"]) for number, line in enumerate(text.splitlines(), 1) for found in _SLOT.finditer(line)
    ]
