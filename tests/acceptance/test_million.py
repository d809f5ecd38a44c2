"""A million alerts that differ, through HTTP, on both stores: one incident counts them, memory stays bounded, nothing
else waits long.

``FINGERPRINTS`` in the environment asks for fewer.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from hutch.commands import incidents
from hutch.commands.board import FIRINGS
from rolerabbit.embedded.postgres import Postgres

HUTCH = str(Path(sys.executable).with_name("hutch"))
COUNT = int(os.environ.get("FINGERPRINTS", "1000000"))
AT_ONCE, SENDERS = 500, 3
WARM = 2 * FIRINGS
"""After so many the memory of fingerprints is full, and has been for as long as it took to fill."""

MORE_MB = 64
"""What the rest may add to the server's memory: a million that were all kept would need more than ten times as much."""


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which store the environment chooses."""
    if request.param == "sqlite":
        monkeypatch.delenv("HUTCH_DATABASE_URL", raising=False)
        yield "sqlite"
        return
    with Postgres.temporary(durable=True) as server:
        monkeypatch.setenv("HUTCH_DATABASE_URL", server.url)
        yield "postgres"


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[tuple[str, int]]:
    """Its address and process, once it answers."""
    (folder / "hutch.yaml").write_text(
        "services: {shop: {}}\nalerts:\n  - {name: Down, condition: uptime < 100%, duration: 1m, severity: SEV-1}\n"
    )
    log = folder / "serve.log"
    with log.open("wb") as out:
        words = [HUTCH, "--config", str(folder / "hutch.yaml"), "serve", "--port", "0"]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        for _ in range(600):
            if "Hutch serves " in (text := log.read_text()):
                break
            assert process.poll() is None, text
            await asyncio.sleep(0.05)
        yield text.partition("Hutch serves ")[2].split()[0].rstrip("/"), process.pid
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 60)


def resident(pid: int) -> float:
    """MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def body(first: int) -> dict[str, Any]:
    rows = [
        {"status": "firing", "labels": {"alertname": "Slow", "service": "shop", "pod": f"pod-{first + i}"},
         "annotations": {"summary": "it is slow"}, "startsAt": "2026-01-15T10:00:00Z"}
        for i in range(AT_ONCE)
    ]  # fmt: skip
    return {"version": "4", "status": "firing", "alerts": rows}


async def send(client: aiohttp.ClientSession, url: str, firsts: list[int]) -> None:
    """Until none is left; sent away, it comes again."""
    while firsts:
        first = firsts.pop()
        async with client.post(f"{url}/api/v1/ingest/alertmanager", json=body(first)) as answer:
            if answer.status == 429:
                firsts.append(first)
                await asyncio.sleep(0.2)
            else:
                assert answer.status == 202, await answer.text()


async def flood(client: aiohttp.ClientSession, url: str, start: int, end: int) -> None:
    firsts = list(range(start, end, AT_ONCE))
    await asyncio.gather(*(send(client, url, firsts) for _ in range(SENDERS)))


async def look(client: aiohttp.ClientSession, url: str, took: list[float]) -> None:
    """Somebody who uses the pages meanwhile."""
    while True:
        for path in ("/healthz", "/api/v1/incidents", "/"):
            began = time.monotonic()
            async with client.get(url + path) as answer:
                assert answer.status == 200, (path, await answer.text())
                await answer.read()
            took.append(time.monotonic() - began)
        await asyncio.sleep(0.2)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
async def test_a_million_fingerprints_leave_memory_bounded_and_nothing_waits(tmp_path: Path, store: str) -> None:
    took: list[float] = []
    async with server(tmp_path) as (url, pid), aiohttp.ClientSession() as client:
        await flood(client, url, 0, WARM)
        warm, began = resident(pid), time.monotonic()
        looking = asyncio.create_task(look(client, url, took))
        await flood(client, url, WARM, COUNT)
        seconds, full = time.monotonic() - began, resident(pid)
        assert not looking.done(), looking.exception()
        looking.cancel()
        async with client.get(f"{url}/metrics") as answer:
            metrics = await answer.text()
    late = [line for line in metrics.splitlines() if line.startswith("hutch_evaluation_lateness_seconds_max ")]
    memory = f"{warm:.0f} MiB after {WARM}, {full:.0f} MiB at the end"
    answers = f"answers median {statistics.median(took):.3f} s, worst {max(took):.3f} s"
    print(f"{COUNT} fingerprints on {store}: {memory}; {(COUNT - WARM) / seconds:.0f} alerts/s; {answers}; {late}")
    assert full - warm < MORE_MB
    assert late and float(late[0].split()[1]) < 30  # no evaluation came later than Hutch itself calls behind
    context = open_context(tmp_path / "hutch.yaml")
    (state,) = await incidents.listing(context)
    assert state.alerted == COUNT
    await context.close()
