"""kill -9 of `hutch archive` and of its way back, wherever it is: no event is lost, changed or there twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from closed_incident import closed
from hutch.bootstrap.stores import place_of, proof
from hutch.bootstrap.wire import open_context
from hutch.commands import archive, incidents
from hutch.commands.context import Context
from hutch.model.event import Event
from hutch.testing import FakeClock
from rolerabbit.embedded.postgres import Postgres

HUTCH = str(Path(sys.executable).with_name("hutch"))
KEY = "00112233445566778899aabbccddeeff" * 2
CONFIG = "services: {shop: {}}\narchive: {after: 30d, key: {env: ARCHIVE_KEY}}\n"
MANY, MOST = 10, 60
"""Incidents, and rounds after which it must have come to an end."""
Log = dict[tuple[str, int], Event]


@pytest.fixture(params=["sqlite", "postgres"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHIVE_KEY", KEY)
    (tmp_path / "hutch.yaml").write_text(CONFIG, encoding="utf-8")
    if request.param == "sqlite":
        yield tmp_path
        return
    with Postgres.temporary() as server:
        monkeypatch.setenv("HUTCH_DATABASE_URL", server.url)
        yield tmp_path


@asynccontextmanager
async def opened(folder: Path, *clock: FakeClock) -> Any:
    context = open_context(folder / "hutch.yaml", *clock)
    yield context
    await context.close()


def files(folder: Path) -> set[str]:
    place = folder / ".hutch" / "archive"
    return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}


def cut_off(folder: Path, after: float, *words: str) -> bool:
    """Start the command and kill it so many seconds after its archives first changed, or, before they do, after it was
    started; whether it had come to its end."""
    before = files(folder)
    process = subprocess.Popen([HUTCH, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 60
        while process.poll() is None and files(folder) == before and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(after)
        ended = process.poll() is not None
    finally:
        process.kill()
        out, _ = process.communicate(timeout=30)
    assert not ended or process.returncode == 0, out.decode()
    return ended


async def everything(context: Context, names: list[str]) -> Log:
    """Each event of theirs, from the store or from the archive that stands for it; neither may disagree."""
    found: Log = {}
    for name in names:
        state = await incidents.load(context, name)
        streams = [f"incident:{name}", *(f"run:{run}" for run in state.runs)]
        events = [event for stream in streams for event in await context.store.read(stream)]
        if state.archived:
            _, bundle = await archive.opened(context, name)
            events += [event for stream in bundle.streams.values() for event in stream]
        for event in events:
            if not event.kind.startswith("events."):
                assert found.setdefault((event.stream, event.seq), event) == event
    return found


def whole(context: Context) -> None:
    report = proof(place_of(context.config, Path(context.config.path).resolve().parent))
    assert report.intact, report.breaks


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_wherever_it_is_cut_off_every_event_is_in_one_place(folder: Path) -> None:
    rng = random.Random(1)
    async with opened(folder, FakeClock()) as context:
        names = [await closed(context, f"Slow {number}") for number in range(MANY)]
        before = await everything(context, names)
    cut = 0
    for _ in range(MOST):
        if cut_off(folder, rng.choice((0, 0.002, 0.01, 0.03, 0.1)), "archive", "run"):
            break
        cut += 1
        async with opened(folder) as context:
            whole(context)
            assert await everything(context, names) == before
    async with opened(folder) as context:
        assert sorted(state.id for state in await archive.listed(context)) == names
        assert await archive.proved(context) == []
        assert len(files(folder)) == MANY
    assert cut >= MANY // 2, "it was over before it could be killed"
    for name in names:
        for _ in range(MOST):
            if cut_off(folder, rng.choice((0, 0.002, 0.01, 0.03)), "archive", "restore", name):
                break
            async with opened(folder) as context:
                whole(context)
                assert await everything(context, names) == before
                if not (await incidents.load(context, name)).archived:
                    break
    async with opened(folder) as context:
        whole(context)
        assert [state.id for state in await archive.listed(context)] == []
        assert await everything(context, names) == before
    assert files(folder) == set(), "an archive outlasts its incident's way back"
