"""Values into SQL, executed: each comes back as it went in, and nothing else has happened.

As the provider runs statements: by the extended protocol, with the values bound.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from psycopg.rows import tuple_row

from hostile_values import VALUES, filled
from rolerabbit.embedded.postgres import Postgres

SETUP = """
CREATE TABLE box (id serial PRIMARY KEY, value text, at timestamptz DEFAULT now());
CREATE TABLE other (id int PRIMARY KEY, value text);
INSERT INTO other VALUES (1, 'kept'), (2, 'kept too');
CREATE SEQUENCE counter;
"""

STATE = """
SELECT (SELECT string_agg(n.nspname || '.' || c.relname || c.relkind::text, ',' ORDER BY 1) FROM pg_class c
          JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT LIKE 'pg\\_%'),
       (SELECT string_agg(id || value, ',' ORDER BY id) FROM other),
       (SELECT last_value || is_called::text FROM counter),
       (SELECT string_agg(rolname, ',' ORDER BY 1) FROM pg_roles),
       (SELECT string_agg(name || setting, ',' ORDER BY 1) FROM pg_settings WHERE source = 'session'),
       (SELECT count(*) FROM box)
"""
"""Schema, rows, sequences, roles, settings: what an injected statement would change."""


class _Refused(Exception):
    """It never ran."""


NO_SUCH_NAME = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.FeatureNotSupported,  # a name of three parts: another database's
    _Refused,
)

ECHO = [
    "SELECT '[ref]'",
    "SELECT [ref]::text",
    "SELECT 'before [ref] after'",
    "SELECT 'it''s [ref]' WHERE '[ref]' = '[ref]'",
    "SELECT value FROM (VALUES ('[ref]'), ('x')) t(value) LIMIT 1",
    "SELECT upper('A') || '[ref]' || '%'",
    "SELECT '[ref]' -- a comment\n",
    "SELECT CASE WHEN 100 % 3 = 1 THEN '[ref]' END",
    "WITH t AS (SELECT '[ref]'::text AS v) SELECT v FROM t",
]
WRAPPED = {ECHO[2]: ("before ", " after"), ECHO[3]: ("it's ", ""), ECHO[5]: ("A", "%")}


@pytest.fixture(scope="module")
def database() -> Iterator[psycopg.Connection]:
    with Postgres.temporary() as postgres, psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(SETUP)
        yield connection


def state(database: psycopg.Connection) -> object:
    return database.execute(STATE).fetchone()


def run(database: psycopg.Connection, text: str, value: str) -> psycopg.Cursor[tuple[object, ...]] | None:
    done = filled(text, "sql", value)
    if done is None:
        return None
    cursor = database.cursor(row_factory=tuple_row)
    return cursor.execute(done.sql.encode(), done.params or None, prepare=True)


fast = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fast
@given(value=VALUES)
def test_a_value_comes_back_as_it_went_in_and_nothing_else_happened(database: psycopg.Connection, value: str) -> None:
    before = state(database)
    for text in ECHO:
        cursor = run(database, text, value)
        if cursor is None:
            assert not value.strip()
            continue
        left, right = WRAPPED.get(text, ("", ""))
        assert cursor.fetchall() == [(f"{left}{value}{right}",)], text
    assert state(database) == before


@fast
@given(value=VALUES)
def test_what_is_written_is_the_value(database: psycopg.Connection, value: str) -> None:
    cursor = run(database, "INSERT INTO box (value) VALUES ('[ref]') RETURNING value, id", value)
    if cursor is None:
        return
    [(written, number)] = cursor.fetchall()
    assert written == value
    found = run(database, "SELECT value FROM box WHERE value = '[ref]' AND id > 0 LIMIT 1", value)
    assert found is not None and found.fetchall() == [(value,)]
    deleted = run(database, "DELETE FROM box WHERE value = '[ref]'", value)
    assert deleted is not None and deleted.rowcount == 1
    assert database.execute("SELECT count(*) FROM box WHERE id = %s", [number]).fetchone() == (0,)


@fast
@given(value=VALUES)
def test_a_name_is_a_name(database: psycopg.Connection, value: str) -> None:
    """A column's alias is the value; a table of that name is not there, and nothing else is asked for."""
    before = state(database)
    cursor = run(database, 'SELECT 1 AS "[ref]"', value)
    if cursor is not None and len(value.encode()) < 64:
        assert cursor.description is not None
        assert [column.name for column in cursor.description] == [value]
    for text in ("SELECT * FROM [table]", "ANALYZE [table]", 'SELECT "[ref]" FROM other'):
        with pytest.raises(NO_SUCH_NAME):
            if run(database, text, value) is None:
                raise _Refused
    assert state(database) == before


@fast
@given(value=VALUES)
def test_a_typed_literal_takes_its_type_or_fails(database: psycopg.Connection, value: str) -> None:
    before = state(database)
    for text in ("SELECT now() - interval '[num] minutes'", "SELECT timestamptz '[ref]'", "SELECT [num] + 1"):
        try:
            run(database, text, value)
        except psycopg.Error as error:
            assert error.sqlstate is not None and error.sqlstate[:2] in {"22", "42"}, error  # data, or its type
    assert state(database) == before
