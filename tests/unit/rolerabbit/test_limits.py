from __future__ import annotations

import pytest

from rolerabbit import limits
from rolerabbit.addresses import network_of
from rolerabbit.config import LIMITS, ConfigError, Limit, read_settings
from rolerabbit.limits import Windows

KEY = f"k-1:{'A' * 43}="
URL = {"DATABASE_URL": "postgresql://x", "JWT_KEYS": KEY, "ENCRYPTION_KEYS": KEY}


def test_a_window_begins_with_its_first_occurrence() -> None:
    now = [100.0]
    windows = Windows(lambda: now[0])
    assert windows.count("a", 60) == (1, 60)
    now[0] += 20
    assert windows.count("a", 60) == (2, 40)
    assert windows.count("b", 60) == (1, 60)
    now[0] += 40
    assert windows.count("a", 60) == (1, 60)


def test_what_is_taken_back_never_goes_below_nothing() -> None:
    windows = Windows(lambda: 0.0)
    windows.take_back("a")
    windows.count("a", 60)
    windows.take_back("a")
    windows.take_back("a")
    assert windows.count("a", 60)[0] == 1


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "KEPT", 2)
    now = [0.0]
    windows = Windows(lambda: now[0])
    windows.count("old", 1)
    now[0] = 5
    windows.count("kept", 60)
    windows.count("new", 60)
    assert windows.count("kept", 60)[0] == 2
    windows.count("one too many", 60)
    assert windows.count("kept", 60)[0] == 1


def test_limits_come_from_the_environment() -> None:
    found = read_settings({**URL, "RR_LIMIT_LOGIN_ADDRESS": "5/10", "RR_CACHE_SECONDS": "0"})
    assert found.limits == {**LIMITS, "login_address": Limit(5, 10)}
    assert found.cache_seconds == 0


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("RR_LIMIT_EXPORT_ACCOUNT", "5", "RR_LIMIT_EXPORT_ACCOUNT='5': expected COUNT/SECONDS such as 60/60"),
        ("RR_LIMIT_EXPORT_ACCOUNT", "0/60", "expected COUNT/SECONDS"),
        ("RR_LIMIT_EXPORT_ACCOUNT", "5/0", "expected COUNT/SECONDS"),
        ("RR_CACHE_SECONDS", "-1", "RR_CACHE_SECONDS='-1': expected 0 to 300 seconds"),
        ("REDIS_URL", "http://:hush@127.0.0.1", "REDIS_URL is not a Redis URL"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({**URL, name: value})
    assert text in str(caught.value)
    assert "hush" not in str(caught.value)


def test_of_ipv6_the_network_of_a_customer_counts() -> None:
    assert network_of("2001:db8:1:2:3::4") == "2001:db8:1:2::/64"
    assert network_of("198.18.0.1") == "198.18.0.1"
