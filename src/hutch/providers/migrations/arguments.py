"""What the actions are asked for, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Args = Mapping[str, object]

MOST_STEPS = 1000


class BadArguments(ValueError):
    """The arguments do not say what is asked for; the text says what they must be."""


@dataclass(frozen=True, slots=True)
class Asked:
    """``versions``: these and no other, None: whatever is due. ``digest``: of the plan that was approved."""

    versions: tuple[str, ...] | None = None
    digest: str = ""
    steps: int = 1


def asked(args: Args) -> Asked:
    """The arguments of up and down. Raises :class:`BadArguments`."""
    return Asked(_versions(args), _text(args, "digest"), _steps(args))


def version_of(args: Args) -> str:
    """The version that mark is about. Raises :class:`BadArguments`."""
    version = args.get("version")
    if isinstance(version, int) and not isinstance(version, bool):
        return str(version)
    if not isinstance(version, str) or not version:
        raise BadArguments(f"version must be the version of one migration, not {version!r}")
    return version


def flag(args: Args, name: str) -> bool:
    """A yes or no. Raises :class:`BadArguments`."""
    value = args.get(name, False)
    if value not in (True, False, "true", "false", None):
        raise BadArguments(f"{name} must be true or false, not {value!r}")
    return value in (True, "true")


def _versions(args: Args) -> tuple[str, ...] | None:
    named = args.get("versions")
    if named is None:
        return None
    if not isinstance(named, list | tuple) or not all(isinstance(version, str) for version in named):
        raise BadArguments(f"versions must be a list of versions, not {named!r}")
    return tuple(named)


def _text(args: Args, name: str) -> str:
    value = args.get(name, "")
    if not isinstance(value, str):
        raise BadArguments(f"{name} must be text, not {value!r}")
    return value


def _steps(args: Args) -> int:
    value = args.get("steps") or 1
    number = int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 6 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_STEPS:
        raise BadArguments(f"steps must be a whole number from 1 to {MOST_STEPS}, not {value!r}")
    return number
