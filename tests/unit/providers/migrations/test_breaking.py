"""What of a migration code from before it can't live with."""

from __future__ import annotations

import pytest

from hutch.providers.migrations.breaking import breaking
from hutch.providers.migrations.files import sql_file


def why(*scripts: str) -> list[tuple[str, ...]]:
    return [one.why for one in breaking([sql_file(str(n), "x", text) for n, text in enumerate(scripts, 1)])]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("ALTER TABLE users DROP COLUMN nick;", "drops column users.nick"),
        ("DROP TABLE IF EXISTS old.themes", "drops table old.themes"),
        ("ALTER TABLE users RENAME COLUMN nick TO name", "renames column users.nick"),
        ("ALTER TABLE users RENAME TO people", "renames table users"),
        ("ALTER TABLE ONLY users ALTER COLUMN age TYPE text", "changes a column's type in users"),
        ("ALTER TABLE users ALTER nick SET NOT NULL", "requires users.nick"),
        ("ALTER TABLE users ADD COLUMN nick text NOT NULL", "requires users.nick"),
        ("DROP FUNCTION total", "drops function total"),
    ],
)
def test_what_breaks(script: str, said: str) -> None:
    assert why(script) == [(said,)]


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE a (b int NOT NULL); ALTER TABLE a DROP COLUMN b; ALTER TABLE a ALTER COLUMN c TYPE text",
        "ALTER TABLE users ADD COLUMN nick text, ADD n int NOT NULL DEFAULT 3",
        "ALTER TABLE users ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY NOT NULL",
        "DROP VIEW v; CREATE VIEW v AS SELECT 1",
        "DROP INDEX i; CREATE INDEX CONCURRENTLY i ON users (nick)",
        "ALTER TABLE users ALTER nick DROP NOT NULL",
        "UPDATE users SET nick = 'a'; DELETE FROM users WHERE id = 1",
    ],
)
def test_what_does_not(script: str) -> None:
    assert why(script) == []


def test_what_later_migrations_made_older_code_never_used() -> None:
    assert why("CREATE TABLE a (b int)", "DROP TABLE a") == []
    assert why("DROP TABLE a") == [("drops table a",)]
