"""Characters that show nothing or turn the text around, shown as what they are.

A document can hide a command behind them: what a person approves must be what they see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from unicodedata import name

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Controls (but for tab and line feed), zero-width and bidirectional characters, fillers, tags."""

_AFTER_EMOJI = re.compile("(?<=[\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]")


def visible(text: str) -> str:
    """``text`` with every hidden character as its escape (``\\u202e``); an emoji's own selector stays.

    >>> visible("rm\\u202e x")
    'rm\\\\u202e x'
    """
    if text.isascii() and text.isprintable():
        return text
    kept = {found.start() for found in _AFTER_EMOJI.finditer(text)}
    return HIDDEN.sub(lambda found: found[0] if found.start() in kept else _escape(found[0]), text)


def hidden(text: str) -> Iterator[tuple[int, str]]:
    """Each hidden character with its offset and name: ``(2, "RIGHT-TO-LEFT OVERRIDE")``."""
    kept = {found.start() for found in _AFTER_EMOJI.finditer(text)}
    for found in HIDDEN.finditer(text):
        if found.start() not in kept:
            yield found.start(), name(found[0], _escape(found[0]))


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
