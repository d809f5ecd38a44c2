"""What the declarative calls of Rails' migrations make, drop and rename. Pure.

Names that Rails makes are made as it does (``index_t_on_a_and_b``, ``fk_rails_…``); where that takes its inflections,
or a setting of the application, the call is one that can't be told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hutch.providers.migrations.declared import Key, Op
from hutch.providers.migrations.ruby import UNKNOWN, Call, Value
from hutch.providers.migrations.words import quoted

LONGEST = 62
"""Characters of an index's name up to which every version of Rails makes it alike."""
_TYPES = frozenset({
    "string", "text", "integer", "bigint", "float", "decimal", "numeric", "datetime", "timestamp", "timestamptz",
    "time", "date", "binary", "blob", "boolean", "json", "jsonb", "uuid", "inet", "cidr", "macaddr", "hstore",
    "citext", "tsvector", "tsrange", "tstzrange", "daterange", "int4range", "int8range", "numrange", "bit",
    "bit_varying", "money", "interval", "point", "line", "lseg", "box", "path", "polygon", "circle", "xml", "enum",
    "serial", "bigserial", "ltree", "oid", "virtual", "primary_key",
})  # fmt: skip
_IN_TABLE = {
    "index": "add_index", "references": "add_reference", "belongs_to": "add_reference", "timestamps": "add_timestamps",
    "column": "add_column", "foreign_key": "add_foreign_key", "check_constraint": "add_check_constraint",
    "remove": "remove_columns", "rename": "rename_column", "rename_index": "rename_index",
    "remove_index": "remove_index", "remove_references": "remove_reference", "remove_belongs_to": "remove_reference",
    "remove_timestamps": "remove_timestamps", "remove_foreign_key": "remove_foreign_key",
    "remove_check_constraint": "remove_check_constraint", "change_null": "change_column_null",
}  # fmt: skip
"""What a call inside ``create_table`` or ``change_table`` is called outside of it."""


class Untold(Exception):
    """Only running it would tell."""


def told(found: Call, table: str = "", parameter: str = "", *, fresh: bool = False) -> tuple[str, list[Op]]:
    """What the call is outside a table's block, and what it does. Raises :class:`Untold`.

    Inside such a block ``table`` is its table and ``parameter`` what stands for it; ``fresh``: the block makes it.
    """
    if table and found.receiver == parameter:
        said = _Said(found, table, found.args, fresh)
        if found.name in _TYPES:
            return found.name, list(_columns(said))
        name = _IN_TABLE.get(found.name, "")
    elif found.receiver:
        raise Untold
    else:
        name, said = found.name, _Said(found, text_of(found.args[:1]), found.args[1:])
    if name not in _OPERATIONS:
        raise Untold
    return name, list(_OPERATIONS[name](said))


@dataclass(frozen=True, slots=True)
class _Said:
    """A call about a table; ``args`` are those behind the table's name. ``inner``: it comes with its table."""

    call: Call
    table: str
    args: Sequence[Value]
    inner: bool = False

    @property
    def path(self) -> str:
        """The table as Postgres takes it."""
        return _path(self.table)

    @property
    def unsure(self) -> bool:
        """``if_exists``, ``if_not_exists``, or a table that replaces one."""
        named = self.call.named
        return bool(named.get("if_not_exists") or named.get("if_exists") or named.get("force"))

    def text(self, index: int) -> str:
        """A positional argument that is a name. Raises :class:`Untold`."""
        return text_of(self.args[index : index + 1])

    def option(self, name: str) -> str:
        """A named argument that is a name; empty where it is not given. Raises :class:`Untold`."""
        return text_of([self.call.named[name]]) if name in self.call.named else ""

    def part(self, verb: str, kind: str, name: str, to: str = "") -> Op:
        """An operation on a part of the table."""
        return Op(verb, Key(kind, self.path, quoted(name)), quoted(to), unsure=self.unsure, inner=self.inner)

    def index(self, verb: str, name: str, to: str = "") -> Op:
        """An operation on an index of the table."""
        schema = self.path.rpartition(".")[0]
        path = f"{schema}.{quoted(name)}" if schema else quoted(name)
        return Op(verb, Key("index", path), quoted(to), on=self.path, unsure=self.unsure)


def text_of(found: Sequence[Value]) -> str:
    """The first of them, a name. Raises :class:`Untold`."""
    if not found or not isinstance(found[0], str) or not found[0]:
        raise Untold
    return found[0]


def _path(table: str) -> str:
    return ".".join(quoted(part) for part in table.split("."))


def _names(found: Value) -> list[str]:
    """One name, or a list of them."""
    return [text_of([one]) for one in found] if isinstance(found, list) else [text_of([found])]


def index_name(table: str, columns: Sequence[str]) -> str:
    """As Rails makes it. Raises :class:`Untold` where its versions differ.

    >>> index_name("pages", ["portfolio_id", "at"])
    'index_pages_on_portfolio_id_and_at'
    """
    name = f"index_{table}_on_{'_and_'.join(columns)}"
    if not columns or len(name) > LONGEST or not all(re.fullmatch(r"\w+", one) for one in (table, *columns)):
        raise Untold
    return name


def key_name(table: str, column: str) -> str:
    """The name of a foreign key, as Rails makes it.

    >>> key_name("pages", "portfolio_id")
    'fk_rails_9f9f0bef30'
    """
    return "fk_rails_" + hashlib.sha256(f"{table}_{column}_fk".encode()).hexdigest()[:10]


# ------------------------------------------------------------------ what the calls do


def _create_table(s: _Said) -> Iterator[Op]:
    yield Op("make", Key("table", s.path), unsure=s.unsure)


def join_table(found: Call) -> str:
    """The table's name. Raises :class:`Untold`."""
    named = found.named.get("table_name")
    if named is not None:
        return text_of([named])
    first, second = text_of(found.args[:1]), text_of(found.args[1:2])
    if "." in first + second or ("_" in first and first.split("_")[0] == second.split("_")[0]):
        raise Untold  # Rails leaves a common beginning out
    return "_".join(sorted((first, second)))


def _create_join_table(s: _Said) -> Iterator[Op]:
    yield Op("make", Key("table", _path(join_table(s.call))), unsure=s.unsure)


def _drop_table(s: _Said) -> Iterator[Op]:
    tables = (s.table, *(text_of([name]) for name in s.args))
    yield from (Op("drop", Key("table", _path(table)), unsure=s.unsure) for table in tables)


def _rename_table(s: _Said) -> Iterator[Op]:
    yield Op("rename", Key("table", s.path), quoted(s.text(0).rpartition(".")[2]))


def _columns(s: _Said) -> Iterator[Op]:
    yield from (s.part("make", "column", text_of([name])) for name in s.args)
    index = s.call.named.get("index")
    if index:
        yield from (_index(replace(s, inner=False), [text_of([name])], index) for name in s.args)


def _index(s: _Said, columns: Sequence[str], options: Value) -> Op:
    given = options.get("name") if isinstance(options, dict) else None
    return s.index("make", text_of([given]) if given is not None else index_name(s.table, columns))


def _add_column(s: _Said) -> Iterator[Op]:
    yield s.part("make", "column", s.text(0))
    if index := s.call.named.get("index"):
        yield _index(s, [s.text(0)], index)


def _add_columns(s: _Said) -> Iterator[Op]:
    yield from (s.part("make", "column", text_of([name])) for name in s.args)


def _remove_column(s: _Said) -> Iterator[Op]:
    yield s.part("drop", "column", s.text(0))


def _remove_columns(s: _Said) -> Iterator[Op]:
    yield from (s.part("drop", "column", text_of([name])) for name in s.args)


def _rename_column(s: _Said) -> Iterator[Op]:
    yield s.part("rename", "column", s.text(0), s.text(1))


def _add_index(s: _Said) -> Iterator[Op]:
    name = s.option("name")
    yield s.index("make", name or index_name(s.table, _names(s.args[0] if s.args else UNKNOWN)))


def _remove_index(s: _Said) -> Iterator[Op]:
    name, given = s.option("name"), s.args[0] if s.args else s.call.named.get("column", UNKNOWN)
    yield s.index("drop", name or index_name(s.table, _names(given)))


def _rename_index(s: _Said) -> Iterator[Op]:
    yield s.index("rename", s.text(0), s.text(1))


def _add_reference(s: _Said) -> Iterator[Op]:
    for given in s.args[:1] if not s.inner else s.args:
        name = text_of([given])
        yield s.part("make", "column", f"{name}_id")
        many = s.call.named.get("polymorphic")
        if many:
            yield s.part("make", "column", f"{name}_type")
        index = s.call.named.get("index", True)
        if index and not (many and not isinstance(index, dict)):
            yield _index(s, [f"{name}_id"], index)
        if foreign := s.call.named.get("foreign_key"):
            given_name = foreign.get("name") if isinstance(foreign, dict) else None
            made = text_of([given_name]) if given_name is not None else key_name(s.table, f"{name}_id")
            yield s.part("make", "constraint", made)


def _remove_reference(s: _Said) -> Iterator[Op]:
    name = s.text(0)
    yield s.part("drop", "column", f"{name}_id")
    if s.call.named.get("polymorphic"):
        yield s.part("drop", "column", f"{name}_type")


def _timestamps(verb: str) -> Callable[[_Said], Iterator[Op]]:
    return lambda s: (s.part(verb, "column", name) for name in ("created_at", "updated_at"))


def _foreign_key(verb: str) -> Callable[[_Said], Iterator[Op]]:
    def told(s: _Said) -> Iterator[Op]:
        name = s.option("name") or key_name(s.table, s.option("column") or text_of([]))  # else from an inflection
        yield s.part(verb, "constraint", name)

    return told


def _check(verb: str) -> Callable[[_Said], Iterator[Op]]:
    return lambda s: iter([s.part(verb, "constraint", s.option("name") or text_of([]))])


def _column_null(s: _Said) -> Iterator[Op]:
    allowed = s.args[1] if len(s.args) > 1 else UNKNOWN
    if not isinstance(allowed, bool):
        raise Untold
    verb = "drop" if allowed else "make"
    yield replace(s.part(verb, "not null", s.text(0)), unsure=True)


def _alone(verb: str, kind: str, *, unsure: bool = False) -> Callable[[_Said], Iterator[Op]]:
    """Of an object that is no part of a table."""
    return lambda s: iter([Op(verb, Key(kind, s.path), unsure=unsure or s.unsure)])


_OPERATIONS: Mapping[str, Callable[[_Said], Iterator[Op]]] = {
    "create_table": _create_table, "create_join_table": _create_join_table, "drop_table": _drop_table,
    "rename_table": _rename_table, "add_column": _add_column, "add_columns": _add_columns,
    "remove_column": _remove_column, "remove_columns": _remove_columns, "rename_column": _rename_column,
    "add_index": _add_index, "remove_index": _remove_index, "rename_index": _rename_index,
    "add_reference": _add_reference, "add_belongs_to": _add_reference, "remove_reference": _remove_reference,
    "remove_belongs_to": _remove_reference, "add_timestamps": _timestamps("make"),
    "remove_timestamps": _timestamps("drop"), "add_foreign_key": _foreign_key("make"),
    "remove_foreign_key": _foreign_key("drop"), "add_check_constraint": _check("make"),
    "remove_check_constraint": _check("drop"), "change_column_null": _column_null,
    "enable_extension": _alone("make", "extension", unsure=True),
    "disable_extension": _alone("drop", "extension", unsure=True),
    "create_enum": _alone("make", "type", unsure=True), "drop_enum": _alone("drop", "type"),
    "create_schema": _alone("make", "schema"), "drop_schema": _alone("drop", "schema"),
}  # fmt: skip
