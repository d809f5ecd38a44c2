"""Whether the tokens of a query can only read: every call, type and operator in them is known.

This looks at tokens alone, by Postgres' own lexical rules, so that no difference between two parsers
can hide a call. :mod:`hutch.effect.sqltree` looks at the same text as a tree; both must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hutch.effect.functions import reads, verdict_of
from hutch.effect.sqlwords import Token
from hutch.effect.tables import words
from hutch.model.effect import Effect, Verdict, worst

_OPENERS = ("select", "with", "table", "values", "(")
_CTE_STARTS = frozenset({"select", "with", "table", "("})
_END = Token("mark", "", 0, 0)


def harms(found: Sequence[Token], planned_only: bool = False) -> Verdict | None:
    """The worst thing that these tokens do beyond reading, or None when they only read.

    ``planned_only`` is for what ``EXPLAIN`` without ``ANALYZE`` plans: its writing words do not count.
    """
    rules = (_calls, _types, _operators) if planned_only else (_calls, _writes, _types, _operators)
    seen = [verdict for rule in rules for verdict in rule(found)]
    return worst(seen) if seen else None


def _change(why: str) -> Verdict:
    return Verdict(Effect.CHANGE, why)


def _at(found: Sequence[Token], i: int) -> Token:
    return found[i] if 0 <= i < len(found) else _END


def _writes(found: Sequence[Token]) -> Iterator[Verdict]:
    if found[0].text not in _OPENERS:
        yield _change(f"begins with {found[0].text.upper()}, which is not known to only read")
    writing = words("sql", "writing")
    for i, token in enumerate(found):
        if token.text in writing and token.kind == "name" and _at(found, i - 1).text != ".":
            yield _change(f"holds {token.text.upper()}, which does more than read")
        if token.text == "for" and _at(found, i + 1).text in ("update", "share", "no", "key"):
            yield _change(f"locks rows: FOR {_at(found, i + 1).text.upper()}")


def _calls(found: Sequence[Token]) -> Iterator[Verdict]:
    pairs = _pairs(found)
    for i, token in enumerate(found[:-1]):
        following = found[i + 1]
        if following.text != "(" or following.kind != "mark":
            continue
        if token.kind == "quoted":
            yield _change(f"calls {token.text}, a quoted name")
        elif token.kind == "name" and not _known_before_paren(found, i, pairs):
            yield verdict_of(token.text) if not _foreign(found, i) else _change(f"calls {_full(found, i)}")


def _known_before_paren(found: Sequence[Token], i: int, pairs: Mapping[int, int]) -> bool:
    if _foreign(found, i):
        return False
    name = found[i].text
    if _at(found, i - 1).text == "tablesample":
        return name in ("bernoulli", "system")
    return name in words("sql", "before_paren") or reads(name) or _is_alias(found, i, pairs)


def _is_alias(found: Sequence[Token], i: int, pairs: Mapping[int, int]) -> bool:
    """Whether the name before ``(`` names columns: ``) g(x)``, ``AS g(x)``, ``WITH g(x) AS (SELECT …``."""
    before = _at(found, i - 1)
    if before.text == "as" and before.kind == "name":
        return True
    if before.text == ")" and before.kind == "mark":
        return not _ends_distinct_on(found, pairs.get(i - 1))
    if before.text not in ("with", "recursive", ","):
        return False
    return _common_table(found, pairs.get(i + 1, len(found)))


def _ends_distinct_on(found: Sequence[Token], opening: int | None) -> bool:
    if opening is None:
        return True
    return _at(found, opening - 1).text == "on" and _at(found, opening - 2).text == "distinct"


def _common_table(found: Sequence[Token], close: int) -> bool:
    """Whether ``AS [NOT MATERIALIZED] (`` and a query follow: a list of columns begins otherwise."""
    at = close + 1
    if _at(found, at).text != "as":
        return False
    at += 1
    while _at(found, at).text in ("not", "materialized"):
        at += 1
    first, second = _at(found, at + 1).text, _at(found, at + 2).text
    return _at(found, at).text == "(" and (first in _CTE_STARTS or (first == "values" and second == "("))


def _pairs(found: Sequence[Token]) -> dict[int, int]:
    """Where the partner of each parenthesis stands."""
    pairs: dict[int, int] = {}
    opened: list[int] = []
    for i, token in enumerate(found):
        if token.kind != "mark":
            continue
        if token.text == "(":
            opened.append(i)
        elif token.text == ")" and opened:
            pairs[i] = opened.pop()
            pairs[pairs[i]] = i
    return pairs


def _foreign(found: Sequence[Token], i: int) -> bool:
    """Whether the name is qualified by anything but ``pg_catalog``."""
    if _at(found, i - 1).text != ".":
        return False
    return _at(found, i - 2).text != "pg_catalog" or _at(found, i - 3).text == "."


def _full(found: Sequence[Token], i: int) -> str:
    return f"{_at(found, i - 2).text}.{found[i].text}, which is not one of Postgres' own functions"


def _types(found: Sequence[Token]) -> Iterator[Verdict]:
    openers: list[str] = []
    for i, token in enumerate(found):
        kind, text = token.kind, token.text
        if text == "(" and kind == "mark":
            openers.append(_at(found, i - 1).text)
        elif text == ")" and kind == "mark" and openers:
            openers.pop()
        elif (text == "::" or (text == "as" and openers[-1:] == ["cast"])) and not _builtin(found, i + 1):
            yield _change(f"casts to {_at(found, i + 1).text}, a type that is not built in")
        elif kind == "string" and i and not _may_precede_string(found, i - 1):
            yield _change(f"reads a literal as {found[i - 1].text}, a type that is not built in")


def _builtin(found: Sequence[Token], i: int) -> bool:
    if _at(found, i).text == "pg_catalog" and _at(found, i + 1).text == ".":
        i += 2
    token = _at(found, i)
    known = token.text in words("sql", "types") if token.kind == "name" else token.text == '"char"'
    return known and _at(found, i + 1).text != "."


def _may_precede_string(found: Sequence[Token], i: int) -> bool:
    token = found[i]
    if token.kind == "quoted":
        return False
    if token.kind != "name":
        return True
    known = token.text in words("sql", "before_string") or token.text in words("sql", "types")
    return known and not _foreign(found, i)


def _operators(found: Sequence[Token]) -> Iterator[Verdict]:
    known = words("sql", "operators")
    for i, token in enumerate(found):
        if token.kind == "op" and token.text not in known:
            yield _change(f"uses the operator {token.text}, which is not built in")
        if token.text == "operator" and _at(found, i + 1).text == "(" and _at(found, i + 2).text != "pg_catalog":
            yield _change("uses an operator of another schema")
