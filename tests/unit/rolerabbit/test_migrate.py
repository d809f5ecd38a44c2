"""Reading migration files and deciding what is due."""

from __future__ import annotations

import pytest

from rolerabbit.migrate import (
    Migration,
    MigrationError,
    bundled,
    in_order,
    last_applied,
    parse_migration,
    pending,
    standing,
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
            GOOD.replace("migrate:up", "migrate:up transaction:false"),
            "003_a.sql:1: options are not supported: transaction:false",
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
