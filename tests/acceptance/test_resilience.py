"""Hutch's own incidents: whatever befalls it under load, nothing acknowledged is lost, no change is made twice, no
promise is missed in silence, and the chain proves it.

``RESILIENCE_SECONDS`` is how long the long form rages (120), ``RESILIENCE_SEED`` what it is made of.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

import weather
from hutch.bootstrap.wire import open_context
from hutch.store.postgres.verify import verify_database
from hutch.store.verify import verify_store
from rolerabbit.embedded import Postgres
from rolerabbit.embedded.wheel import Account, temporary_root
from small_disk import Disk, small_disk
from stores import Databases
from storm import Fleet
from tallies import doubled, lateness, log_of, lost, made, settled
from two_places import until

SECONDS = float(os.environ.get("RESILIENCE_SECONDS", "120"))
SEED = int(os.environ.get("RESILIENCE_SEED", "11"))

LINKED = (weather.killed, weather.killed, weather.paused, weather.cut, weather.cut, weather.frozen, weather.slow)


async def weathered(
    fleet: Fleet, home: Path, faults: Sequence[weather.Fault], chance: random.Random, seconds: float
) -> None:
    """The storm, the calm after it, and the reckoning."""
    try:
        await fleet.ready()
        load = asyncio.create_task(fleet.load())
        await until(lambda: fleet.told.alerts and fleet.told.notes and fleet.told.approved, 60)
        await weather.befall(fleet, faults, chance, seconds)
        fleet.stop.set()
        await load
        context = open_context(home / "hutch.yaml")
        try:
            await settled(context, fleet.told, 150)
            await fleet.end()
            log = await log_of(context)
        finally:
            await context.close()
    finally:
        await fleet.end()
    late = [(0.0, "none"), *lateness(log)]
    print(
        f"acknowledged: {fleet.told.counts()}; {made(fleet.folder)} changes made; {sum(map(len, log.values()))} events"
    )
    print(f"{len(late) - 1} promises overdue; told late by {late[len(late) // 2][0]:.1f} s (half), at most {late[-1]}")
    assert lost(log, fleet.told) == []
    assert doubled(fleet.folder) == []


@pytest.mark.timeout(240)
async def test_two_servers_on_postgres_through_a_short_storm(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await on_postgres(tmp_path, database_url, monkeypatch, (weather.one_killed,), 0.5, workers=0)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 400)
async def test_two_servers_and_two_workers_on_postgres_through_a_long_storm(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = (*LINKED, weather.ended_sessions(database_url))
    await on_postgres(tmp_path, database_url, monkeypatch, faults, SECONDS, workers=2)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 400)
async def test_clocks_that_jump_on_postgres(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = (weather.jumped, weather.jumped, weather.killed)
    await on_postgres(tmp_path, database_url, monkeypatch, faults, SECONDS / 2, workers=2)


async def on_postgres(
    folder: Path, url: str, monkeypatch: pytest.MonkeyPatch, faults: Sequence[weather.Fault], seconds: float,
    workers: int,
) -> None:  # fmt: skip
    monkeypatch.setenv("HUTCH_DATABASE_URL", url)
    chance = random.Random(SEED)
    fleet = Fleet(folder, services=max(4, min(60, int(seconds / 3))), chance=chance)
    for role in ["serve", "serve", *["worker"] * workers]:
        await fleet.add(role, url)
    await weathered(fleet, fleet.machine("desk"), faults, chance, seconds)
    assert verify_database(url).intact


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 400)
async def test_a_server_and_two_workers_on_one_file_through_a_storm(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    fleet = Fleet(tmp_path, services=max(4, min(60, int(SECONDS / 3))), chance=chance)
    server = await fleet.add("serve")
    await fleet.ready()
    for _ in range(2):
        await fleet.add("worker", home=server.home)
    await weathered(
        fleet, server.home, (weather.killed, weather.killed, weather.paused, weather.jumped), chance, SECONDS
    )
    assert verify_store(server.home / ".hutch" / "hutch.db").intact


# ------------------------------------------------------------------ no room on the disk

ROOM = 64 + int(SECONDS / 2)
"""Megabytes of the small disk: what is written meanwhile fits, until something takes the rest."""


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 500)
async def test_the_disk_of_the_file_is_full_again_and_again(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    fleet = Fleet(tmp_path, services=max(4, min(60, int(SECONDS / 3))), chance=chance)
    home = fleet.machine("small")
    (home / ".hutch").mkdir(mode=0o700)
    with small_disk(tmp_path / "image", home / ".hutch", ROOM) as disk:
        if disk is None:
            return  # test_full_disk bounds the size of files where nothing may be mounted
        for role in ("serve", "worker", "worker"):
            await fleet.add(role, home=home)
            await fleet.ready()
        full = weather.full(disk)
        await weathered(fleet, home, (full, full, full, weather.killed), chance, SECONDS)
        assert verify_store(home / ".hutch" / "hutch.db").intact


@contextmanager
def owned_disk(folder: Path, megabytes: int) -> Iterator[tuple[Path, Disk] | None]:
    """A small disk that the account of the database server reaches, and a folder on it that is its own."""
    account = Account.current()
    with TemporaryDirectory(prefix="small-", dir=temporary_root(account)) as name:
        base = Path(name)
        base.chmod(0o755)
        (base / "disk").mkdir()
        with small_disk(folder / "image", base / "disk", megabytes) as disk:
            if disk is None:
                yield None
                return
            mine = base / "disk" / "data"
            mine.mkdir(mode=0o700)
            account.own(mine)
            yield mine, disk


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 500)
async def test_the_disk_of_the_tables_is_full_again_and_again(
    tmp_path: Path, postgres_databases: Callable[[], Databases], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables lie in a tablespace of their own: the server goes on, and refuses what has no room."""
    server = postgres_databases().server
    with owned_disk(tmp_path, ROOM) as found:
        if found is None:
            return
        place, disk = found
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
            connection.execute("CREATE DATABASE hutch_small TEMPLATE hutch_template TABLESPACE small")
            try:
                faults = (weather.full(disk), weather.full(disk), weather.killed, weather.cut)
                await on_postgres(tmp_path, server.url_for("hutch_small"), monkeypatch, faults, SECONDS, 2)
            finally:
                connection.execute("DROP DATABASE hutch_small WITH (FORCE)")
                connection.execute("DROP TABLESPACE small")


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 500)
async def test_the_disk_of_the_whole_server_is_full_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its write-ahead log has no room either: the server ends itself, and is started again once there is some."""
    with owned_disk(tmp_path, 160 + ROOM) as found:
        if found is None:
            return
        place, disk = found
        settings = {"max_wal_size": "48MB", "min_wal_size": "32MB", "max_connections": 150}
        server = await asyncio.to_thread(Postgres(place / "pg", settings=settings).start)
        try:
            url = server.createdb("hutch")

            async def up() -> str:
                fell = not server.running
                if fell:
                    await asyncio.to_thread(server.restart, "immediate")
                return ", its server ended itself and was started again" if fell else ""

            async def of_wal(fleet: Fleet, chance: random.Random) -> str:
                """As :func:`weather.full`, while the server needs a new file for its log."""
                with suppress(psycopg.Error):
                    await asyncio.to_thread(disk.fill)
                    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                        for _ in range(8):
                            await connection.execute("SELECT pg_logical_emit_message(false, 'storm', 'x')")
                            await connection.execute("SELECT pg_switch_wal()")
                return await weather.full(disk, up)(fleet, chance)

            await on_postgres(tmp_path, url, monkeypatch, (of_wal, weather.full(disk, up), weather.killed), SECONDS, 2)
        finally:
            server.stop("immediate")
