from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from hutch.model.finding import Finding, Status
from hutch.providers.postgres import provider

TABLES = """
create schema attic;
create table attic.owners (id int primary key, name text);
create table attic.things (
    id int primary key, owner int references attic.owners, second int references attic.owners, "third one" int,
    label text
);
insert into attic.owners select n, n from generate_series(1, 100) n;
insert into attic.things select n, n % 100 + 1, n % 100 + 1, n, 'label ' || n from generate_series(1, 20000) n;
create index things_owner on attic.things (owner, label);
create index things_label on attic.things (label);
create index things_label_again on attic.things (label);
create index things_label_down on attic.things (label desc);
create index things_label_few on attic.things (label) where id < 10;
create index things_id on attic.things (id);
analyze attic.things;
analyze attic.owners;
"""


@pytest.fixture(autouse=True)
def attic(server: Any) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.postgres.url, autocommit=True) as admin:
        admin.execute(TABLES)
        yield admin
        admin.execute("drop schema attic cascade")


async def looked(target: Any, name: str, **settings: object) -> Finding:
    async with target(**settings) as connection:
        found: Finding = await connection.checks[f"postgres.{name}"]()
    assert provider.explain([found]) == []
    return found


async def test_foreign_keys_of_large_tables_without_an_index(target: Any) -> None:
    found = await looked(target, "unindexed_keys")
    assert found.status is Status.WARN
    assert found.evidence == ("attic.things (second) → attic.owners, 20000 rows: deleting there reads all of it",)
    assert (await looked(target, "unindexed_keys", index_rows=30_000)).status is Status.OK


async def test_an_index_over_more_columns_serves_a_foreign_key_in_any_order(target: Any, attic: Any) -> None:
    attic.execute("create index things_second on attic.things (second, id)")
    assert (await looked(target, "unindexed_keys")).status is Status.OK


async def test_indexes_that_are_there_twice(target: Any) -> None:
    found = await looked(target, "duplicate_indexes")
    lines = "\n".join(found.evidence)
    assert "attic.things_label_again of attic.things is the same as attic.things_label" in lines
    assert "attic.things_id of attic.things is the same as attic.things_pkey" in lines
    assert len(found.evidence) == 2  # another order, a part of the rows: another index


async def test_unused_indexes_are_told_once_uses_were_counted_for_long(target: Any) -> None:
    early = await looked(target, "unused_indexes", unused_index_size=0.1)
    assert (early.status, "days only" in early.reason) == (Status.OK, True)
    found = await looked(target, "unused_indexes", unused_index_size=0.1, unused_index_days=1e-6)
    assert found.status is Status.WARN
    assert any("things_label_again" in line for line in found.evidence)
    assert not any("pkey" in line for line in found.evidence)
