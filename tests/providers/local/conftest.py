"""Real platforms, each in a scratch folder, that end with the standard input that we hold."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hutch.ports import Connection, TargetConfig
from hutch.providers.local import provider

Ready = Mapping[str, Any]
Post = Callable[[Ready, str, Mapping[str, object]], None]


@contextmanager
def platform(*options: str) -> Iterator[Ready]:
    """The ready file of a running platform."""
    folder = Path(tempfile.mkdtemp(prefix="hutch-local-"))
    folder.chmod(0o755)
    words = [sys.executable, "-m", "rolerabbit", "platform", "run", "--data", str(folder / "data"), *options]
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


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    """A platform of two replicas."""
    with platform("--replicas", "2") as found:
        yield found


@pytest.fixture(scope="module")
def small() -> Iterator[Ready]:
    """A platform of one replica that has one connection."""
    with platform("--replicas", "1", "--pool-size", "1") as found:
        yield found


@pytest.fixture
def post() -> Post:
    """Asks the platform for a change, as an operator does."""

    def send(ready: Ready, path: str, body: Mapping[str, object]) -> None:
        headers = {"Authorization": f"Bearer {ready['token']}", "Content-Type": "application/json"}
        request = urllib.request.Request(ready["api_url"] + path, json.dumps(body).encode(), headers)
        urllib.request.urlopen(request, timeout=60).close()

    return send


@pytest.fixture
def at() -> Callable[[Ready], Connection]:
    """Opens the provider at a platform."""

    def opened(ready: Ready) -> Connection:
        settings = {"url": ready["api_url"], "token": ready["token"]}
        return provider.open(TargetConfig("web", settings, lambda: datetime.now(UTC)))

    return opened


@pytest.fixture
def load() -> Callable[[Ready, int], AbstractContextManager[None]]:
    """Visitors, that many requests a second, until the block is left."""

    @contextmanager
    def visitors(ready: Ready, rate: int) -> Iterator[None]:
        words = ["load", "--url", ready["app_url"], "--rate", str(rate), "--seconds", "100", "--exit-on-eof"]
        command = [sys.executable, "-m", "rolerabbit", *words]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2)
            yield
        finally:
            process.communicate()

    return visitors
