"""The decisions of recovery, without any database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hutch.providers.backup.errors import BackupError
from hutch.providers.backup.recover.audit import singular
from hutch.providers.backup.recover.carry import carried
from hutch.providers.backup.recover.config import recover_config
from hutch.providers.backup.recover.facts import Column, Name, Reference, Table, named
from hutch.providers.backup.recover.plan import Part, Plan, Skipped, part_from, undecided
from hutch.providers.backup.recover.walk import in_order, taken_along
from hutch.providers.backup.recover.wish import wish_from
from hutch.providers.backup.restore import files_of, wanted

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)


def at(name: str) -> Name:
    return Name("public", name)


def refers(child: str, parent: str, on_delete: str = "c") -> Reference:
    return Reference(f"{child}_{parent}", at(child), (parent,), at(parent), ("id",), on_delete)


def test_what_a_deletion_takes_along() -> None:
    keys = [refers("b", "a"), refers("c", "b"), refers("d", "a", "n"), refers("e", "d"), refers("a", "c")]
    assert taken_along(at("a"), keys) == (at("a"), at("b"), at("c"))


edges = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40)


@given(edges)
def test_parents_come_before_children_and_circles_together(pairs: list[tuple[int, int]]) -> None:
    tables = [at(str(n)) for n in range(13)]
    keys = [refers(str(child), str(parent)) for child, parent in pairs]
    groups = in_order(tables, keys)
    place = {table: number for number, group in enumerate(groups) for table in group}
    assert sorted(place) == sorted(tables)
    assert sum(map(len, groups)) == len(tables)
    for key in keys:
        assert place[key.parent] <= place[key.child]
    for group in groups:
        for one in group:  # everything in a group can be reached from everything else in it
            assert set(group) <= _above(one, keys) | {one}


def _above(table: Name, keys: list[Reference]) -> set[Name]:
    found, work = set(), [table]
    while work:
        here = work.pop()
        new = {k.parent for k in keys if k.child == here} - found
        found |= new
        work += new
    return found


def test_a_chain_longer_than_the_stack() -> None:
    tables = [at(str(n)) for n in range(5000)]
    keys = [refers(str(n + 1), str(n)) for n in range(4999)]
    assert in_order(tables[::-1], keys) == tuple((table,) for table in tables)


def table(*columns: Column, key: tuple[str, ...] = ("id",)) -> Table:
    return Table(at("t"), (Column("id", "bigint", not_null=True), *columns), key)


def test_columns_go_over_by_name() -> None:
    live = table(Column("new", "text"), Column("kept", "text"), Column("made", "int", generated=True))
    old = table(Column("kept", "varchar(9)"), Column("gone", "int"), Column("made", "int"))
    found = carried(live, old)
    assert found.columns == ("id", "kept")
    assert [note.split(" ")[1] for note in found.notes] == ["gone", "new", "kept"]
    assert not found.refused


@pytest.mark.parametrize(
    ("live", "old", "why"),
    [
        (table(), None, "older than the table"),
        (table(key=()), table(), "no primary key"),
        (table(Column("n", "int", not_null=True)), table(), "NOT NULL and has no default"),
        (Table(at("t"), (Column("code", "text", not_null=True),), ("code",)), table(), "no column code"),
    ],
)
def test_tables_that_nothing_can_come_back_to(live: Table, old: Table | None, why: str) -> None:
    assert why in carried(live, old).refused


def test_a_plan_in_words() -> None:
    counted: list[Mapping[str, object]] = [
        {"status": "back", "why": "", "rows": 7, "some": ["1"]},
        {"status": "present", "why": "is there", "rows": 2, "some": ["9"]},
        {"status": "taken", "why": "another row has it", "rows": 6, "some": ["2", "3"]},
    ]
    part = part_from(at("t"), counted, ["a note"], ["tell (calls f)"], [Skipped("other", 1)])
    plan = Plan("B", NOW, NOW, None, "x", (part, Part(at("u"))))
    assert (plan.back, plan.present, plan.tables) == (7, 2, (at("t"),))
    assert plan.lines() == (
        "t: 7 rows come back, 2 are there already",
        "t: 6 stay away: another row has it (2, 3 …)",
        "t: 1 stay away: other",
        "t: a note",
        "t: trigger tell (calls f)",
        "u: 0 rows come back",
    )
    assert "triggers: quiet" in undecided(plan.parts, "")
    assert undecided(plan.parts, "fire") == "" == undecided((Part(at("u"), triggers=("x",)),), "")


@pytest.mark.parametrize(
    ("args", "why"),
    [
        ({}, "needs `table`"),
        ({"table": "t", "x": 1}, "no argument 'x'"),
        ({"table": "t", "until": "never"}, "until must be a time"),
        ({"table": "t", "rows": "-1"}, "rows must be a whole number"),
        ({"table": "t", "all_missing": "perhaps"}, "all_missing must be true or false"),
        ({"table": "t", "log": {"colour": "red"}}, "log must map"),
        ({"table": "t", "since": "2026-03-04T11:00:00Z", "until": "2026-03-04T10:00:00Z"}, "the window is empty"),
    ],
)
def test_arguments_that_are_wrong(args: Mapping[str, object], why: str) -> None:
    with pytest.raises(BackupError, match=why):
        wish_from(args)


def test_times_without_a_zone_are_utc() -> None:
    assert wish_from({"table": "t", "since": "2026-03-04 10:00"}).since == NOW


def test_names_of_tables_and_of_their_entries() -> None:
    tables = [Name("shop", "orders"), at("orders"), Name("shop", "items")]
    assert named("orders", tables) == at("orders")
    assert named("shop.orders", tables) == tables[0]
    assert named("items", tables) == tables[2]
    assert named("nothing", tables) is None
    assert [singular(name) for name in ("boxes", "glass", "news")] == ["box", "glass", "new"]


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"audit_log": {"tabel": "x"}}, "no key 'tabel'; nearest known: table"),
        ({"audit_actions": {"t": 7}}, "audit_actions must map names to names"),
        ({"recover_max_rows": 0}, "recover_max_rows must be a number above 0"),
    ],
)
def test_settings_that_are_wrong(settings: Mapping[str, object], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        recover_config(settings)


def test_what_of_an_archive_some_tables_need() -> None:
    lines = [
        "; Archive created",
        "215; 1259 16400 TABLE public big table owner of it",
        "3500; 0 16400 TABLE DATA public big table owner of it",
        "3501; 0 16401 TABLE DATA public big owner of it",
        "3300; 2606 16402 CONSTRAINT public big big_pkey owner of it",
        "3301; 1259 16403 INDEX public big_i owner of it",
        "3302; 2606 16404 FK CONSTRAINT public big big_fk owner of it",
        "216; 1247 16405 TYPE public mood owner of it",
    ]
    assert wanted(lines, ["public.big table"]) == [*lines[:3], lines[7]]
    assert files_of(lines, ["public.big table"]) == {"3500"}
