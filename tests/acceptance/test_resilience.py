"""Hutch's own incidents: whatever befalls it under load, nothing acknowledged is lost, no change is made twice, no
promise is missed in silence, and the chain proves it.

``RESILIENCE_SECONDS`` is how long the long form rages (120), ``RESILIENCE_SEED`` what it is made of.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

import weather
from hutch.bootstrap.wire import open_context
from hutch.store.postgres.verify import verify_database
from hutch.store.verify import verify_store
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
