"""Reads the arguments of actions; each error says what was expected."""

from __future__ import annotations

from collections.abc import Collection, Mapping

REASON_LENGTH = 500
"""Characters of a reason that are kept."""

Args = Mapping[str, object]


class BadArguments(ValueError):
    """The arguments do not say what to do."""


def text(args: Args, name: str, default: str = "") -> str:
    """A text; required where there is no default."""
    value = args.get(name, default)
    if not isinstance(value, str) or not value.strip():
        raise BadArguments(f"{name} must be text, not {value!r}")
    return value.strip()[:REASON_LENGTH]


def whole(args: Args, name: str, default: int, most: int) -> int:
    """A whole number from 1 to ``most``; digits in a text count."""
    value = args.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadArguments(f"{name} must be a whole number from 1 to {most}, not {value!r}")
    return value


def choice(args: Args, name: str, among: Collection[str], default: str) -> str:
    """One of ``among``; ``default`` where nothing is said."""
    value = args.get(name, default)
    if value != default and value not in among:
        raise BadArguments(f"{name} must be one of {', '.join(among)}, not {value!r}")
    return str(value)
