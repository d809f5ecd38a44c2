"""The conditions in a program's file (see :mod:`hutch.effect.specs`): whether one holds for a command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from hutch.effect.arguments import Flag, Parsed, Stdin
from hutch.effect.specs import Spec
from hutch.effect.words import OPAQUE, Word

_OFF = frozenset({"false", "f", "0", "no", "n", "off", "none"})


def endless(parsed: Parsed, runs_endless: bool, stdin: Stdin) -> bool:
    """``runs_endless``: what it runs goes on without end; as it does itself while its input does."""
    if _either(parsed, lambda spec: spec.ends):
        return False
    return runs_endless or stdin.endless or _either(parsed, lambda spec: spec.endless)


def _either(parsed: Parsed, conditions: Callable[[Spec], Sequence[str]]) -> bool:
    """Whether a condition of the program holds, or one of its subcommand."""
    rooted = conditions(parsed.root)
    if rooted and any(_holds(condition, parsed.operands, parsed.flags) for condition in rooted):
        return True
    return holds(conditions(parsed.spec), parsed)


def holds(conditions: Sequence[str], parsed: Parsed) -> bool:
    """Whether one of a subcommand's conditions holds; its flags stand after it."""
    if not conditions:
        return False
    own = [flag for flag in parsed.flags if flag.depth >= len(parsed.chain)]
    return any(_holds(condition, parsed.operands, own) for condition in conditions)


def _holds(condition: str, operands: Sequence[Word], flags: Sequence[Flag]) -> bool:
    if condition == "always":
        return True
    if condition == "*":
        return bool(operands)
    if condition == "#":
        return sum(word.text.isdigit() for word in operands) == 1
    if condition.startswith("@"):
        values = [flag.value for flag in flags if flag.value is not None]
        return any(fnmatchcase(word.text, condition[1:]) for word in (*operands, *values))
    return _given(condition, flags)


def _given(condition: str, flags: Sequence[Flag]) -> bool:
    """Whether the flag was given, each time with the value that the condition names, and never switched off."""
    name, equals, pattern = condition.partition("=")
    values = [flag.value.text if flag.value else "" for flag in flags if flag.name == name]
    if equals:
        return bool(values) and all(fnmatchcase(value, pattern) for value in values)
    return bool(values) and all(OPAQUE not in value and value.lower() not in _OFF for value in values)
