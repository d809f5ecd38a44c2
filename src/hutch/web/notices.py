"""What is said once, on the page after a form was sent. The words stay here: an address carries only a number."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

MOST = 200
"""Notices that wait to be read; the oldest is dropped."""


@dataclass(frozen=True, slots=True)
class Notice:
    """``good`` says that what was asked for was done."""

    text: str
    good: bool


class Notices:
    """Kept until they are read."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, Notice] = OrderedDict()

    def leave(self, notice: Notice) -> str:
        """Returns the key under which it is read."""
        key = secrets.token_urlsafe(9)
        self._waiting[key] = notice
        while len(self._waiting) > MOST:
            self._waiting.popitem(last=False)
        return key

    def take(self, key: str) -> Notice | None:
        """The notice, once."""
        return self._waiting.pop(key, None)
