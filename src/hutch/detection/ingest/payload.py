"""Untrusted JSON, taken apart with one clear error: what was expected, where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hutch.model.alert import Alert

MOST_ALERTS = 1000
"""Alerts that one payload may hold."""

LONGEST = 10_000
"""Characters of a text that are read; alerts are bounded further where they are completed."""

_FRACTION = re.compile(r"(\.\d{6})\d+")


class PayloadError(ValueError):
    """The payload is not what its source sends. ``where`` is the place in it (``alerts[0].labels``)."""

    def __init__(self, message: str, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)


@dataclass(frozen=True, slots=True)
class Given:
    """A payload and what its source is configured with: ``service`` it is about, ``paths`` of a generic mapping."""

    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)
    service: str = ""
    paths: Mapping[str, str] = field(default_factory=dict)
    name: str = ""  # what the source is called, where several are of one kind


@dataclass(frozen=True, slots=True)
class Arrived:
    """What a payload says: alerts, and fingerprints' givens that somebody acknowledged at the source."""

    alerts: tuple[Alert, ...] = ()
    acknowledged: tuple[Alert, ...] = ()
    note: str = ""  # why there is nothing to take in


def text(data: Mapping[str, object], key: str, where: str = "", default: str = "") -> str:
    """A text; a number or a truth value is taken as its text. Raises :class:`PayloadError` for anything else."""
    value = data.get(key)
    if value is None:
        return default
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)[:LONGEST]
    raise PayloadError(f"expected a text, found {kind(value)}", place(where, key))


def needed(data: Mapping[str, object], key: str, where: str = "") -> str:
    """A text that must be there."""
    found = text(data, key, where).strip()
    if not found:
        raise PayloadError("is missing", place(where, key))
    return found


def one_of(data: Mapping[str, object], key: str, allowed: Iterable[str], where: str = "") -> str:
    """One of some words, whatever their case."""
    found, known = needed(data, key, where).lower(), tuple(allowed)
    if found not in known:
        raise PayloadError(f"expected one of {', '.join(known)}, found {found[:40]!r}", place(where, key))
    return found


def part(data: Mapping[str, object], key: str, where: str = "") -> Mapping[str, object]:
    """An object; an empty one where there is none."""
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PayloadError(f"expected an object, found {kind(value)}", place(where, key))
    return value


def parts(data: Mapping[str, object], key: str, where: str = "") -> list[Mapping[str, object]]:
    """A list of objects, bounded."""
    value = data.get(key)
    if not isinstance(value, list):
        raise PayloadError(f"expected a list, found {kind(value)}", place(where, key))
    if len(value) > MOST_ALERTS:
        raise PayloadError(f"holds {len(value)} entries; {MOST_ALERTS} are taken at once", place(where, key))
    for number, one in enumerate(value):
        if not isinstance(one, Mapping):
            raise PayloadError(f"expected an object, found {kind(one)}", f"{place(where, key)}[{number}]")
    return value


def labels(data: Mapping[str, object], where: str = "") -> dict[str, str]:
    """A flat object of texts; what is nested in it is left out."""
    flat = (str, int, float)
    return {str(k)[:LONGEST]: text(data, k, where) for k, v in data.items() if isinstance(v, flat)}


def moment(data: Mapping[str, object], key: str, where: str = "") -> datetime | None:
    """A time: RFC 3339 (any number of decimals), or seconds or milliseconds since 1970; None where there is none, and
    for the year 1, which Go writes for none."""
    value = data.get(key)
    if value in (None, ""):
        return None
    try:
        found = _number(value) if isinstance(value, int | float) else _written(str(value))
    except (ValueError, OverflowError, OSError) as error:
        raise PayloadError(f"{str(value)[:40]!r} is no time; write 2026-01-15T10:00:00Z", place(where, key)) from error
    return None if found.year == 1 else found


def _number(value: float) -> datetime:
    return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)


def _written(value: str) -> datetime:
    if re.fullmatch(r"\d{9,14}", value):
        return _number(int(value))
    found = datetime.fromisoformat(_FRACTION.sub(r"\1", value.strip().replace("Z", "+00:00").replace("z", "+00:00")))
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def place(where: str, key: str) -> str:
    """``alerts[0].labels``."""
    return f"{where}.{key}" if where else key


def kind(value: object) -> str:
    """What JSON calls it."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "nothing"}
    return names.get(type(value), "a number")
