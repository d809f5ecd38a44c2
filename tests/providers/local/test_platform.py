"""The local provider against the real platform: a real deployment, seen, rolled back and verified."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hutch.model.action import Result, Verified
from hutch.model.finding import Status
from hutch.ports import Connection, TargetConfig
from hutch.providers.http import provider as http
from hutch.providers.local import provider

Ready = Mapping[str, Any]


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    """The ready file of a platform that ends with its standard input."""
    folder = Path(tempfile.mkdtemp(prefix="hutch-local-"))
    folder.chmod(0o755)
    words = [sys.executable, "-m", "rolerabbit", "platform", "run", "--data", str(folder / "data"), "--replicas", "2"]
    words += ["--ready-file", str(folder / "ready.json"), "--exit-on-eof"]
    output = (folder / "output").open("wb")
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield _wait(folder, process)
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(30)
        output.close()
        shutil.rmtree(folder)


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> Ready:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "ready.json").exists():
            found: Ready = json.loads((folder / "ready.json").read_text())
            return found
        time.sleep(0.1)
    pytest.fail(f"the platform did not start: {(folder / 'output').read_text()}")


def post(ready: Ready, path: str, body: Mapping[str, object]) -> None:
    headers = {"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"}
    request = urllib.request.Request(ready["api_url"] + path, json.dumps(body).encode(), headers)
    urllib.request.urlopen(request, timeout=60).close()


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def connection(ready: Ready) -> Connection:
    return provider.open(TargetConfig("web", {"url": ready["api_url"], "token": ready["token"]}, now))


async def test_a_release_is_seen_rolled_back_and_verified(ready: Ready, connection: Connection) -> None:
    post(ready, "/releases", {"id": "43"})
    before = now()
    await asyncio.to_thread(post, ready, "/deployments", {"release": "43"})
    assert connection.changes
    change = (await connection.changes())[-1]
    assert (change.id, change.previous) == ("43", "42")
    assert before - timedelta(milliseconds=1) <= change.at <= now()  # the platform writes whole milliseconds
    rollback = connection.actions["deploy.rollback"]
    args = {"to": change.previous, "from": change.id}
    assert (await rollback.preview(args)).hits == 2
    assert (await rollback.verify(args)).verdict is Verified.FAILED
    outcome = await rollback.apply(args)
    assert (outcome.result, outcome.hits) == (Result.DONE, 2)
    assert (await rollback.verify(args)).verdict is Verified.PASSED
    assert (await connection.changes())[-1].summary == "rolled back to 42"
    assert (await rollback.apply(outcome.undo["args"])).result is Result.DONE  # type: ignore[arg-type]


async def test_scaling_and_restarting(connection: Connection) -> None:
    scale, restart = connection.actions["service.scale"], connection.actions["service.restart"]
    outcome = await scale.apply({"replicas": 3})
    assert (await scale.verify({"replicas": 3})).verdict is Verified.PASSED
    back: Any = outcome.undo["args"]
    assert (await scale.apply(back)).result is Result.DONE
    assert (await scale.verify(back)).verdict is Verified.PASSED
    asked = now()
    assert (await restart.apply({})).result is Result.DONE
    assert (await restart.verify({"since": asked.isoformat()})).verdict is Verified.PASSED


async def test_the_platforms_metrics_hold_the_services_and_its_own(ready: Ready, connection: Connection) -> None:
    service = http.open(TargetConfig("web", {"url": ready["app_url"], "metrics": f"{ready['api_url']}/metrics"}, now))
    assert connection.scrape
    assert service.scrape
    assert (await service.checks["http.health"]()).status is Status.OK
    await asyncio.sleep(1.1)
    names = {sample.name: sample.kind for sample in await connection.scrape()}
    assert names["disk_used"] == "gauge"
    assert (names["http_requests_total"], names["http_request_duration_seconds_bucket"]) == ("counter", "bucket")
    assert {"probe_success", "http_requests_total"} <= {sample.name for sample in await service.scrape()}
    assert (await connection.checks["local.replicas"]()).status is Status.OK
