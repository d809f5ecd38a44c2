"""Reads ``criteria`` of ``hutch.yaml``: by what measured impact which severity is proposed."""

from __future__ import annotations

import re

from hutch.bootstrap import values
from hutch.bootstrap.yamlnodes import Node
from hutch.detection.signals import unknown_signal
from hutch.model.impact import DEFAULT_CRITERIA, MEASURED, OPERATORS, Criterion
from hutch.model.severity import Severity
from hutch.ports import Setting

CRITERION: tuple[Setting, ...] = (
    Setting("severity", "text", "the severity that it speaks for", required=True),
    Setting("words", "text", "what it is called, as in the team's severity table", required=True),
    Setting("when", "text", "a signal, a comparison and a figure in the signal's unit: `error_rate > 50`; "
            "`down_by_quorum` is the share of probes that enough places say fail", default=""),
    Setting("cause", "text", "instead: a cause code that the diagnosis names, or its beginning with a dot",
            default=""),
)  # fmt: skip
"""The keys of an entry of ``criteria``. With neither ``when`` nor ``cause`` it is met where no other is."""

_WHEN = re.compile(r"([a-z_][a-z0-9_]*)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*(%|[a-zA-Z/]*)")


def criteria(node: Node, signals: dict[str, str]) -> tuple[Criterion, ...]:
    """The list; the seed's severity table where it is empty. ``signals``: the unit of each that is known."""
    rows = node.items()
    return tuple(_criterion(row, signals) for row in rows) if rows else DEFAULT_CRITERIA


def _criterion(node: Node, signals: dict[str, str]) -> Criterion:
    found = values.settings(node, CRITERION)
    when, cause, words = str(found["when"]), str(found["cause"]), str(found["words"])
    try:
        severity = Severity.of(str(found["severity"]))
    except ValueError as error:
        raise node.child("severity").fail(str(error)) from error
    if when and cause:
        raise node.fail("expected when or cause, not both")
    if not when:
        return Criterion(severity, words, cause=cause)
    part = _WHEN.fullmatch(when.strip())
    if not part or part[2] not in OPERATORS:
        raise node.child("when").fail(f"expected a signal, > >= < or <=, and a figure, found {when!r}")
    name, unit = part[1], signals.get(part[1], "%" if part[1] in MEASURED else "")
    if name not in signals and name not in MEASURED:
        raise node.child("when").fail(unknown_signal(name))
    if part[4] not in ("", unit):
        raise node.child("when").fail(f"{name} is in {unit}, not in {part[4]}")
    return Criterion(severity, words, name, part[2], float(part[3]), unit)
