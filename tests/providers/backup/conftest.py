"""An embedded Postgres with a small shop in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backup_world import KEY, SHOP, Shop
from rolerabbit.embedded.postgres import Postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    with Postgres.temporary() as postgres:
        yield postgres


@pytest.fixture
def shop(server: Postgres, tmp_path: Path) -> Iterator[Shop]:
    name = f"shop_{os.urandom(4).hex()}"
    url = server.createdb(name)
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(SHOP)
    work = tmp_path / "work"
    work.mkdir()
    settings = {"url": url, "to": str(tmp_path / "store"), "key": KEY, "tools": str(server.bin_dir), "work": str(work),
                "format": "directory"}  # fmt: skip
    made = Shop(server, url, settings)
    yield made
    assert list(work.iterdir()) == [], "clear text was left behind"
    assert made.scratches() == []
    with psycopg.connect(server.url, autocommit=True) as session:
        session.execute(f"drop database {name} with (force)")
