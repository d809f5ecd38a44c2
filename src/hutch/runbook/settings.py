"""What the lines of a shell block set for the lines after them, as far as a reader of the document can tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hutch.model.runbook import Statement, Step
from hutch.runbook.placeholders import SHELLS
from hutch.runbook.shell_words import commands

_ASSIGNED = re.compile(r"(?:^|\s)(?P<name>[A-Za-z_]\w*)\+?=")
_MAY_SET = re.compile(r"=|\b(?:for|select|read|mapfile|readarray)\b")
_LOOPED = re.compile(r"\b(?:for|select)\s+(?P<name>[A-Za-z_]\w*)")
_READ = frozenset({"read", "mapfile", "readarray"})
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a variable is set; ``lasts``: for every later line of the block too, not for that statement alone."""

    line: int
    lasts: bool


def settings(step: Step) -> Iterator[tuple[Statement, Mapping[str, Setting]]]:
    """Each statement with the variables that the lines before it in its block set."""
    so_far: dict[str, Setting] = {}
    for one in step.statements:
        yield one, dict(so_far)
        if step.lang in SHELLS and one is not step.statements[-1] and _MAY_SET.search(one.text):
            so_far |= {name: Setting(one.line, lasts) for name, lasts in _set_by(one.text)}


def _set_by(text: str) -> Iterator[tuple[str, bool]]:
    found = [c for c in commands(text) if not _within(text, c.start)]
    if all(command.program == "export" for command in found):
        yield from ((match["name"], True) for match in _ASSIGNED.finditer(text))
    yield from ((match["name"], False) for match in _LOOPED.finditer(text))
    for command in found:
        if command.program in _READ:
            yield from ((word, False) for word in command.values()[1:] if _NAME.fullmatch(word))


def _within(text: str, start: int) -> bool:
    """Whether a command stands in a substitution: what is set is set by the line around it."""
    return text[:start].rstrip(" ").endswith(("$(", "`", "<("))
