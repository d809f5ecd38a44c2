"""What code from before a migration can't live with: a table or column that is gone, renamed or of another type, and
one that must now be filled. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hutch.providers.migrations.declared import Key, Op
from hutch.providers.migrations.files import File, Step
from hutch.providers.migrations.words import Reader

READ = frozenset({"table", "column", "schema", "type", "view", "sequence", "function", "value"})
"""Kinds that code names; one that is gone or renamed breaks it."""


@dataclass(frozen=True, slots=True)
class Breaking:
    """One applied migration that breaks older code, and by what."""

    version: str
    name: str
    why: tuple[str, ...]


def breaking(applied: Sequence[File]) -> list[Breaking]:
    """Those of some migrations, in their order, that break code from before the first of them.

    What they made themselves such code never used, and what was made again stands.
    """
    found: list[Breaking] = []
    made: set[Key] = set()
    for number, file in enumerate(applied):
        later = {op.key for _, op in _after(applied, number) if op.verb == "make"}
        why: list[str] = []
        for step in file.steps:
            why += _broken(step, made, later)
            made |= {op.key for op in step.ops if op.verb == "make"}
        if why:
            found.append(Breaking(file.version, file.name, tuple(dict.fromkeys(why))))
    return found


def _after(applied: Sequence[File], number: int) -> list[tuple[int, Op]]:
    return [op for file in applied[number:] for op in file.operations]


def _broken(step: Step, made: set[Key], later: set[Key]) -> list[str]:
    """What one statement takes from older code."""
    ours = {key.name for key in made if key.kind == "table"}
    theirs = [op for op in step.ops if op.key not in made and op.key.name not in ours]
    said = [_word(op, later) for op in theirs] + [_unfilled(step, op) for op in theirs]
    table = _retyped(step)
    return [word for word in (*said, f"changes a column's type in {table}" if table not in {"", *ours} else "") if word]


def _retyped(step: Step) -> str:
    """The table of which a column gets another type."""
    if step.statement is None or not any(word.upper == "TYPE" for word in step.statement.words):
        return ""
    reader = Reader(step.statement)
    if not reader.take("ALTER", "TABLE"):
        return ""
    reader.take("IF", "EXISTS")
    reader.take("ONLY")
    return reader.path()


def _word(op: Op, later: set[Key]) -> str:
    if op.verb == "drop" and op.key.kind in READ and op.key not in later:
        return f"drops {op.key}"
    if op.verb == "rename" and op.key.kind in READ:
        return f"renames {op.key}"
    return f"requires {op.key.name}.{op.key.part}" if op.verb == "make" and op.key.kind == "not null" else ""


def _unfilled(step: Step, op: Op) -> str:
    """A new column that has to be filled, and that no default fills."""
    if op.verb != "make" or op.key.kind != "column" or op.inner or step.statement is None or op.span == (0, 0):
        return ""
    words = [word.upper for word in step.statement.words[slice(*op.span)]]
    must = any(pair == ("NOT", "NULL") for pair in pairwise(words))
    filled = {"DEFAULT", "GENERATED", "SERIAL", "BIGSERIAL", "SMALLSERIAL"} & set(words)
    return f"requires {op.key.name}.{op.key.part}" if must and not filled else ""
