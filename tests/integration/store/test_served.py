"""A database of a newer schema: used while it serves this version, refused with what to do once it does not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from hutch.bootstrap.stores import Place, open_database
from hutch.cli import aside
from hutch.commands.context import CommandError
from hutch.model.event import Draft
from hutch.ports import Append
from hutch.store import revisions
from hutch.store.clock import SYSTEM_CLOCK
from hutch.store.errors import StoreError
from hutch.store.postgres.verify import verify_database


def told(url: str, revision: str, serves: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE hutch.alembic_version SET version_num = %s", [revision])
        word = "INSERT INTO hutch.meta VALUES ('serves', %s) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        connection.execute(word, [serves])


async def test_it_is_used_while_it_serves_this_version_and_a_process_stands_aside_afterwards(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aside, "EVERY", 0.05)
    told(database_url, "0012", "0002")
    store, _ = open_database(database_url, SYSTEM_CLOCK)
    await store.commit([Append("run:1", (Draft("noted"),))])
    assert verify_database(database_url).events == 1
    stop = asyncio.Event()
    with pytest.raises(CommandError, match=r"stood aside: .*made by a newer version .*schema 0013.*install Hutch"):
        async with aside.while_ours(Place(Path("none"), database_url), stop):
            await asyncio.sleep(0.3)
            assert not stop.is_set()
            told(database_url, "0013", "0012")
            await asyncio.wait_for(stop.wait(), 30)
    await store.close()
    with pytest.raises(StoreError, match="made by a newer version"):
        verify_database(database_url)


async def test_nobody_who_is_at_work_is_shut_out(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = open_database(database_url, SYSTEM_CLOCK)
    await old.tail()
    monkeypatch.setattr(revisions, "SERVER", revisions.History(("0001", "0002", "0012")))
    new, _ = open_database(database_url, SYSTEM_CLOCK)
    with pytest.raises(StoreError, match=r"schema 0012 shuts out the Hutch of schema 0002 .*\(127.0.0.1\); stop that"):
        await new.tail()
    await new.close()
    assert await old.tail() == []
    await old.close()
