"""What a draft of a review still asks of people: its open slots."""

from __future__ import annotations

import re
from collections.abc import Mapping

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


def filled(text: str, answers: Mapping[int, str]) -> str:
    """The text with answers in place of its slots, which are counted from 0; what is not answered stays.

    >>> filled("[Why] and [Who]", {1: "Anna"})
    '[Why] and Anna'
    """
    lines, number = text.split("\n"), 0
    for place, line in enumerate(lines):
        found = list(_SLOT.finditer(line))
        for offset, slot in reversed(list(enumerate(found, number))):
            answer = answers.get(offset, "")
            line = line[: slot.start()] + (answer or slot[0]) + line[slot.end() :]
        lines[place], number = line, number + len(found)
    return "\n".join(lines)
