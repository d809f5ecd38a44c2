"""Patterns of names with ``*``, as people write them in a configuration."""

from __future__ import annotations


def like(pattern: str) -> str:
    """The same as a LIKE pattern of SQL, for a bound value.

    >>> like("user_*.deleted")
    'user\\\\_%.deleted'
    """
    return pattern.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_").replace("*", "%")
