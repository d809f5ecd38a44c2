"""What can go wrong with a backup, in words that are safe to show and say what to do."""

from __future__ import annotations

import re

from hutch.places.errors import Damaged as Damaged
from hutch.places.errors import PlaceError
from hutch.places.errors import WrongKey as WrongKey
from hutch.places.errors import masked as masked

_TURNED_AWAY = re.compile(
    r"authentication failed|no password supplied|no pg_hba\.conf entry|is not permitted to log in|"
    r"(role|database) .* does not exist|permission denied"
)
"""What a server that can be reached says to a login that it will not take: the same again is refused again."""


BackupError = PlaceError
"""Why a backup can't be made, read or given back."""


class Unsure(BackupError):
    """It was done or it was not, and only a look can tell."""


def unreached(error: BaseException, where: str) -> BackupError:
    """There is no connection to ``where``."""
    text = said(error)
    return BackupError(f"{where}: {text}", passing=_TURNED_AWAY.search(text) is None)


def said(error: BaseException) -> str:
    """A driver's error in one line, without its address."""
    text = masked(" ".join(str(error).split()))
    return re.sub(r"^connection failed: (connection to server [^:]*: )?", "", text) or type(error).__name__
