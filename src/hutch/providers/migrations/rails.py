"""Rails' migrations, read and never run: the declarative calls of ``change``, ``up`` and ``down``.

What stands in an ``if``, a loop or behind a condition may not have run, and so proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hutch.providers.migrations.declared import loses, operations
from hutch.providers.migrations.files import File, Step
from hutch.providers.migrations.rails_calls import Untold, join_table, text_of, told
from hutch.providers.migrations.ruby import UNKNOWN, Call, Line, call, lines
from hutch.providers.migrations.words import Unreadable, statements

UNTOLD = "runs code that can't be told"
_LOSING = {"drop_table": "drops a table"}
_LOSING |= dict.fromkeys(("remove_column", "remove_columns", "remove_reference", "remove_timestamps"), "drops a column")
_OPENERS = frozenset({"if", "unless", "while", "until", "for", "case", "begin"})
_BETWEEN = frozenset({"else", "elsif", "when", "in", "rescue", "ensure"})
_WAYS = {"change": "up", "up": "up", "down": "down"}
_PLAIN_BLOCKS = frozenset({"up_only", "safety_assured", "say_with_time", "suppress_messages", "transaction"})
_NOTHING = frozenset({"say", "change_column_default", "change_column_comment", "change_table_comment", "puts"})


@dataclass(slots=True)
class _Scope:
    """A block that is open: ``way`` up, down or empty; the table that it is about, and its parameter."""

    way: str = ""
    maybe: bool = False
    table: str = ""
    parameter: str = ""
    fresh: bool = False


@dataclass(slots=True)
class _Walk:
    """What was read so far."""

    scopes: list[_Scope] = field(default_factory=list)
    ways: dict[str, list[Step]] = field(default_factory=lambda: {"up": [], "down": []})
    alone: bool = False


def script(version: str, name: str, text: str, problem: str = "") -> File:
    """One migration of Rails."""
    walk = _Walk()
    try:
        for line in () if problem else lines(text):
            _line(walk, line)
        if walk.scopes:
            raise Unreadable("a block is opened and never ends: is the file cut off?")
    except Unreadable as error:
        problem, walk = str(error), _Walk()
    return File(
        version, name, language="ruby", problem=problem, transactional=not walk.alone,
        given=tuple(walk.ways["up"]), given_down=tuple(walk.ways["down"]),
    )  # fmt: skip


def _line(walk: _Walk, line: Line) -> None:
    first = line[0].said
    now = walk.scopes[-1] if walk.scopes else _Scope()
    if first == "end":
        if not walk.scopes:
            raise Unreadable("an `end` ends nothing")
        walk.scopes.pop()
    elif first in ("class", "module"):
        walk.scopes.append(_Scope())
    elif first == "def":
        walk.scopes.append(_Scope(way=_WAYS.get(line[1].said if len(line) > 1 else "", "")))
    elif first in _OPENERS or any(w.kind == "word" and w.said in ("if", "unless", "case", "begin") and
                                  line[at].said == "=" for at, w in enumerate(line[1:])):  # fmt: skip
        walk.scopes.append(replace(now, maybe=True))
    elif first not in _BETWEEN:
        _called(walk, now, line)


def _called(walk: _Walk, now: _Scope, line: Line) -> None:
    found = call(line)
    opens = any(w.kind == "word" and w.said == "do" for w in line)
    if found and found.name == "disable_ddl_transaction!":
        walk.alone = True
    if not now.way:
        walk.scopes += [replace(now)] if opens else []
        return
    inner = _inner(found, now) if found else None
    if not (found and inner and not found.maybe and found.name not in ("create_table", "create_join_table")):
        walk.ways[now.way] += _step(found, now, line)
    if opens:
        walk.scopes.append(inner or replace(now, maybe=True, table="", parameter=""))


def _inner(found: Call, now: _Scope) -> _Scope | None:
    """The block that the call opens, where it is one that we know."""
    if found.block is None:
        return None
    if found.name in ("create_table", "change_table", "create_join_table"):
        return _table_block(found, now)
    if found.name == "reversible":
        return replace(now, parameter=found.block, table="")
    if found.receiver and found.receiver == now.parameter and not now.table and found.name in ("up", "down"):
        return replace(now, way=found.name if now.way == "up" else now.way, parameter="")
    return replace(now) if found.name in _PLAIN_BLOCKS else None


def _table_block(found: Call, now: _Scope) -> _Scope | None:
    try:
        table = join_table(found) if found.name == "create_join_table" else text_of(found.args[:1])
    except Untold:
        return None
    maybe = now.maybe or any(found.named.get(name) for name in ("if_not_exists", "force"))
    return replace(now, table=table, parameter=found.block or "", fresh=found.name != "change_table", maybe=maybe)


# ------------------------------------------------------------------ one call


def _step(found: Call | None, now: _Scope, line: Line) -> Iterator[Step]:
    text = _shown(line)
    maybe = now.maybe or (found is not None and found.maybe)
    if found is None or found.name in _NOTHING:
        yield Step(text, (), "" if found else UNTOLD)
    elif found.name == "execute" and not found.receiver:
        yield from _executed(found, text, maybe)
    else:
        try:
            name, ops = told(found, now.table, now.parameter, fresh=now.fresh)
        except Untold:
            yield Step(text, (), UNTOLD)
            return
        kept = tuple(replace(op, unsure=op.unsure or maybe) for op in ops if op.key.whole)
        yield Step(text, kept, _LOSING.get(name, ""))


def _shown(line: Line) -> str:
    """On one line, as a person writes it."""
    text = re.sub(r" (?=[,.)\]])|(?<=[.(\[]) ", "", " ".join(w.said for w in line))
    return re.sub(r"(?<=\w) \(", "(", re.sub(r"\| (.*?) \|", r"|\1|", text))


def _executed(found: Call, text: str, maybe: bool) -> Iterator[Step]:
    """SQL that is written out; anything else can't be told."""
    given = found.args[0] if found.args else UNKNOWN
    try:
        said = statements(given) if isinstance(given, str) else ()
    except Unreadable:
        said = ()
    for statement in said:
        ops = tuple(replace(op, unsure=op.unsure or maybe) for op in operations(statement))
        yield Step(statement.bare(), ops, loses(statement), statement)
    if not said:
        yield Step(text, (), UNTOLD)
