"""The time-outs that a role may be given, and their values as Postgres reads them. Pure."""

from __future__ import annotations

import re

TIMEOUTS = (
    "idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout", "idle_session_timeout",
    "transaction_timeout",
)  # fmt: skip
"""The settings that end or refuse what takes too long; anybody may set them for himself."""
LEAST = 1000
"""Milliseconds below which a time-out for a whole role stops the service instead of guarding it."""
RESET = "reset"
"""The value that takes a role's own setting away."""
_UNITS = {"": 1, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_VALUE = re.compile(r"\s*(\d{1,12})\s*(ms|s|min|h|d|)\s*")


def milliseconds(value: str) -> int | None:
    """A value of such a setting; 0 means none. None for what Postgres would not take.

    >>> milliseconds("60s"), milliseconds("1min"), milliseconds("0"), milliseconds("soon")
    (60000, 60000, 0, None)
    """
    found = _VALUE.fullmatch(value)
    return int(found[1]) * _UNITS[found[2]] if found else None
