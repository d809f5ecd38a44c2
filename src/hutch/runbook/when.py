"""``hutch.when``: a small language of conditions over captured and incident values. Nothing is ever evaluated as code.

``state == "open"`` · ``replicas > 2 and severity != "SEV-4"`` · ``not (lag < 10 or role == 'primary')``. Names are
placeholder names (``previous-version`` or ``PREVIOUS_VERSION``). Both sides as numbers where both are numbers
(``80%`` is 80), else as text; ``<`` ``<=`` ``>`` ``>=`` need numbers.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hutch.runbook.errors import RunbookError
from hutch.runbook.placeholders import normal

LONGEST = 500
"""Characters of a condition."""

DEEPEST = 20
"""Levels of parentheses and ``not``."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"[^"]*"|'[^']*')|(?P<number>-?\d+(?:\.\d+)?)%?(?![\w.])|(?P<op>==|!=|>=|<=|>|<)
    |(?P<paren>[()])|(?P<name>[A-Za-z_][\w.-]*))""",
    re.VERBOSE,
)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le,
}  # fmt: skip
_WORDS = frozenset({"and", "or", "not"})
_EXAMPLE = "write comparisons joined by and, or, not: state == 'open' and lag > 5"


@dataclass(frozen=True, slots=True)
class Operand:
    """A name (its key) or a literal."""

    text: str
    name: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """``left op right``."""

    left: Operand
    op: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Join:
    """All (``and``) or any (``or``) of the parts."""

    word: str
    parts: tuple[Condition, ...]


Condition = Compare | Not | Join


def parse(text: str, line: int = 0) -> Condition:
    """The condition of ``text``. Raises :class:`RunbookError` saying what is wrong and where in it."""
    return _Reader(text, line).whole()


def names(condition: Condition) -> frozenset[str]:
    """The keys of the values that it asks for."""
    match condition:
        case Compare(left, _, right):
            return frozenset(side.text for side in (left, right) if side.name)
        case Not(inner):
            return names(inner)
        case Join(_, parts):
            return frozenset[str]().union(*(names(part) for part in parts))


def holds(condition: Condition, values: Mapping[str, str]) -> bool:
    """Whether it holds for ``values`` by placeholder name.

    Raises :class:`RunbookError` for a name without a value and for text where a number is needed, unless an earlier
    part of an ``and`` or ``or`` has decided.
    """
    match condition:
        case Not(inner):
            return not holds(inner, values)
        case Join(word, parts):
            return (all if word == "and" else any)(holds(part, values) for part in parts)
        case Compare(left, op, right):
            return _compare(_value(left, values), op, _value(right, values))


def _value(side: Operand, values: Mapping[str, str]) -> str:
    if not side.name:
        return side.text
    if side.text not in values:
        known = ", ".join(sorted(values)) or "none"
        raise RunbookError(f"hutch.when asks for {side.text!r}, which has no value; known here: {known}")
    return values[side.text].strip()


def _compare(left: str, op: str, right: str) -> bool:
    one, other = _number(left), _number(right)
    if one is not None and other is not None:
        return _COMPARE[op](one, other)
    if op in {"==", "!="}:
        return (left == right) is (op == "==")
    odd = left if one is None else right
    raise RunbookError(f"hutch.when compares {odd[:40]!r} by {op}, which needs numbers; compare text by == or !=")


def _number(text: str) -> float | None:
    if len(text) > 40 or not re.fullmatch(r"-?\d+(?:\.\d+)?%?", text, re.ASCII):
        return None
    found = float(text.rstrip("%"))
    return found if math.isfinite(found) else None


class _Reader:
    """Reads one condition from left to right: ``or`` binds least, then ``and``, then ``not``."""

    def __init__(self, text: str, line: int) -> None:
        self.text, self.line = text, line
        self.at, self.depth = 0, 0
        self.kind, self.word = "", ""

    def whole(self) -> Condition:
        if len(self.text) > LONGEST:
            raise self._wrong(f"is longer than {LONGEST} characters")
        self._next()
        found = self._joined("or")
        if self.kind:
            raise self._wrong(f"has {self.word!r} left over")
        return found

    def _next(self) -> None:
        rest = self.text[self.at :]
        found = _TOKEN.match(rest)
        if not rest.strip():
            self.kind = self.word = ""
            return
        if found is None:
            raise self._wrong(f"cannot be read at {rest.strip()[:20]!r}")
        self.kind, self.word = found.lastgroup or "", found[found.lastgroup or 0]
        if self.kind == "name" and self.word.lower() in _WORDS:
            self.kind = self.word = self.word.lower()
        self.at += found.end()

    def _joined(self, word: str) -> Condition:
        read = self._one if word == "and" else lambda: self._joined("and")
        parts = [read()]
        while self.kind == word:
            self._next()
            parts.append(read())
        return parts[0] if len(parts) == 1 else Join(word, tuple(parts))

    def _one(self) -> Condition:
        if self.kind != "not" and self.word != "(":
            return self._comparison()
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._wrong("is nested too deep")
        found = self._group() if self.kind == "paren" else self._negated()
        self.depth -= 1
        return found

    def _negated(self) -> Condition:
        self._next()
        return Not(self._one())

    def _group(self) -> Condition:
        self._next()
        found = self._joined("or")
        if self.kind != "paren" or self.word != ")":
            raise self._wrong("has a '(' that is not closed")
        self._next()
        return found

    def _comparison(self) -> Condition:
        left = self._operand()
        if self.kind != "op":
            raise self._wrong(f"compares {left.text!r} with nothing")
        op = self.word
        self._next()
        return Compare(left, op, self._operand())

    def _operand(self) -> Operand:
        kind, word = self.kind, self.word
        if kind not in {"text", "number", "name"}:
            raise self._wrong(f"has {word!r} where a name or a value must stand" if word else "ends too early")
        self._next()
        if kind == "name":
            return Operand(normal(word), name=True)
        return Operand(word[1:-1] if kind == "text" else word)

    def _wrong(self, what: str) -> RunbookError:
        return RunbookError(f"hutch.when {what}; {_EXAMPLE}", self.line)
