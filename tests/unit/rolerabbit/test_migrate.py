"""Reading migration files and deciding what is due."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolerabbit.migrate import (
    Migration,
    MigrationError,
    bundled,
    concurrent_index,
    in_order,
    known_to,
    last_applied,
    parse_migration,
    pending,
    standing,
    statements,
)

GOOD = "-- migrate:up\nCREATE TABLE a ();\n-- a remark\n\n-- migrate:down\nDROP TABLE a;\n"
ONE = Migration("001", "one", "SELECT 1", "SELECT -1")
TWO = Migration("002", "two", "SELECT 2", "")


def test_a_file_is_split_at_its_markers() -> None:
    found = parse_migration("003_things.sql", GOOD)
    assert found == Migration("003", "things", "CREATE TABLE a ();\n-- a remark", "DROP TABLE a;")


def test_a_remark_before_the_first_marker_is_no_sql() -> None:
    assert parse_migration("003_a.sql", "-- why\n" + GOOD).up.startswith("CREATE TABLE")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("things.sql", GOOD, "things.sql: expected a name such as 008_add_theme.sql"),
        ("003_a.sql", "SELECT 1;", "003_a.sql: expected one `-- migrate:up` and then one `-- migrate:down`"),
        (
            "003_a.sql",
            "-- migrate:down\nSELECT 1;\n-- migrate:up\nSELECT 1;",
            "003_a.sql: expected one `-- migrate:up` and then one `-- migrate:down`",
        ),
        ("003_a.sql", "\n-- migrate:up\n-- migrate:down\n", "003_a.sql:2: nothing follows `-- migrate:up`"),
        (
            "003_a.sql",
            GOOD.replace("migrate:up", "migrate:up strict:true"),
            "003_a.sql:1: options are not supported: strict:true",
        ),
    ],
)
def test_a_bad_file_is_named_with_its_line(name: str, text: str, message: str) -> None:
    with pytest.raises(MigrationError) as caught:
        parse_migration(name, text)
    assert str(caught.value) == message


def test_two_files_of_one_version_are_refused() -> None:
    with pytest.raises(MigrationError, match="version 1 is used twice: one and other"):
        in_order([ONE, Migration("1", "other", "SELECT 1", "")])


def test_order_is_by_number_not_by_text() -> None:
    assert [m.version for m in in_order([Migration("10", "x", "s", ""), Migration("9", "y", "s", "")])] == ["9", "10"]


def test_what_is_due_is_what_is_not_applied() -> None:
    assert pending([ONE, TWO], {"001"}) == (TWO,)
    assert pending([ONE, TWO], {"001", "002", "020"}) == ()


def test_a_version_marked_by_hand_is_shown_without_a_file() -> None:
    rows = standing([ONE, TWO], {"001", "020"})
    assert [(row.version, row.state) for row in rows] == [("001", "applied"), ("002", "pending"), ("020", "no-file")]


def test_one_that_was_begun_and_not_finished_is_half_applied_and_due() -> None:
    rows = standing([ONE, TWO], {"001"}, {"002"})
    assert [row.state for row in rows] == ["applied", "half-applied"]
    assert pending([ONE, TWO], {"001"}) == (TWO,)


@pytest.mark.parametrize(
    "text",
    [GOOD.replace("-- migrate:up", "-- migrate:up transaction:false"), "-- no-transaction\n" + GOOD],
)
def test_a_migration_can_do_without_a_transaction(text: str) -> None:
    assert parse_migration("003_a.sql", GOOD).transactional
    assert not parse_migration("003_a.sql", text).transactional


@pytest.mark.parametrize(
    ("script", "parts"),
    [
        ("SELECT 1;\nSELECT 2", ["SELECT 1", "SELECT 2"]),
        (
            "SELECT ';', \";\", $$;$$, $a$ ; $$ $a$ /* ; */ -- ;\n;;",
            ["SELECT ';', \";\", $$;$$, $a$ ; $$ $a$ /* ; */ -- ;"],
        ),
        ("-- only a remark;\n;", []),
        ("SELECT 1 - 2 / 3, 'it''s'; ", ["SELECT 1 - 2 / 3, 'it''s'"]),
        ("", []),
    ],
)
def test_a_script_is_split_into_statements(script: str, parts: list[str]) -> None:
    assert list(statements(script)) == parts


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE INDEX CONCURRENTLY Idx_A ON t (a)", "idx_a"),
        ('create unique index concurrently if not exists "Idx_A" on t (a)', "Idx_A"),
        ("CREATE INDEX idx_a ON t (a)", None),
        ("ALTER TABLE t ADD COLUMN b int", None),
    ],
)
def test_the_index_that_a_statement_makes(statement: str, name: str | None) -> None:
    assert concurrent_index(statement) == name


def test_a_folder_of_further_migrations(tmp_path: Path) -> None:
    (tmp_path / "020_more.sql").write_text(GOOD)
    (tmp_path / "notes.txt").write_text("no migration")
    found = known_to({"RR_MIGRATIONS_EXTRA": str(tmp_path)})
    assert [m.label for m in found[len(bundled()) :]] == ["020_more"]
    assert known_to({}) == bundled()
    with pytest.raises(MigrationError, match=r"RR_MIGRATIONS_EXTRA=/no/such/folder: expected a folder"):
        known_to({"RR_MIGRATIONS_EXTRA": "/no/such/folder"})


def test_the_last_applied_one_is_undone() -> None:
    assert last_applied([ONE, TWO], {"001"}) == ONE


@pytest.mark.parametrize(
    ("applied", "message"),
    [
        (set(), "nothing to roll back"),
        ({"001", "002"}, "002_two.sql has nothing under `-- migrate:down`"),
        ({"001", "020"}, "version 020 is marked as applied but has no migration file"),
    ],
)
def test_what_cannot_be_undone_is_said(applied: set[str], message: str) -> None:
    with pytest.raises(MigrationError, match=message):
        last_applied([ONE, TWO], applied)


def test_every_bundled_migration_has_a_way_back() -> None:
    found = bundled()
    assert [m.version for m in found] == [f"{n:03d}" for n in range(1, len(found) + 1)]
    assert all(m.down for m in found)
