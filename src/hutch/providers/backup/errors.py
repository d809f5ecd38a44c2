"""What can go wrong with a backup, in words that are safe to show and say what to do."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(//[^/@:\s\"]*):[^/@\s\"]*@|(password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)", re.I)

_TURNED_AWAY = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|is not permitted to log in|"
    r"(role|database) .* does not exist|permission denied"
)
"""What a server that can be reached says to a login that it will not take: the same again is refused again."""


class BackupError(Exception):
    """Why it can't be done. ``passing``: the same again may succeed in a while (a server that is away)."""

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(masked(text))
        self.passing = passing


class Damaged(BackupError):
    """What is stored is not what was written: cut short, altered, or sealed for another place."""


class Unsure(BackupError):
    """It was done or it was not, and only a look can tell."""


class WrongKey(BackupError):
    """It was encrypted with a key that is not among the configured ones."""


def unreached(error: BaseException, where: str) -> BackupError:
    """There is no connection to ``where``."""
    text = said(error)
    return BackupError(f"{where}: {text}", passing=_TURNED_AWAY.search(text) is None)


def masked(text: str) -> str:
    """``text`` with the passwords of database addresses in it replaced.

    >>> masked("postgresql://owner:secret@db/shop")
    'postgresql://owner:•••@db/shop'
    """
    return _PASSWORD.sub(lambda m: f"{m[1]}:•••@" if m[1] is not None else f"{m[2]}•••", text)


def said(error: BaseException) -> str:
    """A driver's error in one line, without its address."""
    text = masked(" ".join(str(error).split()))
    return re.sub(r"^connection failed: (connection to server [^:]*: )?", "", text) or type(error).__name__
