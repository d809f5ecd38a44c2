"""What a parsed statement (sqlglot's Postgres dialect) does: nodes allowed in a read, and the harm of the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from inspect import isfunction
from typing import Self

from sqlglot import Token, TokenType, exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, SqlglotError
from sqlglot.parsers.postgres import PostgresParser

from hutch.effect.persons import tell_of_persons
from hutch.model.effect import Effect, Verdict

_FALLBACK = "Falling back to parsing as a 'Command'"  # sqlglot's notice; such statements are judged by their words
logging.getLogger("sqlglot").addFilter(lambda record: _FALLBACK not in record.getMessage())

MOST_BRACKETS = 200
"""sqlglot takes time quadratic in subscripts that follow one another (``a[1][1]…``): 64 kB of them take 6 s."""

MOST_QUALIFIED = 100
"""The same of calls with a dot before the name (``(f(x)).g(x).h(x)…``): 64 kB of them take minutes, this many 0.2 s."""

_Judge = Callable[[exp.Expr], Verdict]

_READ_NODES: tuple[type[exp.Expr], ...] = (
    exp.Condition, exp.Query, exp.Table, exp.TableAlias, exp.Alias, exp.Aliases, exp.With, exp.CTE, exp.From,
    exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset, exp.Fetch, exp.Window,
    exp.WindowSpec, exp.Star, exp.Identifier, exp.Var, exp.DataType, exp.ObjectIdentifier, exp.DataTypeParam,
    exp.Lateral, exp.Distinct, exp.Values, exp.Tuple, exp.GroupingSets, exp.Cube, exp.Rollup, exp.Filter,
    exp.WithinGroup, exp.Interval, exp.IntervalSpan, exp.JSONPath, exp.JSONPathPart, exp.Collate, exp.Operator,
    exp.Variadic, exp.Kwarg, exp.Schema, exp.ColumnDef, exp.Placeholder, exp.Parameter, exp.LimitOptions, exp.PivotAny,
    exp.AtTimeZone, exp.TableSample,
)  # fmt: skip
_DENIED_NODES: tuple[type[exp.Expr], ...] = (exp.DML, exp.DDL, exp.Into, exp.Lock, exp.Command, exp.Set, exp.SetItem)


_POSTGRES = Dialect.get_or_raise("postgres")
PARSES = isfunction(PostgresParser._retreat)
"""Whether statements can be parsed at all: not where ``sqlglotc``, sqlglot compiled to machine code, is installed. That
cannot be bounded as below, and what is nested too deep ends the process there and not in an error."""

_STEPS_BACK = 40
"""How often the parser may go back for each token; what people write takes less than ten."""


class _Bounded(PostgresParser):
    """A parser that gives up instead of trying without end: ``from t join a join b …`` takes it 2 to the n steps."""

    def within(self, size: int) -> Self:
        """For a text of ``size`` tokens."""
        self.left = _STEPS_BACK * (size + 100)
        return self

    def _retreat(self, index: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise ParseError("too many ways to read it")
        super()._retreat(index)


def parse(text: str) -> exp.Expr | None:
    """The tree of one statement, or None when it cannot be read as exactly one."""
    if not PARSES or text.count("[") > MOST_BRACKETS:
        return None
    try:
        tokens = _POSTGRES.tokenize(text)
        if _qualified(tokens) > MOST_QUALIFIED:
            return None
        trees = _Bounded(dialect=_POSTGRES).within(len(tokens)).parse(tokens, text)
    except (SqlglotError, RecursionError, ValueError):
        return None
    return trees[0] if len(trees) == 1 else None


def _qualified(tokens: Sequence[Token]) -> int:
    """How many calls have a dot before their name."""
    kinds = [token.token_type for token in tokens]
    ahead = zip(kinds, kinds[2:], strict=False)
    return sum(1 for dot, paren in ahead if dot is TokenType.DOT and paren is TokenType.L_PAREN)


def stranger(tree: exp.Expr) -> str | None:
    """The first node kind in ``tree`` that a read may not have."""
    kinds = (type(node) for node in tree.walk())
    return next((kind.__name__ for kind in kinds if not _may_stand(kind)), None)  # type: ignore[arg-type]


@cache
def _may_stand(kind: type[exp.Expr]) -> bool:
    """Whether a read may have a node of this kind."""
    denied = issubclass(kind, _DENIED_NODES) and not issubclass(kind, exp.Query)
    return not denied and issubclass(kind, _READ_NODES)


def personal(tree: exp.Expr) -> bool:
    """Whether the rows that ``tree`` returns name persons or hold secrets; a column inside ``count(…)`` is a figure."""
    nodes = list(tree.walk())
    selects = (node for node in nodes if isinstance(node, exp.Select))
    shown = [column for select in selects for item in select.expressions for column in _shown(item)]
    return tell_of_persons(shown, [node.name for node in nodes if isinstance(node, exp.Table)])


def _shown(item: exp.Expr) -> list[str]:
    """The names of the columns that an item of a select list shows; ``*`` for all."""
    if isinstance(item, exp.Count | exp.Exists | exp.Subquery):
        return []
    if isinstance(item, exp.Column | exp.Star):
        return ["*" if isinstance(item, exp.Star) or isinstance(item.this, exp.Star) else item.name.lower()]
    if isinstance(item, exp.Dot):
        return ["*"]
    return [name for child in item.iter_expressions() for name in _shown(child)]


def written(tree: exp.Expr) -> list[Verdict]:
    """The harm of every writing node of ``tree``; empty when there is none that we know."""
    return [verdict for node in tree.walk() if (verdict := _harm(node)) is not None]


def _harm(node: exp.Expr) -> Verdict | None:
    judge = _judge_of(type(node))  # type: ignore[arg-type]  # mypy takes its instances' __hash__ for its own
    return judge(node) if judge else None


@cache
def _judge_of(kind: type[exp.Expr]) -> _Judge | None:
    return next((judge for known, judge in _judges().items() if issubclass(kind, known)), None)


@cache
def _judges() -> dict[type[exp.Expr], _Judge]:
    return {
        exp.Delete: _delete,
        exp.Update: _update,
        exp.Merge: _merge,
        exp.Insert: lambda _: _change("INSERT writes rows"),
        exp.TruncateTable: lambda _: _destroy("TRUNCATE removes every row"),
        exp.Alter: _alter,
        exp.Into: lambda _: _change("SELECT INTO makes a table"),
        exp.Lock: lambda _: _change("locks rows"),
    }


def _change(why: str) -> Verdict:
    return Verdict(Effect.CHANGE, why)


def _destroy(why: str) -> Verdict:
    return Verdict(Effect.DESTROY, why)


def _delete(node: exp.Expr) -> Verdict:
    where = node.args.get("where")
    if where is None:
        return _destroy("DELETE without WHERE removes every row")
    if _always(where.this):
        return _destroy("DELETE whose WHERE is always true removes every row")
    return _change("DELETE removes the rows that match")


def _update(node: exp.Expr) -> Verdict:
    if node.find_ancestor(exp.Merge):
        return _change("MERGE changes rows")
    where = node.args.get("where")
    if where is None or _always(where.this):
        return _destroy("UPDATE of every row overwrites what they held")
    return _change("UPDATE changes the rows that match")


def _merge(node: exp.Expr) -> Verdict:
    deletes = any("delete" in when.sql().lower() for when in node.find_all(exp.When))
    if deletes and (_always(node.args.get("on")) or any(w.args.get("source") for w in node.find_all(exp.When))):
        return _destroy("MERGE deletes the rows that the source does not name")
    return _change("MERGE changes rows")


def _alter(node: exp.Expr) -> Verdict:
    for action in node.args.get("actions") or []:
        if isinstance(action, exp.Drop) and action.args.get("kind") in ("COLUMN", None):
            return _destroy("ALTER … DROP COLUMN loses the column's data")
        using = action.args.get("using") if isinstance(action, exp.AlterColumn) else None
        if isinstance(using, exp.Expr) and _constant(using):
            return _destroy("ALTER … USING a constant overwrites the column's data")
    adds = [isinstance(action, exp.ColumnDef) for action in node.args.get("actions") or []]
    return _change("ALTER TABLE adds a column" if adds and all(adds) else "ALTER changes a definition")


def _always(condition: object) -> bool:
    """Whether a condition cannot tell rows apart: no column in it, or one compared with itself; or cannot be read."""
    if not isinstance(condition, exp.Expr):
        return True
    condition = condition.unnest()
    if isinstance(condition, exp.Or):
        return _always(condition.left) or _always(condition.right) or _complementary(condition)
    if isinstance(condition, exp.And):
        return _always(condition.left) and _always(condition.right)
    if isinstance(condition, exp.EQ | exp.GTE | exp.LTE | exp.Like | exp.NullSafeEQ):
        return _constant(condition) or condition.left == condition.right or _matches_all(condition)
    if isinstance(condition, exp.Is) and condition.args.get("negate"):
        return str(condition.this.name).lower() == "id" or _constant(condition)  # a key is never null
    return _constant(condition)


def _complementary(condition: exp.Or) -> bool:
    left, right = condition.left.unnest(), condition.right.unnest()
    return any(isinstance(a, exp.Not) and a.this.unnest() == b for a, b in ((left, right), (right, left)))


def _matches_all(condition: exp.Expr) -> bool:
    pattern = condition.args.get("expression")
    return isinstance(condition, exp.Like) and isinstance(pattern, exp.Literal) and set(pattern.name) == {"%"}


def _constant(node: exp.Expr) -> bool:
    return node.find(exp.Column) is None and node.find(exp.Subquery, exp.Select) is None
