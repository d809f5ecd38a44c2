"""pgbench at work: a server that is busy, on 18 and on 15, and healthy; what is wrong is found all the same."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from hutch.model.finding import Cause
from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from rolerabbit.embedded.postgres import Postgres

FIFTEEN = Path("/usr/lib/postgresql/15")
CLIENTS, LOOKS = 8, 4
ROLES = """
create role app login password 'app-word';
create role watcher login password 'watcher-word';
grant pg_monitor to watcher;
grant create, usage on schema public to app
"""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(None, id="18"),
        pytest.param(FIFTEEN, id="15", marks=pytest.mark.skipif(not FIFTEEN.exists(), reason="no postgresql-15")),
    ],
)
def server(request: pytest.FixtureRequest) -> Iterator[Postgres]:
    more = {"shared_preload_libraries": ""} if request.param else {}
    with Postgres.temporary(install=request.param, max_connections=40, **more) as postgres:
        with psycopg.connect(postgres.url, autocommit=True) as admin:
            admin.execute(ROLES.encode())
        subprocess.run(
            bench(postgres, "--initialize", "--scale=2", "--quiet"), env=word(), check=True, capture_output=True
        )
        yield postgres


def bench(postgres: Postgres, *words: str) -> list[str]:
    parts = conninfo_to_dict(postgres.url)
    at = [f"--host={parts['host']}", f"--port={parts['port']}", "--username=app"]
    return [str(postgres.bin_dir / "pgbench"), *at, *words, "postgres"]


def word() -> dict[str, str]:
    return {**os.environ, "PGPASSWORD": "app-word", "PGAPPNAME": "shop/7"}


@contextmanager
def busy(postgres: Postgres) -> Iterator[subprocess.Popen[str]]:
    """Clients that read and write as fast as they can, until the block ends."""
    words = bench(postgres, f"--client={CLIENTS}", "--jobs=1", "--time=300", "--no-vacuum")
    with subprocess.Popen(words, env=word(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            with psycopg.connect(postgres.url, autocommit=True) as admin:
                for _ in range(600):
                    row = admin.execute("select count(*) from pgbench_history").fetchone()
                    if row and row[0] > CLIENTS:
                        break
                    assert process.poll() is None, process.communicate()
            yield process
            assert process.poll() is None, "the load ended before the looks did"
        finally:
            process.terminate()
            process.communicate()


async def causes(postgres: Postgres, looks: int) -> list[Cause]:
    """What is found by so many rounds of all checks, one after another."""
    url = postgres.url_for("postgres", "watcher", "watcher-word")
    connection = provider.open(TargetConfig("shop", {"url": url}, lambda: datetime.now(UTC)))
    found: list[Cause] = []
    try:
        for _ in range(looks):
            seen = await asyncio.gather(*(check() for check in connection.checks.values()))
            found += provider.explain(seen)
            await asyncio.sleep(1)
    finally:
        await connection.close()
    return found


async def test_a_server_under_load_is_healthy(server: Postgres) -> None:
    with busy(server):
        found = await causes(server, LOOKS)
    assert found == [], [(c.code, c.summary, c.evidence) for c in found]


async def test_who_blocks_the_load_is_named(server: Postgres) -> None:
    with busy(server), psycopg.connect(server.url, application_name="console") as holder:
        holder.execute("lock table pgbench_branches in exclusive mode")
        await asyncio.sleep(2)
        found = await causes(server, 1)
        named = [(c.code, c.object.id) for c in found]
        assert ("postgres.blocked_by_lock", str(holder.info.backend_pid)) in named, named
        holder.rollback()
