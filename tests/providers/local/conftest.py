"""Real platforms, each in a scratch folder, that end with the standard input that we hold."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime

import pytest

from hutch.ports import Connection, TargetConfig
from hutch.providers.local import provider
from platform_process import Ready, platform
from platform_process import post as asked_for

Post = Callable[[Ready, str, Mapping[str, object]], None]


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
    return asked_for


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
