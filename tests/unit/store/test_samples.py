"""What signals were, in a file and on Postgres: bounded, merged, kept over restarts, and never in anybody's way."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from hutch.model.bins import RINGS, Bin, first, fitting, merged, rings
from hutch.store import samples as module
from hutch.store.aside import in_database, in_file
from hutch.store.samples import SampleTable

T0 = datetime(2026, 1, 15, 10, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Engine]:
    if request.param == "sqlite":
        return in_file(tmp_path / "deep" / "samples.db")
    return in_database(request.getfixturevalue("database_url"))


@pytest.fixture
async def table(engine: Callable[[], Engine]) -> AsyncIterator[SampleTable]:
    made = SampleTable(engine)
    yield made
    await made.close()


async def test_a_signal_is_kept_as_fine_as_it_is_asked_for(table: SampleTable) -> None:
    for second in range(0, 120, 5):
        await table.record("shop", at(second), {"cpu": float(second), "gap": math.nan})
    fine = await table.read("shop", "cpu", T0, at(120))
    assert (fine.step, len(fine.bins), fine.bins[3].last) == (timedelta(seconds=5), 24, 15.0)
    coarse = await table.read("shop", "cpu", at(-7200), at(120))
    assert coarse.step == timedelta(minutes=1)
    assert [(b.at, b.count, b.low, b.high, b.mean) for b in coarse.bins] == [
        (T0, 12, 0.0, 55.0, 27.5),
        (at(60), 12, 60.0, 115.0, 87.5),
    ]
    assert (await table.read("shop", "cpu", at(-10 * 86400), at(120))).step == timedelta(minutes=10)
    assert (await table.read("shop", "gap", T0, at(120))).bins == ()
    assert (await table.read("api", "cpu", T0, at(120))).bins == ()


async def test_where_nothing_was_there_is_no_bin(table: SampleTable) -> None:
    for second in (0, 5, 60):
        await table.record("shop", at(second), {"cpu": 1.0})
    found = await table.read("shop", "cpu", T0, at(60))
    assert [b.at for b in found.bins] == [at(0), at(5), at(60)]


async def test_it_survives_a_restart_and_several_writers_are_one(engine: Callable[[], Engine]) -> None:
    for value in (1.0, 3.0):
        table = SampleTable(engine)
        await table.record("shop", T0, {"cpu": value})
        await table.close()
    other = SampleTable(engine)
    (found,) = (await other.read("shop", "cpu", T0, at(1))).bins
    assert (found.count, found.low, found.high, found.last) == (2, 1.0, 3.0, 3.0)
    await other.close()


async def test_a_ring_never_grows_past_its_size(table: SampleTable, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tuple(type(r)(r.step, 4) for r in RINGS)
    monkeypatch.setattr(table, "_rings", small)
    for second in range(0, 3600, 5):
        await table.record("shop", at(second), {"cpu": float(second)})
    assert [b.at for b in (await table.read("shop", "cpu", at(3580), at(3600))).bins] == [
        at(3580), at(3585), at(3590), at(3595)
    ]  # fmt: skip
    assert table._engine is not None
    with table._engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(module.samples)) == 12


async def test_an_older_value_does_not_take_a_newer_ones_place(table: SampleTable) -> None:
    lap = RINGS[0].span
    await table.record("shop", T0 + lap, {"cpu": 2.0})
    await table.flush()
    await table.record("shop", T0, {"cpu": 1.0})
    found = await table.read("shop", "cpu", T0 + lap, T0 + lap)
    assert [b.last for b in found.bins] == [2.0]


async def test_names_without_bounds_do_not_fill_it(table: SampleTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIGNALS", 3)
    await table.record("shop", T0, {f"s{n}": 1.0 for n in range(10)})
    found = [await table.read("shop", f"s{n}", T0, at(1)) for n in range(10)]
    assert sum(bool(track.bins) for track in found) == 3


async def test_a_store_that_cannot_be_used_is_in_nobodys_way(tmp_path: Path) -> None:
    broken = tmp_path / "samples.db"
    broken.write_text("this is no database, and longer than the head of one would be" * 10)
    for table in (SampleTable(in_file(broken)), SampleTable(in_database("postgresql://x@127.0.0.1:1/x"))):
        await table.record("shop", T0, {"cpu": 1.0})
        assert (await table.read("shop", "cpu", T0, at(1))).bins == ()
        assert table.lost == 3
        await table.close()


def test_the_finest_ring_that_reaches_back_and_is_not_too_long() -> None:
    assert [
        fitting(RINGS, T0 - back, T0).step for back in (timedelta(hours=1), timedelta(hours=6), timedelta(days=3))
    ] == [
        timedelta(seconds=5),
        timedelta(minutes=1),
        timedelta(minutes=10),
    ]
    assert fitting(RINGS, T0 - timedelta(days=90), T0) == RINGS[-1]
    assert rings(60)[0].milliseconds == 83


def test_bins_are_merged_for_people() -> None:
    bins = [first(int(at(s).timestamp() * 1000), float(s)) for s in (0, 30, 59, 60, 200)]
    found = merged(bins, timedelta(minutes=1))
    assert [(b.at, b.count, b.low, b.high) for b in found] == [
        (T0, 3, 0.0, 59.0),
        (at(60), 1, 60.0, 60.0),
        (at(180), 1, 200.0, 200.0),
    ]
    assert isinstance(found[0], Bin)
