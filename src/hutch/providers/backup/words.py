"""Sizes and ages as people read them."""

from __future__ import annotations

from datetime import timedelta


def megabytes(size: int) -> str:
    """A size in bytes.

    >>> megabytes(83_400_000)
    '83.4 MB'
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"


def age(length: timedelta) -> str:
    """A length of time.

    >>> age(timedelta(hours=30))
    '30 h'
    """
    seconds = max(int(length.total_seconds()), 0)
    if seconds < 90:
        return f"{seconds} s"
    if seconds < 5400:
        return f"{seconds // 60} min"
    return f"{seconds // 3600} h" if seconds < 4 * 86400 else f"{seconds // 86400} d"
