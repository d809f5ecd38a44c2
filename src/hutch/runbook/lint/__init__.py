"""Rules over classified documents: what a runbook should not say, and the safer form (``hutch runbook lint``). Pure."""

from __future__ import annotations

from hutch.runbook.lint.catalogue import RULES
from hutch.runbook.lint.findings import Finding, Hit, Level, Rule
from hutch.runbook.lint.page import Place, Surroundings, place_of
from hutch.runbook.lint.run import Result, lint, selected

__all__ = [
    "RULES",
    "Finding",
    "Hit",
    "Level",
    "Place",
    "Result",
    "Rule",
    "Surroundings",
    "lint",
    "place_of",
    "selected",
]
