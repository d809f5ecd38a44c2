"""kill -9 of the real server while alerts pour in: whatever was acknowledged is there exactly once, on both stores."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hutch.bootstrap.wire import open_context
from rolerabbit.embedded.postgres import Postgres

HUTCH = str(Path(sys.executable).with_name("hutch"))
SENDERS, ROUNDS = 8, 3
START = "2026-01-15T10:00:00Z"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The environment that chooses the store."""
    if request.param == "sqlite":
        yield {}
        return
    with Postgres.temporary() as server:
        yield {"HUTCH_DATABASE_URL": server.url}


@asynccontextmanager
async def server(folder: Path, port: int, env: dict[str, str]) -> AsyncIterator[subprocess.Popen[bytes]]:
    log = (folder / "serve.log").open("ab")
    words = [HUTCH, "--config", str(folder / "hutch.yaml"), "serve", "--port", str(port)]
    process = subprocess.Popen(words, env={**os.environ, **env}, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as one:
                one.settimeout(0.2)
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, (folder / "serve.log").read_text()
            await asyncio.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 30)
        log.close()


def payload(sender: int, number: int) -> dict[str, Any]:
    """Three alerts of one sender, each with its own fingerprint."""
    rows = [
        {"status": "firing", "labels": {"alertname": "Slow", "service": "shop", "n": f"{sender}-{number}-{i}"},
         "annotations": {"summary": "s"}, "startsAt": START, "endsAt": "0001-01-01T00:00:00Z"}
        for i in range(3)
    ]  # fmt: skip
    return {"version": "4", "status": "firing", "alerts": rows}


async def send(client: aiohttp.ClientSession, port: int, sender: int, told: list[str]) -> None:
    """Send until the server is gone; notes what was acknowledged."""
    for number in range(10_000):
        body = payload(sender, number)
        try:
            async with client.post(f"http://127.0.0.1:{port}/api/v1/ingest/alertmanager", json=body) as answer:
                if answer.status == 202:
                    told += [row["labels"]["n"] for row in body["alerts"]]
                else:
                    await asyncio.sleep(0.05)
        except (aiohttp.ClientError, OSError):
            return


@pytest.mark.timeout(240)
async def test_what_was_acknowledged_is_there_exactly_once(
    tmp_path: Path, store: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hutch.yaml").write_text("services: {shop: {}}\n")
    told: list[str] = []
    for round_ in range(ROUNDS):
        port = free_port()
        async with server(tmp_path, port, store) as process, aiohttp.ClientSession() as client:
            senders = [asyncio.create_task(send(client, port, round_ * 100 + n, told)) for n in range(SENDERS)]
            before, deadline = len(told), time.monotonic() + 30
            while len(told) < before + 30 and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            process.kill()
            await asyncio.gather(*senders)
    assert len(told) >= 30 * ROUNDS
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    context = open_context(tmp_path / "hutch.yaml")
    begun: Counter[str] = Counter()
    for stream in await context.store.streams("alert:"):
        for event in await context.store.read(stream):
            if event.kind == "firing.started":
                alert = event.data["alert"]
                begun[json.loads(json.dumps(alert))["labels"]["n"]] += 1
    await context.close()
    assert [n for n in told if begun[n] != 1] == []
    assert max(begun.values()) == 1
