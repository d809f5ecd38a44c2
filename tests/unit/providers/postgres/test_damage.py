"""What is damaged and what follows from it, and ranges of pages, without any database."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hutch.providers.postgres.damage.ranges import Range, joined, pieces
from hutch.providers.postgres.damage.report import Object_, Seen, report
from hutch.providers.postgres.damage.scripts import all_of


@given(st.integers(0, 40_000), st.sets(st.integers(0, 39_999), max_size=6))
def test_halving_loses_the_bad_pages_and_nothing_else(blocks: int, bad: set[int]) -> None:
    work, read, lost, tries = pieces(blocks), [], [], 0
    while work:
        found = work.pop()
        tries += 1
        if not any(found.first <= page < found.end for page in bad):
            read.append(found)
        elif len(found) == 1:
            lost.append(found.first)
        else:
            work += found.halves()
    assert sum(map(len, read)) + len(lost) == blocks
    assert sorted(lost) == sorted(page for page in bad if page < blocks)
    assert tries <= len(pieces(blocks)) + 28 * len(bad)
    assert sum(map(len, joined(lost))) == len(lost)


def test_neighbours_are_one_range() -> None:
    assert joined([9, 7, 8, 2]) == [Range(2, 3), Range(7, 10)]


TABLE = Object_("table", "public", "orders", "public", "orders")
INDEX = Object_("index", "public", "orders_i", "public", "orders")
OTHER = Object_("index", "shop", "items_i", "shop", "items")


def test_only_indexes_of_whole_tables_are_built_anew() -> None:
    found = report("t", [Seen(INDEX, ("bad",)), Seen(TABLE, ("bad",), (3,)), Seen(OTHER, ("bad",))],
                   checksums=True, failures=1)  # fmt: skip
    remedies = {c.object.id: [r.args for r in c.remedies] for c in found.causes}
    assert remedies == {"orders_i": [], "orders": [], "items_i": [{"index": "items_i", "schema": "shop"}]}
    assert found.order[0].startswith("keep the files")
    assert found.order.index("copy what can be read: hutch recover copy --to FOLDER") == 1


def test_an_index_that_its_table_keeps_from_being_compared_is_not_blamed() -> None:
    seen = [Seen(INDEX, ("could not read",), sound_alone=True), Seen(TABLE, ("bad",))]
    found = report("t", seen, checksums=True, failures=0)
    assert [s.what for s in found.damaged] == [TABLE]
    assert [s.what for s in found.unchecked] == [INDEX]
    alone = report("t", [Seen(INDEX, ("row is missing",), sound_alone=True), Seen(TABLE)], checksums=True, failures=0)
    assert [s.what for s in alone.damaged] == [INDEX]
    assert alone.causes[0].remedies


def test_without_checksums_that_is_said() -> None:
    found = report("t", [Seen(TABLE)], checksums=False, failures=0)
    assert found.summary == "no damage in 1 tables and indexes"
    assert "pg_checksums --enable" in found.order[0]


def test_scripts_quote_every_name() -> None:
    table = {"schema": "a", "name": 'x"; drop table y; --', "columns": [
        {"name": 'c"', "type": "text", "not_null": True, "extra": ""}]}  # fmt: skip
    told = {"table": "t", "columns": ['c"'], "files": {"whole": {"name": "data/00001.copy"}}}
    scripts = all_of([table], [told], [{"schema": "a", "name": "s'", "last": 7}], [])
    assert 'create table "a"."x""; drop table y; --" (\n    "c""" text not null\n);' in scripts["1-tables.sql"]
    assert '\\copy "a"."x""; drop table y; --" ("c""") from \'data/00001.copy\'' in scripts["2-rows.sql"]
    assert "select setval('\"a\".\"s''\"', 7);" in scripts["2-rows.sql"]
