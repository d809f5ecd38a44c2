"""Alembic's scripts, read and never run: revisions, what comes before what, and the operations that are plain to see.

What stands in an ``if``, a loop or a ``try`` may not have run, and so proves nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hutch.providers.migrations.declared import Key, Op, loses, operations
from hutch.providers.migrations.files import File, Step
from hutch.providers.migrations.words import Unreadable, quoted, statements

_REVISION = re.compile(r"[A-Za-z0-9_][\w.-]{0,99}")
_MAYBE = (ast.If, ast.For, ast.While, ast.Try, ast.IfExp)
_LOSING = {"drop_table": "drops a table", "drop_column": "drops a column"}


def script(stem: str, text: str, problem: str = "") -> File | None:
    """One script; None where it is none of Alembic's. A script that is no Python is told by its file name."""
    if problem:
        return File(stem, "", language="python", problem=problem)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return File(stem[:100], "", language="python", problem="it is no Python that can be read: is the file cut off?")
    said = dict(_assigned(tree))
    revision = said.get("revision")
    if not isinstance(revision, str) or not _REVISION.fullmatch(revision):
        return None
    bodies = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    return File(
        revision,
        stem.removeprefix(revision).strip("_-"),
        language="python",
        parents=tuple(_parents(said.get("down_revision"))),
        given=tuple(_steps(bodies.get("upgrade"))),
        given_down=tuple(_steps(bodies.get("downgrade"))),
    )


def in_order(files: Sequence[File]) -> list[File]:
    """Parents first, else by name; scripts that wait for a parent that is not there, or for each other, come last."""
    known = {file.version for file in files}
    left = sorted(files, key=lambda f: (f.name, f.version))
    done: set[str] = set()
    found: list[File] = []
    while left:
        ready = [f for f in left if all(p in done or p not in known for p in f.parents)]
        found += ready or left
        done |= {f.version for f in ready or left}
        left = [f for f in left if f.version not in done]
    return found


def ancestors(files: Sequence[File], heads: Sequence[str]) -> set[str]:
    """The versions ``heads`` and all that come before them."""
    parents = {f.version: f.parents for f in files}
    found: set[str] = set()
    left = list(heads)
    while left:
        version = left.pop()
        if version not in found:
            found.add(version)
            left += parents.get(version, ())
    return found


def _assigned(tree: ast.Module) -> Iterator[tuple[str, object]]:
    """The module's plain names with their literal values."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(target, ast.Name) and value is not None:
            try:
                yield target.id, ast.literal_eval(value)
            except (ValueError, TypeError, RecursionError):
                continue


def _parents(said: object) -> Iterator[str]:
    for one in (said,) if isinstance(said, str) else said if isinstance(said, tuple | list) else ():
        if isinstance(one, str):
            yield one


# ------------------------------------------------------------------ operations


def _steps(body: ast.FunctionDef | None) -> Iterator[Step]:
    for call, table, maybe in _calls(body.body, "", False) if body else ():
        text = " ".join(ast.unparse(call).split())
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name == "execute":
            yield from _executed(call, text, maybe)
            continue
        known = _OPERATIONS[name](_Call(call, table)) if name in _OPERATIONS else ()
        ops = tuple(replace(op, unsure=op.unsure or maybe) for op in known if op.key.whole)
        yield Step(text, ops, _LOSING.get(name, ""))


def _calls(body: Sequence[ast.stmt], table: str, maybe: bool) -> Iterator[tuple[ast.Call, str, bool]]:
    """Calls of ``op.…`` and, inside ``with op.batch_alter_table("t") as batch``, of ``batch.…``."""
    for node in body:
        if isinstance(node, ast.With):
            opened = node.items[0].context_expr
            batch = isinstance(opened, ast.Call) and "batch_alter_table" in ast.unparse(opened.func)
            name = _text(opened.args[0]) if batch and isinstance(opened, ast.Call) and opened.args else ""
            yield from _calls(node.body, quoted(name) if name else table, maybe)
        elif isinstance(node, _MAYBE):
            inner = [s for field in ("body", "orelse", "finalbody") for s in getattr(node, field, ())]
            yield from _calls([s for s in inner if isinstance(s, ast.stmt)], table, True)
        elif isinstance(node, ast.Expr | ast.Assign) and isinstance(node.value, ast.Call):
            func = node.value.func
            root = func.value if isinstance(func, ast.Attribute) else None
            if isinstance(root, ast.Name):
                yield node.value, table if root.id != "op" else "", maybe


def _executed(call: ast.Call, text: str, maybe: bool) -> Iterator[Step]:
    """SQL that is written out; anything else can't be told."""
    given = call.args[0] if call.args else None
    inner = given.args[0] if isinstance(given, ast.Call) and given.args else given
    try:
        found = statements(_text(inner))
    except Unreadable:
        found = ()
    for statement in found:
        ops = tuple(replace(op, unsure=op.unsure or maybe) for op in operations(statement))
        yield Step(statement.bare(), ops, loses(statement), statement)
    if not found:
        yield Step(text, (), "runs code that can't be told")


@dataclass(frozen=True, slots=True)
class _Call:
    """An operation's arguments; in a batch the table is said once, before."""

    call: ast.Call
    table: str

    def said(self, keyword: str) -> object:
        """The value of a keyword argument."""
        return next((k.value for k in self.call.keywords if k.arg == keyword), None)

    def at(self, index: int) -> object:
        """A positional argument."""
        return self.call.args[index] if len(self.call.args) > index else None

    def text(self, index: int) -> str:
        """A positional argument that is a name."""
        return quoted(_text(self.at(index)))

    def path(self, name: str) -> str:
        """A name in the schema that the call says."""
        schema = quoted(_text(self.said("schema")))
        return f"{schema}.{name}" if schema and name else name

    def of_table(self) -> tuple[str, int]:
        """The table whose part it is about, and where the next argument stands."""
        return (self.table, 0) if self.table else (self.path(self.text(0)), 1)

    def constraint(self) -> Key:
        """The table comes behind the name."""
        return Key("constraint", self.table or self.path(self.text(1)), self.text(0))

    @property
    def unsure(self) -> bool:
        """``if_exists`` or ``if_not_exists``."""
        return any(getattr(self.said(k), "value", None) is True for k in ("if_not_exists", "if_exists"))


def _create_table(c: _Call) -> Iterator[Op]:
    table = c.path(c.text(0))
    yield Op("make", Key("table", table), unsure=c.unsure)
    columns = (a for a in c.call.args[1:] if isinstance(a, ast.Call) and ast.unparse(a.func).endswith("Column"))
    yield from (Op("make", Key("column", table, _column(a)), unsure=c.unsure, inner=True) for a in columns)


def _drop_table(c: _Call) -> Iterator[Op]:
    yield Op("drop", Key("table", c.path(c.text(0))), unsure=c.unsure)


def _rename_table(c: _Call) -> Iterator[Op]:
    yield Op("rename", Key("table", c.path(c.text(0))), c.text(1))


def _add_column(c: _Call) -> Iterator[Op]:
    table, next_ = c.of_table()
    yield Op("make", Key("column", table, _column(c.at(next_))), unsure=c.unsure)


def _drop_column(c: _Call) -> Iterator[Op]:
    table, next_ = c.of_table()
    yield Op("drop", Key("column", table, c.text(next_)), unsure=c.unsure)


def _alter_column(c: _Call) -> Iterator[Op]:
    table, next_ = c.of_table()
    if new := _text(c.said("new_column_name")):
        yield Op("rename", Key("column", table, c.text(next_)), quoted(new))


def _create_index(c: _Call) -> Iterator[Op]:
    yield Op("make", Key("index", c.path(c.text(0))), on=c.table or c.path(c.text(1)), unsure=c.unsure)


def _drop_index(c: _Call) -> Iterator[Op]:
    yield Op("drop", Key("index", c.path(c.text(0))), unsure=c.unsure)


def _create_constraint(c: _Call) -> Iterator[Op]:
    yield Op("make", c.constraint())


def _drop_constraint(c: _Call) -> Iterator[Op]:
    yield Op("drop", c.constraint(), unsure=c.unsure)


_OPERATIONS: Mapping[str, Callable[[_Call], Iterator[Op]]] = {
    "create_table": _create_table,
    "drop_table": _drop_table,
    "rename_table": _rename_table,
    "add_column": _add_column,
    "drop_column": _drop_column,
    "alter_column": _alter_column,
    "create_index": _create_index,
    "drop_index": _drop_index,
    "create_unique_constraint": _create_constraint,
    "create_foreign_key": _create_constraint,
    "create_check_constraint": _create_constraint,
    "create_primary_key": _create_constraint,
    "create_exclude_constraint": _create_constraint,
    "drop_constraint": _drop_constraint,
}


def _column(node: object) -> str:
    return quoted(_text(node.args[0])) if isinstance(node, ast.Call) and node.args else ""


def _text(node: object) -> str:
    """A literal text, also as ``op.f("…")``; empty for anything else."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "f" and node.args:
        node = node.args[0]
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
