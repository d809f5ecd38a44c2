"""The faults that are installed, and those that a person asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points

from hutch.commands.context import CommandError
from hutch.commands.drills.result import alert_of
from hutch.ports import Fault

GROUP = "hutch.faults"
"""The entry-point group: each entry point is a sequence of faults."""


def find_faults() -> dict[str, Fault]:
    """Every installed fault by name. Raises :class:`CommandError` for a name that is given twice."""
    return by_name((point.name, point.load()) for point in entry_points(group=GROUP))


def by_name(packages: Iterable[tuple[str, Sequence[Fault]]]) -> dict[str, Fault]:
    """The faults of all packages by name."""
    found: dict[str, Fault] = {}
    owner: dict[str, str] = {}
    for package, faults in packages:
        for fault in faults:
            if fault.name in found:
                raise CommandError(f"{owner[fault.name]} and {package} both have a fault {fault.name!r}; rename one")
            found[fault.name], owner[fault.name] = fault, package
    return found


def choose(faults: Mapping[str, Fault], names: Sequence[str], every: bool) -> list[Fault]:
    """The faults of these names in their order, each once; all with ``every``. Raises :class:`CommandError`."""
    if every == bool(names):
        raise CommandError("name the drills to run, or say --all; `hutch drill list` shows them", 2)
    if not faults:
        raise CommandError(f"no faults are installed: no package has an entry point of group {GROUP}")
    unknown = [name for name in names if name not in faults]
    if unknown:
        raise CommandError(_unknown(unknown[0], list(faults)), 2)
    return list(faults.values()) if every else [faults[name] for name in dict.fromkeys(names)]


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"nearest: {', '.join(near)}" if near else f"there are: {', '.join(known)}"
    return f"unknown drill {name!r}; {hint}"


def fault_json(fault: Fault) -> dict[str, object]:
    """What ``hutch drill list --json`` says of a fault; keys are stable."""
    return {
        "name": fault.name,
        "summary": fault.summary,
        "cause": fault.cause,
        "object_kind": fault.object_kind,
        "remedies": list(fault.remedies),
        "spares": list(fault.spares),
        "alert": alert_of(fault),
        "parts": [part.name for part in getattr(fault, "parts", ())],
    }
