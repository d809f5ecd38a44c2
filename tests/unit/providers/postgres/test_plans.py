from __future__ import annotations

from typing import Any

import pytest

from hutch.providers.postgres.indexes import BadKey, create_statement, index_name, parsed
from hutch.providers.postgres.plans import Key, Scan, conjuncts, indexes_used, scans


def scan(condition: str, alias: str = "t", **more: Any) -> dict[str, Any]:
    node = {"Node Type": "Seq Scan", "Relation Name": "visits", "Schema": "public", "Alias": alias, "Plan Rows": 10}
    return node | {"Filter": condition} | more


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ("(t.user_id = $1)", ["user_id"]),
        ("((t.mail)::text = $1)", ["mail"]),
        ("(lower((t.mail)::text) = lower($1))", ["lower(mail)"]),
        ("((t.at >= $1) AND (t.at <= $2) AND (t.kind = ANY ($3)))", ["kind", "at"]),
        ("((t.user_id = $1) AND (t.deleted IS NULL))", ["user_id"]),
        ('(t."Odd ""AND"" Col" = \'x) AND (y\'::text)', ['Odd "AND" Col']),
        ("((t.a = $1) OR (t.b = $2))", []),
        ("(t.a = t.b)", []),
        ("(other.a = $1)", []),
        ("(t.a ~~ $1)", []),
        ("((t.a + 1) = $1)", []),
        ("", []),
    ],
)
def test_keys_are_what_a_filter_looks_rows_up_by(condition: str, keys: list[str]) -> None:
    assert [str(key) for found in scans(scan(condition)) for key in found.keys] == keys


@pytest.mark.parametrize(
    ("order", "keys"),
    [
        (["t.at DESC"], ["a", "at"]),
        (["t.at DESC", "t.id"], ["a", "at DESC", "id"]),
        (["t.a", "t.at"], ["a", "at"]),
        (["other.at"], ["a", "b"]),
        (["(count(*)) DESC"], ["a", "b"]),
    ],
)
def test_the_order_follows_equality_and_stands_before_a_range(order: list[str], keys: list[str]) -> None:
    gather = {"Node Type": "Gather Merge", "Plans": [scan("((t.a = $1) AND (t.b > $2))")]}
    [found] = scans({"Node Type": "Sort", "Sort Key": order, "Plans": [gather]})
    assert [str(key) for key in found.keys] == keys


def test_an_order_above_a_join_is_not_the_tables() -> None:
    join = {"Node Type": "Hash Join", "Plans": [scan("(t.a = $1)"), {"Node Type": "Index Scan", "Index Name": "p"}]}
    plan = {"Node Type": "Sort", "Sort Key": ["t.at"], "Plans": [join]}
    assert [str(key) for found in scans(plan) for key in found.keys] == ["a"]
    assert indexes_used(plan) == {"p"}


def test_the_workers_of_a_parallel_scan_share_its_rows() -> None:
    plan = {"Node Type": "Gather", "Workers Planned": 2, "Plans": [scan("(t.a = $1)", **{"Parallel Aware": True})]}
    assert scans(plan) == [Scan("public", "visits", 30.0, (Key("a"),))]


def test_parts_are_split_only_where_all_must_hold() -> None:
    assert conjuncts("((t.a = $1) AND ((t.b = 1) OR ((t.c = 2) AND (t.d = 3))))") == [
        "t.a = $1",
        "(t.b = 1) OR ((t.c = 2) AND (t.d = 3))",
    ]


def test_every_name_is_quoted_and_the_index_has_always_the_same_name() -> None:
    keys = parsed(['a"b', "lower(mail)", "at desc"], ['a"b', "mail", "at"])
    text = create_statement("public", "Visits; drop", keys)
    name = index_name("public", "Visits; drop", [str(key) for key in keys])
    assert text == f'CREATE INDEX CONCURRENTLY "{name}" ON "public"."Visits; drop" ("a""b", lower("mail"), "at" DESC)'
    assert name == index_name("public", "Visits; drop", ['"a""b"'.replace('""', '"'), "lower((mail)::text)", "at DESC"])
    assert len(index_name("public", "x" * 63, ["y" * 63])) <= 63
    assert index_name("public", "t", ["a", "b"]) != index_name("public", "t", ["b", "a"])


def test_a_key_that_names_no_column_is_refused() -> None:
    with pytest.raises(BadKey, match="there is no column 'id\\) where true --'"):
        parsed(["id) where true --"], ["id"])
