"""What a rule is, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hutch.runbook.lint.page import Page


class Level(StrEnum):
    """How bad: an error fails or harms when the document is followed, a warning makes following it worse."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Hit:
    """One place where a rule is broken: what is wrong and what to do, and the safer form where there is one.

    Neither text ever holds a secret of the document.
    """

    line: int
    message: str
    safer: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its stable code. A ``general`` one is silent where a rule of its own, no milder,
    speaks of the same line."""

    code: str
    name: str
    level: Level
    summary: str
    check: Callable[[Page], Iterable[Hit]]
    general: bool = False

    @property
    def page(self) -> str:
        """Its page, relative to the folder ``docs``."""
        return f"reference/lint/{self.code}.md"


@dataclass(frozen=True, slots=True)
class Finding:
    """A hit of a rule in the document ``source``; ``line`` counts from 1."""

    rule: Rule
    source: str
    line: int
    message: str
    safer: str = ""
