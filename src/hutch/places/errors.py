"""What can go wrong with a place of files, in words that are safe to show and say what to do."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(//[^/@:\s\"]*):[^/@\s\"]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.I)


class PlaceError(Exception):
    """Why it can't be done. ``passing``: the same again may succeed in a while (a server that is away)."""

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(masked(text))
        self.passing = passing


class Damaged(PlaceError):
    """What is stored is not what was written: cut short, altered, or sealed for another place."""


class WrongKey(PlaceError):
    """It was encrypted with a key that is not among the configured ones."""


def masked(text: str) -> str:
    """``text`` with the passwords of database addresses in it replaced.

    >>> masked("postgresql://owner:secret@db/shop")
    'postgresql://owner:•••@db/shop'
    """
    return _PASSWORD.sub(lambda m: f"{m[1]}:•••@" if m[1] is not None else f"{m[2]}•••", text)
