"""What the statements of a migration make, drop and rename, and what of it loses data. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hutch.providers.migrations.words import Reader, Statement, quoted

RELATIONS = ("TABLE", "VIEW", "SEQUENCE", "INDEX")
LOSING = frozenset({"table", "column", "schema", "type", "view", "sequence", "database", "value"})
"""Kinds whose drop loses what they hold, or what other objects hold of them; a view alone holds nothing of its own."""
PARTED = frozenset({"column", "constraint", "trigger", "policy", "value", "not null"})
"""Kinds that are a part of something with a name."""
NOT_COLUMNS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "EXCLUDE", "LIKE")


@dataclass(frozen=True, slots=True)
class Key:
    """One object: ``name`` is its path; for a column, constraint, trigger or value that of what it is part of."""

    kind: str
    name: str
    part: str = ""

    def __str__(self) -> str:
        """As evidence names it."""
        return f"{self.kind} {self.name}.{self.part}" if self.part else f"{self.kind} {self.name}"

    @property
    def whole(self) -> bool:
        """Whether it names an object of this database: a path of at most a schema and a name, and its part."""
        dots = self.name.count(".") if '"' not in self.name else 0
        return bool(self.name) and dots <= 1 and bool(self.part) == (self.kind in PARTED)


@dataclass(frozen=True, slots=True)
class Op:
    """``verb`` is make, drop or rename (``to``: the new path or part). ``unsure``: IF [NOT] EXISTS, OR REPLACE.

    ``on`` is the table of an index; ``inner``: it comes with its table. ``span`` are the words that say it, from and
    to, where they are one action of an ALTER TABLE or one column of a CREATE TABLE.
    """

    verb: str
    key: Key
    to: str = ""
    on: str = ""
    unsure: bool = False
    inner: bool = False
    span: tuple[int, int] = (0, 0)


def operations(statement: Statement) -> list[Op]:
    """What the statement does to the schema, as far as it can be told by its words; nothing for one that is unknown."""
    reader = Reader(statement)
    head = reader.any("CREATE", "ALTER", "DROP")
    kinds = {"CREATE": _create, "ALTER": _alter, "DROP": _drop}
    return [op for op in kinds[head](reader) if op.key.whole] if head else []


def loses(statement: Statement) -> str:
    """What the statement loses that no statement brings back; empty where it loses nothing that is known."""
    reader = Reader(statement)
    if head := reader.any("TRUNCATE", "DELETE", "UPDATE", "MERGE"):
        return {"TRUNCATE": "empties a table", "DELETE": "deletes rows"}.get(head, "overwrites rows")
    if reader.take("DO") or reader.take("CALL") or reader.take("EXECUTE"):
        return "runs code that can't be told"
    dropped = [op.key for op in operations(statement) if op.verb == "drop" and op.key.kind in LOSING - {"view"}]
    if dropped:
        return f"drops {', '.join(map(str, dropped[:3]))}"
    retyped = reader.take("ALTER", "TABLE") and any(w.upper == "TYPE" for w in statement.words)
    return "changes a column's type" if retyped else ""


# ------------------------------------------------------------------ create


def _create(reader: Reader) -> Iterator[Op]:
    replace = reader.take("OR", "REPLACE")
    while reader.any("UNLOGGED", "UNIQUE", "MATERIALIZED", "RECURSIVE", "CONSTRAINT"):
        pass
    if reader.any("TEMP", "TEMPORARY", "GLOBAL", "LOCAL"):
        return
    kind = reader.any(*RELATIONS, "TYPE", "DOMAIN", "SCHEMA", "EXTENSION", "FUNCTION", "PROCEDURE", "TRIGGER", "POLICY")
    reader.take("CONCURRENTLY")
    unsure = reader.take("IF", "NOT", "EXISTS") or replace
    named = {"INDEX": _index, "TRIGGER": _on_table, "POLICY": _on_table, "TABLE": _table}
    if kind in named:
        yield from named[kind](reader, kind.lower(), unsure)
    elif kind:
        yield Op("make", Key(_kind(kind), reader.path()), unsure=unsure)


def _kind(word: str) -> str:
    return {"DOMAIN": "type", "PROCEDURE": "function"}.get(word, word.lower())


def _index(reader: Reader, kind: str, unsure: bool) -> Iterator[Op]:
    """An index lies in its table's schema; one without a name is called by Postgres and can't be told."""
    if reader.take("ON"):
        return
    name = reader.path()
    if not reader.take("ON"):
        return
    reader.take("ONLY")
    table = reader.path()
    schema = table.rpartition(".")[0]
    yield Op("make", Key(kind, f"{schema}.{name}" if schema and "." not in name else name), on=table, unsure=unsure)


def _on_table(reader: Reader, kind: str, unsure: bool) -> Iterator[Op]:
    part = reader.part()
    if reader.until("ON"):
        reader.take("ON")
        yield Op("make", Key(kind, reader.path(), part), unsure=unsure)


def _table(reader: Reader, kind: str, unsure: bool) -> Iterator[Op]:
    name = reader.path()
    yield Op("make", Key(kind, name), unsure=unsure)
    if reader.word.upper != "(":
        return
    start = reader.at + 1
    reader.skip()
    for item in Reader(reader.statement, start, reader.at - 1).listed():
        span = (item.at, item.end)
        if item.take("CONSTRAINT"):
            yield Op("make", Key("constraint", name, item.part()), unsure=unsure, inner=True, span=span)
        elif item.word.kind == "name" or item.word.upper not in NOT_COLUMNS:
            yield Op("make", Key("column", name, item.part()), unsure=unsure, inner=True, span=span)


# ------------------------------------------------------------------ drop


def _drop(reader: Reader) -> Iterator[Op]:
    reader.take("MATERIALIZED")
    kind = reader.any(*RELATIONS, "TYPE", "DOMAIN", "SCHEMA", "EXTENSION", "FUNCTION", "PROCEDURE", "TRIGGER", "POLICY")
    reader.take("CONCURRENTLY")
    unsure = reader.take("IF", "EXISTS")
    if kind in ("TRIGGER", "POLICY"):
        part = reader.part()
        if reader.take("ON"):
            yield Op("drop", Key(kind.lower(), reader.path(), part), unsure=unsure)
    elif kind:
        for item in reader.listed():
            yield Op("drop", Key(_kind(kind), item.path()), unsure=unsure)
    elif reader.take("DATABASE"):
        yield Op("drop", Key("database", reader.path()))


# ------------------------------------------------------------------ alter


def _alter(reader: Reader) -> Iterator[Op]:
    reader.take("MATERIALIZED")
    kind = reader.any(*RELATIONS, "TYPE", "SCHEMA")
    unsure = reader.take("IF", "EXISTS")
    reader.take("ONLY")
    name = reader.path()
    if reader.take("RENAME", "TO"):
        yield Op("rename", Key(kind.lower(), name), reader.part(), unsure=unsure)
    elif reader.take("SET", "SCHEMA"):
        bare = name.rpartition(".")[2]
        yield Op("rename", Key(kind.lower(), name), f"{reader.part()}.{bare}", unsure=unsure)
    elif kind == "TYPE":
        yield from _type(reader, name)
    elif kind == "TABLE":
        for action in reader.listed():
            yield from _action(action, name)


def _type(reader: Reader, name: str) -> Iterator[Op]:
    if reader.take("ADD", "VALUE"):
        unsure = reader.take("IF", "NOT", "EXISTS")
        yield Op("make", Key("value", name, quoted(reader.literal())), unsure=unsure)
    elif reader.take("RENAME", "VALUE"):
        before = quoted(reader.literal())
        if reader.take("TO"):
            yield Op("rename", Key("value", name, before), quoted(reader.literal()))


def _action(reader: Reader, table: str) -> Iterator[Op]:
    """One action of an ALTER TABLE."""
    span = (reader.at, reader.end)
    if reader.take("ADD"):
        yield from _added(reader, table, span)
    elif reader.take("DROP"):
        kind = "constraint" if reader.take("CONSTRAINT") else "column"
        reader.take("COLUMN")
        unsure = reader.take("IF", "EXISTS")
        yield Op("drop", Key(kind, table, reader.part()), unsure=unsure, span=span)
    elif reader.take("RENAME"):
        kind = "constraint" if reader.take("CONSTRAINT") else "column"
        reader.take("COLUMN")
        part = reader.part()
        if reader.take("TO"):
            yield Op("rename", Key(kind, table, part), reader.part(), span=span)
    elif reader.take("ALTER"):
        reader.take("COLUMN")
        part = reader.part()
        verb = {"SET": "make", "DROP": "drop"}.get(reader.any("SET", "DROP"), "")
        if verb and reader.take("NOT", "NULL"):
            yield Op(verb, Key("not null", table, part), unsure=True, span=span)


def _added(reader: Reader, table: str, span: tuple[int, int]) -> Iterator[Op]:
    if reader.take("CONSTRAINT"):
        yield Op("make", Key("constraint", table, reader.part()), span=span)
        return
    if reader.word.kind == "word" and reader.word.upper in NOT_COLUMNS:
        return  # Postgres gives it a name
    reader.take("COLUMN")
    unsure = reader.take("IF", "NOT", "EXISTS")
    yield Op("make", Key("column", table, reader.part()), unsure=unsure, span=span)
