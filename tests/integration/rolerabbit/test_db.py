"""`rolerabbit db`: up, down, status, reset and seed on a real database, and the schema that documents rely on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from rolerabbit import database
from rolerabbit.db import db
from rolerabbit.migrate import Migration, MigrationError, bundled

DOCUMENT = Path(__file__).parents[4] / "shared/seed/rolerabbit-runbooks.md"
NAMED = {
    "portfolios": {"id", "user_id", "subdomain", "published", "visibility", "deleted_at", "deleted_by"},
    "users": {"id", "email"},
    "user_sessions": {"user_id", "token_hash"},
    "audit_logs": {"user_id", "action", "details", "ip_address", "created_at"},
    "security_logs": {"event_type", "user_id", "ip_address", "created_at"},
    "ip_blocklist": {"ip_address", "reason", "blocked_until"},
    "account_restrictions": {"user_id", "restriction", "reason", "restricted_until"},
    "schema_migrations": {"version", "applied_at", "started_at", "finished_at"},
}
"""What runbooks name."""


def call(url: str, *args: str, env: str = "production") -> Result:
    return CliRunner().invoke(db, list(args), env={"DATABASE_URL": url, "RR_ENV": env})


def status(url: str) -> dict[str, Any]:
    result = call(url, "status", "--json")
    assert result.exit_code == 0
    found: dict[str, Any] = json.loads(result.output)
    return found


def test_up_and_down(empty_database: str) -> None:
    versions = [m.version for m in bundled()]
    assert (status(empty_database)["applied"], status(empty_database)["pending"]) == ([], versions)
    assert call(empty_database, "up").exit_code == 0
    assert (status(empty_database)["applied"], status(empty_database)["pending"]) == (versions, [])
    assert "nothing to do" in call(empty_database, "up").output
    for version in reversed(versions):
        assert call(empty_database, "down").output.startswith(f"rolled back {version}")
    last = call(empty_database, "down")
    assert (last.exit_code, last.stderr) == (1, "Error: nothing to roll back: no migration is applied\n")


def test_status_changes_nothing(empty_database: str) -> None:
    status(empty_database)
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT to_regclass('schema_migrations')").fetchone() == (None,)


def test_a_version_marked_by_hand_is_counted_and_not_undone(database_url: str, rows: Any) -> None:
    rows("INSERT INTO schema_migrations (version) VALUES ('020')")
    assert status(database_url)["migrations"][-1] == {"version": "020", "name": "", "state": "no-file"}
    refused = call(database_url, "down")
    assert refused.exit_code == 1
    assert "version 020 is marked as applied but has no migration file" in refused.stderr


def test_reset_is_refused_outside_development(database_url: str, rows: Any) -> None:
    refused = call(database_url, "reset")
    assert refused.exit_code == 1
    assert "RR_ENV is 'production'" in refused.stderr
    assert rows("SELECT count(*) FROM users") == [(0,)]


def test_reset_then_up_in_development(database_url: str, rows: Any) -> None:
    rows("CREATE EXTENSION pg_stat_statements")
    assert "dropped 13 tables" in call(database_url, "reset", env="development").output
    assert rows("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    assert rows("SELECT count(*) FROM pg_extension WHERE extname = 'pg_stat_statements'") == [(1,)]
    assert call(database_url, "up").exit_code == 0


def test_a_failing_migration_is_undone_and_the_earlier_ones_stay(empty_database: str) -> None:
    broken = Migration("002", "broken", "CREATE TABLE half (); SELECT 1 / 0;", "")
    good = Migration("001", "good", "CREATE TABLE whole ();", "DROP TABLE whole;")
    with pytest.raises(MigrationError, match="002_broken failed and was undone: division by zero"):
        database.up(empty_database, [good, broken])
    with psycopg.connect(empty_database) as connection:
        found = connection.execute("SELECT to_regclass('whole') IS NULL, to_regclass('half') IS NULL").fetchone()
    assert found == (False, True)
    assert [row.state for row in database.status(empty_database, [good, broken])] == ["applied", "pending"]


def test_two_at_once_are_kept_apart(empty_database: str) -> None:
    with psycopg.connect(empty_database, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [database.ADVISORY_LOCK])
        refused = call(empty_database, "up")
        assert refused.exit_code == 1
        assert f"another migration is running (session {other.info.backend_pid})" in refused.stderr
    assert call(empty_database, "up").exit_code == 0


def test_seeding_twice_adds_nothing(database_url: str, rows: Any) -> None:
    args = ("seed", "--users", "20", "--portfolios", "200", "--seed", "7")
    assert call(database_url, *args).output == "added 20 users and 200 portfolios\n"
    first = rows("SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM portfolios p")
    assert call(database_url, *args).output == "added 0 users and 0 portfolios\n"
    assert rows("SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM portfolios p") == first


def test_seeding_before_up_says_what_to_do(empty_database: str) -> None:
    result = call(empty_database, "seed")
    assert result.exit_code == 1
    assert "run `rolerabbit db up` first" in result.stderr


def test_everything_that_runbooks_name_is_there(rows: Any) -> None:
    found: dict[str, set[str]] = {}
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    for table, column in rows(query):
        found.setdefault(table, set()).add(column)
    assert {table: columns - found.get(table, set()) for table, columns in NAMED.items()} == {t: set() for t in NAMED}


def test_indexes_that_runbooks_add_are_missing_at_first(rows: Any) -> None:
    names = {row[0] for row in rows("SELECT indexname FROM pg_indexes WHERE tablename = 'portfolios'")}
    own = {"portfolios_pkey", "portfolios_subdomain_key", "portfolios_user_id_idx", "portfolios_listed_idx"}
    assert names == own


def test_every_statement_of_the_source_document_fits_the_schema(database_url: str) -> None:
    if not DOCUMENT.is_file():
        pytest.skip(f"the source document is not at {DOCUMENT}")
    refused: dict[str, str | None] = {}
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        for statement in _statements(DOCUMENT.read_text(encoding="utf-8")):
            try:
                connection.execute(statement.encode())
            except psycopg.Error as error:
                refused[statement] = error.sqlstate
    duplicate_column = "42701"
    assert refused == {
        "ALTER TABLE portfolios ADD COLUMN deleted_at TIMESTAMP": duplicate_column,
        "ALTER TABLE portfolios ADD COLUMN deleted_by UUID REFERENCES users(id)": duplicate_column,
    }


def _statements(document: str) -> Iterator[str]:
    blocks = re.findall(r"^```sql[^\n]*\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    for block in blocks:
        text = re.sub(r"--[^\n]*", "", block).replace("(PID)", "(0)")
        text = re.sub(r"\[INCIDENT_\w+\]", "2025-01-15", text)
        yield from (part.strip() for part in text.split(";") if part.strip())


CONCURRENT = """-- no-transaction
-- migrate:up
ALTER TABLE portfolios ADD COLUMN theme text;
CREATE INDEX CONCURRENTLY idx_portfolios_theme ON portfolios (theme);
ALTER TABLE portfolios ALTER COLUMN theme SET DEFAULT 'plain';

-- migrate:down
ALTER TABLE portfolios DROP COLUMN theme;
"""
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'idx_portfolios_theme'::regclass"


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "020_theme.sql").write_text(CONCURRENT)
    return {"DATABASE_URL": database_url, "RR_MIGRATIONS_EXTRA": str(tmp_path)}


def run(environ: dict[str, str], *args: str) -> Result:
    return CliRunner().invoke(db, list(args), env=environ)


def stop_half_way(environ: dict[str, str]) -> None:
    """An old snapshot is in the way of the index until the runner's lock time-out."""
    with psycopg.connect(environ["DATABASE_URL"]) as old:
        old.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        old.execute("SELECT 1")
        stopped = run(environ, "up")
    assert stopped.exit_code == 1, stopped.output
    assert "020_theme stopped half-way, at statement 2 of 3" in stopped.stderr


def test_a_migration_that_stopped_half_way_is_seen(environ: dict[str, str], rows: Any) -> None:
    stop_half_way(environ)
    found = json.loads(run(environ, "status", "--json").output)
    assert (found["half_applied"], "020" in found["applied"], found["pending"]) == (["020"], False, [])
    assert found["migrations"][-1] == {"version": "020", "name": "theme", "state": "half-applied"}
    assert "half-applied 020 theme" in run(environ, "status").output
    marked = "SELECT started_at IS NOT NULL, finished_at IS NULL FROM schema_migrations WHERE version = '020'"
    assert rows(marked) == [(True, True)]
    assert rows(VALID) == [(False,)]


def test_up_cleans_up_what_is_left_and_finishes(environ: dict[str, str], rows: Any) -> None:
    stop_half_way(environ)
    assert run(environ, "up").output == "applied 020 theme\n"
    assert rows(VALID) == [(True,)]
    assert rows("SELECT column_default FROM information_schema.columns WHERE column_name = 'theme'")
    assert json.loads(run(environ, "status", "--json").output)["half_applied"] == []
    assert "nothing to do" in run(environ, "up").output
    assert run(environ, "down").output == "rolled back 020 theme\n"


def test_down_undoes_one_that_stopped_half_way(environ: dict[str, str], rows: Any) -> None:
    stop_half_way(environ)
    assert run(environ, "down").output == "rolled back 020 theme\n"
    assert rows("SELECT count(*) FROM information_schema.columns WHERE column_name = 'theme'") == [(0,)]
    assert json.loads(run(environ, "status", "--json").output)["pending"] == ["020"]


def test_an_index_that_was_finished_by_hand_is_kept(environ: dict[str, str], rows: Any) -> None:
    stop_half_way(environ)
    rows("REINDEX INDEX CONCURRENTLY idx_portfolios_theme")
    before = rows("SELECT 'idx_portfolios_theme'::regclass::oid")
    assert run(environ, "up").exit_code == 0
    assert rows("SELECT 'idx_portfolios_theme'::regclass::oid") == before


def test_rows_marked_by_an_older_runner_or_by_hand_count_as_applied(database_url: str, rows: Any) -> None:
    rows("ALTER TABLE schema_migrations DROP started_at, DROP finished_at, DROP statements_done")
    assert status(database_url)["pending"] == []
    assert call(database_url, "up").exit_code == 0
    rows("INSERT INTO schema_migrations (version) VALUES ('020')")
    assert status(database_url)["half_applied"] == []
