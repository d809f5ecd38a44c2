"""The Redis probe against a real server."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime

import pytest

from hutch.model.probe import Probed
from hutch.ports import ProbeTarget
from hutch.providers.redis.probe import kind
from rolerabbit.embedded.valkey import Valkey


async def look(url: str, timeout: float = 1.0) -> Probed:
    kind.check(url, {})
    return await kind.open(ProbeTarget(url, {}, timeout, lambda: datetime.now(UTC)))()


async def test_a_server_that_answers_and_one_that_is_gone(valkey: Valkey) -> None:
    seen = await look(valkey.url)
    assert (seen.success, seen.detail, seen.cause) == (True, "PONG", "")
    assert list(seen.phases) == ["connect", "first_byte", "total"]
    assert 0 < seen.phases["connect"] < seen.phases["total"]
    valkey.stop()
    gone = await look(valkey.url)
    assert (gone.success, gone.cause, gone.answered) == (False, "redis.unreachable", False)


async def test_a_server_that_is_silent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        seen = await look(f"redis://:hunter22@127.0.0.1:{silent.getsockname()[1]}/0", timeout=0.3)
        assert time.monotonic() - began < 1.0
    assert (seen.success, seen.cause) == (False, "redis.unreachable")
    assert "hunter22" not in repr(seen)


def test_what_is_no_address() -> None:
    with pytest.raises(ValueError, match="can't be read"):
        kind.open(ProbeTarget("http://:hunter22@x", {}, 1.0, lambda: datetime.now(UTC)))
