"""Where the values of a statement came from, and what its names stand for: for showing."""

from __future__ import annotations

from collections.abc import Iterator

from hutch.commands.calls import wanted
from hutch.commands.situation import Situation
from hutch.model.runbook import Filled, Placeholder, Statement
from hutch.runbook.bind import AS_IS, TEXT, Bound, bind
from hutch.runbook.errors import RunbookError
from hutch.runbook.values import fill


def origins(lang: str, statement: Statement, situation: Situation) -> tuple[tuple[Filled, ...], tuple[str, ...]]:
    """Each placeholder with its value and source, and each name that something else stands for."""
    if statement.action:
        names = sorted(wanted(statement.action))
        return fill([Placeholder(n, n, 0, 0) for n in names], situation.sources), ()
    try:
        binding = bind(statement, lang, situation.table)
    except RunbookError:  # a binding that cannot stand there: the statement is refused, with the reason
        return fill(statement.placeholders, situation.sources), ()
    stands = tuple(dict.fromkeys(_stands(binding.bound)))
    return fill(binding.statement.placeholders, situation.sources), stands


def _stands(bound: tuple[Bound, ...]) -> Iterator[str]:
    """What is reached as it is written says nothing new."""
    for one in bound:
        if one.value.startswith(TEXT):
            yield f"{one.key} → a supplied file"
        elif one.value != AS_IS:
            yield one.shown
