from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from redis import Redis

from hutch.model.finding import Status
from hutch.ports import TargetConfig
from hutch.providers.redis import provider
from hutch.testing import check_provider
from rolerabbit.embedded.valkey import Valkey

FAST = {"timeout": 0.5, "connect_timeout": 0.5, "sample_gap": 0.1}


async def test_it_keeps_the_contract(valkey: Valkey, admin: Redis) -> None:
    admin.config_set("requirepass", "the-right-word")
    for word, status in (("the-right-word", Status.OK), ("the-wrong-word", Status.BAD)):
        url = valkey.url.replace("redis://", f"redis://:{word}@")
        findings = await check_provider(provider, {"url": url, "operator_url": url, **FAST})
        assert {f.status for f in findings} == {status}


async def test_it_keeps_the_contract_without_a_server() -> None:
    for url in ("redis://:the-hidden-word@127.0.0.1:1/0", "unix://:the-hidden-word@/nowhere/redis.sock?db=2"):
        findings = await check_provider(provider, {"url": url, **FAST})
        assert {f.status for f in findings} == {Status.BAD}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": ""}, "redis: url must be an address"),
        ({"url": "http://:the-word@127.0.0.1"}, "redis: the address can't be read"),
        ({"url": "redis://:the-word@127.0.0.1:port/0"}, "redis: the address can't be read"),
        ({"operator_url": "redis://127.0.0.1:2/0"}, "redis: url leads to 127.0.0.1:1, operator_url to 127.0.0.1:2"),
        ({"timeout": "long"}, "redis: timeout must be a number above 0, not 'long'"),
        ({"memory_warn": 0}, "redis: memory_warn must be a number above 0, not 0"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        provider.open(TargetConfig("shop", {"url": "redis://127.0.0.1:1/0", **settings}, lambda: datetime.now(UTC)))
    assert "the-word" not in str(caught.value)


def test_the_manifest_loads_no_client() -> None:
    code = "import sys, hutch.providers.redis; sys.exit('redis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
