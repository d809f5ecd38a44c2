"""Point in time with the real pgBackRest on Postgres 15: its WAL archive, a backup, and back by our commands."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import yaml

from backup_world import Ended, Hutch
from pgbackrest_world import MISSING, Archived, archived
from rolerabbit.embedded.postgres import Postgres

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING)


@pytest.fixture(scope="module")
def world() -> Iterator[Archived]:
    with archived() as made:
        yield made


@pytest.fixture
def configured(world: Archived, tmp_path: Path) -> Archived:
    (tmp_path / "url").write_text(world.server.url)
    restore = ("--type=time", "--target={to}", "--target-action=promote", f"--pg1-path={world.restored}")
    lines = {
        "status": world.line("info"),
        "list": world.line("--output=json", "info"),
        "backup": world.line("backup"),
        "restore": world.line(*restore, "--archive-mode=off", "restore"),
    }
    block = {"url": {"file": "url"}, "to": str(tmp_path / "store"), "point_in_time": lines}
    settings = {"mode": "act", "services": {"shop": {"backup": {**block, "environment": world.environment}}}}
    (tmp_path / "hutch.yaml").write_text(yaml.safe_dump(settings))
    return world


def test_a_time_before_every_backup_is_refused_in_the_tools_own_words(configured: Archived, hutch: Hutch) -> None:
    asked = hutch("backup", "point-in-time", "restore", "--to", "2026-01-15T10:00:00Z", "--json")
    refused = hutch("runs", "approve", json.loads(asked.stdout)["id"])
    assert refused.returncode == 1, refused.stdout + refused.stderr
    assert "exit 75" in words(refused)
    assert "ERROR: [075]: unable to find backup set" in words(refused)
    assert not any(configured.restored.iterdir())


def test_back_to_the_moment_before_the_accident(configured: Archived, hutch: Hutch) -> None:
    with psycopg.connect(configured.server.url, autocommit=True) as shop:
        shop.execute("create table portfolios as select n id, 'portfolio ' || n title from generate_series(1, 500) n")
        backed = hutch("backup", "point-in-time", "backup", "--yes", "--json")
        assert (backed.returncode, decided(hutch, backed)) == (4, 0), backed.stdout + backed.stderr
        assert "status: ok" in hutch("backup", "point-in-time", "status").stdout
        [stanza] = json.loads(hutch("backup", "point-in-time", "list").stdout)
        assert [b["type"] for b in stanza["backup"]] == ["full"]

        shop.execute("insert into portfolios select n, 'made since ' || n from generate_series(501, 800) n")
        before = a_second_between()
        shop.execute("delete from portfolios where id % 2 = 0")
        configured.archive()

    asked = hutch("backup", "point-in-time", "restore", "--to", before, "--json")
    assert asked.returncode == 4, asked.stdout + asked.stderr
    assert not any(configured.restored.iterdir()), "nothing is restored before somebody approves"
    run = json.loads(asked.stdout)["id"]
    approved = hutch("runs", "approve", run)
    assert approved.returncode == 4, approved.stdout + approved.stderr
    assert rows_of(configured.restored) == (800, 300)
    assert decided(hutch, asked) == 0
    over = hutch("backup", "point-in-time", "restore", "--to", before, "--json")
    refused = hutch("runs", "approve", json.loads(over.stdout)["id"])
    assert (refused.returncode, "exit 40: ERROR: [040]: unable to restore" in words(refused)) == (1, True), (
        refused.stdout
    )
    with psycopg.connect(configured.server.url) as shop:
        assert shop.execute("select count(*) from portfolios").fetchone() == (400,), "the running one is as it was"


def decided(hutch: Hutch, asked: Ended) -> int:
    """A person who has looked says that it worked."""
    return int(hutch("runs", "decide", json.loads(asked.stdout)["id"], "worked").returncode)


def words(ended: Ended) -> str:
    """What it printed, in one line."""
    return " ".join(ended.stdout.split())


def a_second_between() -> str:
    """A whole second that is after all that was, and before all that follows."""
    to = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    while datetime.now(UTC) <= to:
        time.sleep(0.05)
    return to.isoformat().replace("+00:00", "Z")


def rows_of(folder: Path) -> tuple[int, int]:
    """All rows, and those made after the backup, once a server over the folder has recovered."""
    restored = Postgres(folder, settings={"shared_preload_libraries": ""}, install=Path("/usr/lib/postgresql/15"))
    restored.start()
    try:
        with psycopg.connect(restored.url, autocommit=True) as session:
            for _ in range(600):
                if session.execute("select pg_is_in_recovery()").fetchone() == (False,):
                    break
                time.sleep(0.1)
            row = session.execute("select count(*), count(*) filter (where id > 500) from portfolios").fetchone()
    finally:
        restored.stop()
    assert row
    return int(row[0]), int(row[1])
