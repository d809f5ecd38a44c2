"""A table's indexes as the actions and causes compare and name them. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from psycopg import sql

from hutch.providers.postgres.plans import Key, qualified

PREFIX = "hutch_"
"""What every index that Hutch made begins with; the rest of its name follows from its table and keys."""
_NAME_BYTES = 63
_ENTRY, _WIDTH, _FILLED = 12, 16, 0.9
"""Bytes that an entry of a b-tree costs beside its keys, that a key of unknown width takes, and how full pages are."""
_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_]*)'
_DEFINITION = re.compile(
    rf"CREATE (?P<unique>UNIQUE )?INDEX (?P<name>{_IDENTIFIER}) ON (?P<schema>{_IDENTIFIER})\.(?P<table>{_IDENTIFIER}) "
    r"(?P<rest>USING [a-z_]+ \(.+)",
    re.S,
)
_NOISE = re.compile(r'::text|::character varying|[()"\s]')
_KEY = re.compile(r"(?:(?P<function>lower|upper)\((?P<inner>.+)\)|(?P<column>.+?))(?P<descending>\s+desc)?", re.I)


class BadKey(ValueError):
    """An index over something that the table does not have."""


@dataclass(frozen=True, slots=True)
class Index:
    """One index of a table. ``keys`` are the server's own words for what it begins with, in order."""

    name: str
    valid: bool
    building: bool
    plain: bool
    keys: tuple[str, ...]

    @classmethod
    def read(cls, data: Mapping[str, object]) -> Index:
        """From the server's JSON."""
        listed = data["keys"]
        plain = not data["partial"] and data["method"] == "btree"
        keys = tuple(map(str, listed)) if isinstance(listed, list) else ()
        return cls(str(data["name"]), data["valid"] is True, data["building"] is True, plain, keys)


@dataclass(frozen=True, slots=True)
class Table:
    """A table as ``table_facts.sql`` shows it. ``allowed``: the changing login may make an index on it."""

    schema: str
    name: str
    kind: str
    owner: str
    size: int
    rows: float
    columns: Mapping[str, str]
    indexes: tuple[Index, ...]
    allowed: bool
    widths: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, schema: str, name: str, row: Mapping[str, object]) -> Table:
        """From a row of the server."""
        columns, indexes, widths = row["columns"], row["indexes"], row["widths"]
        assert isinstance(columns, Mapping) and isinstance(indexes, Iterable) and isinstance(widths, Mapping)
        return cls(
            schema=schema,
            name=name,
            kind=str(row["kind"]),
            owner=str(row["owner"]),
            size=int(str(row["bytes"])),
            rows=float(str(row["rows"])),
            columns={str(column): str(kind) for column, kind in columns.items()},
            indexes=tuple(map(Index.read, indexes)),
            allowed=row["allowed"] is True,
            widths={str(column): int(str(width)) for column, width in widths.items()},
        )

    def __str__(self) -> str:
        return qualified(self.schema, self.name)

    def index_size(self, keys: Sequence[Key]) -> float:
        """About how many bytes an index takes: entry header, item pointer and keys, on pages nine tenths full."""
        width = sum(self.widths.get(key.column, _WIDTH) for key in keys) or _WIDTH
        return self.rows * (_ENTRY + width) / _FILLED

    def like(self, keys: Sequence[Key]) -> list[Index]:
        """The indexes that begin with just these keys, usable or not."""
        wanted = [_bare(str(key)) for key in keys]
        found = (index for index in self.indexes if index.plain)
        return [index for index in found if [_bare(key) for key in index.keys[: len(wanted)]] == wanted]


@dataclass(frozen=True, slots=True)
class Definition:
    """An index as the server writes it down (pg_get_indexdef), and the statement that makes it without locking."""

    name: str
    schema: str
    table: str
    statement: str


def parsed_definition(text: str) -> Definition:
    """What pg_get_indexdef wrote; :class:`BadKey` for everything else.

    The server takes one statement at a time, so what follows can only be more of this one.

    >>> parsed_definition("CREATE INDEX visits_at ON public.visits USING btree (at)").statement
    'CREATE INDEX CONCURRENTLY visits_at ON public.visits USING btree (at)'
    """
    found = _DEFINITION.fullmatch(text.strip())
    if found is None:
        raise BadKey("definition must be as pg_get_indexdef writes it: CREATE INDEX name ON schema.table USING …")
    unique = found["unique"] or ""
    statement = (
        f"CREATE {unique}INDEX CONCURRENTLY {found['name']} ON {found['schema']}.{found['table']} {found['rest']}"
    )
    return Definition(_plain(found["name"]), _plain(found["schema"]), _plain(found["table"]), statement)


def _plain(identifier: str) -> str:
    return identifier[1:-1].replace('""', '"') if identifier.startswith('"') else identifier


def parsed(texts: Sequence[str], columns: Iterable[str]) -> tuple[Key, ...]:
    """The keys that these texts name: ``user_id``, ``created_at DESC``, ``lower(email)``. :class:`BadKey` says which
    names no column."""
    known = set(columns)
    return tuple(_parsed(text, known) for text in texts)


def _parsed(text: str, known: set[str]) -> Key:
    if text in known:
        return Key(text)
    found = _KEY.fullmatch(text)
    column = (found["inner"] or found["column"]) if found else ""
    if found is None or column not in known:
        raise BadKey(f"there is no column {text!r}")
    return Key(column, (found["function"] or "").lower(), bool(found["descending"]))


def index_name(schema: str, table: str, keys: Sequence[str]) -> str:
    """The name that Hutch gives an index over these keys, always the same.

    >>> index_name("public", "audit_logs", ["user_id"])
    'hutch_audit_logs_user_id_5ce42215'
    """
    bare = [_bare(key) for key in keys]
    digest = hashlib.sha256("\0".join((schema, table, *bare)).encode()).hexdigest()[:8]
    words = re.sub(r"\W+", "_", "_".join((table, *bare)), flags=re.ASCII).strip("_")
    return f"{PREFIX}{words[: _NAME_BYTES - len(PREFIX) - len(digest) - 1]}_{digest}"


def create_statement(schema: str, table: str, keys: Sequence[Key]) -> str:
    """The statement that makes the index while the table stays in use; every name quoted."""
    return (
        sql.SQL("CREATE INDEX CONCURRENTLY {} ON {} ({})")
        .format(
            sql.Identifier(index_name(schema, table, list(map(str, keys)))),
            sql.Identifier(schema, table),
            sql.SQL(", ").join(map(_key, keys)),
        )
        .as_string()
    )


def drop_statement(schema: str, name: str) -> str:
    """The statement that drops an index while its table stays in use."""
    return sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(sql.Identifier(schema, name)).as_string()


def _key(key: Key) -> sql.Composed:
    column = sql.Identifier(key.column)
    named = sql.SQL("{}({})").format(sql.SQL("lower" if key.function == "lower" else "upper"), column)
    order = sql.SQL(" DESC" if key.descending else "")
    return (named if key.function else sql.Composed([column])) + order


def _bare(key: str) -> str:
    """A key without what the server adds when it shows one: casts of text, parentheses, quotes."""
    return _NOISE.sub("", key)
