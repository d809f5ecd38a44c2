"""What a real database gives for signals."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
import pytest

from hutch.model.action import Sample
from hutch.ports import Connection

Opened = Callable[..., AbstractAsyncContextManager[Connection]]


def named(samples: list[Sample]) -> dict[str, float]:
    return {s.name: s.value for s in samples}


async def test_connections_size_and_what_statements_cost(server: Any, target: Opened) -> None:
    with psycopg.connect(server.postgres.url, autocommit=True) as admin:
        admin.execute("create extension if not exists pg_stat_statements")
        admin.execute("grant pg_read_all_stats to watcher")
    async with target() as connection:
        assert connection.scrape
        first = named(list(await connection.scrape()))
        with server.connect(autocommit=True) as app:
            for _ in range(20):
                app.execute("select pg_sleep(0.005)")
        second = named(list(await connection.scrape()))
    assert first["db_size"] > 1e6 and first["db_connections"] >= 0 and 0 <= first["db_connections_used"] <= 100
    assert "db_size" not in second, "the size costs a look at every file: it is asked for now and then"
    assert second["db_queries_total"] - first["db_queries_total"] >= 20
    assert second["db_query_milliseconds_total"] - first["db_query_milliseconds_total"] >= 100


async def test_a_number_by_sql(target: Opened) -> None:
    async with target() as connection:
        ask = connection.ask["sql"]
        assert await ask("select count(*) from portfolios") == 1000.0
        assert await ask("select null") is None
        assert await ask("select 1 where false") is None
        for text, why in (
            ("select n from generate_series(1, 2) n", "2 rows where one is wanted"),
            ("select 'x'", "no number"),
            ("select 1; select 2", "more than one statement in one step"),
            ("delete from portfolios", "read-only transaction|permission denied"),
            ("selec", "syntax error"),
        ):
            with pytest.raises(ValueError, match=why):
                await ask(text)
        assert await ask("select count(*) from portfolios") == 1000.0
