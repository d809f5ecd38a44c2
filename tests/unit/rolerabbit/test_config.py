"""Settings from the environment."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from rolerabbit.config import ConfigError, read_settings

URL = "postgresql://rabbit:hush@127.0.0.1:5432/rolerabbit"
KEY = f"k-1:{'A' * 43}="
KEYS = {"JWT_KEYS": KEY, "ENCRYPTION_KEYS": KEY}


def test_defaults() -> None:
    found = read_settings({**KEYS, "DATABASE_URL": URL})
    assert (found.environment, found.pool_size, found.pool_timeout, found.fault) == ("production", 10, 2.0, "")
    assert found.redis_url is None
    assert found.trusted_proxies == ()


def test_every_variable_is_read() -> None:
    found = read_settings(
        {
            "DATABASE_URL": URL,
            "RR_ENV": "development",
            "RR_RELEASE": "43",
            "RR_POOL_SIZE": "4",
            "RR_POOL_TIMEOUT": "0.5",
            "RR_FAULT": "leak",
            "REDIS_URL": "redis://127.0.0.1:6379/0",
            "TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "SMTP_URL": "smtp://127.0.0.1:2525",
            "RR_MAIL_PER_SECOND": "7",
            "RR_MEMORY_MB": "512",
            "RR_CPU_UNITS": "1024",
        }
    )
    assert (found.environment, found.release, found.pool_size) == ("development", "43", 4)
    assert (found.pool_timeout, found.fault, found.redis_url) == (0.5, "leak", "redis://127.0.0.1:6379/0")
    assert (found.smtp_url, found.mail_per_second) == ("smtp://127.0.0.1:2525", 7)
    assert (found.memory_mb, found.cpu_units) == (512, 1024)
    assert found.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1"))


def test_sessions_carry_the_release() -> None:
    found = read_settings({**KEYS, "DATABASE_URL": URL, "RR_RELEASE": "43"})
    assert found.connect_options["application_name"] == "rolerabbit-api/43"


def test_the_password_is_not_in_the_representation() -> None:
    assert "hush" not in repr(read_settings({**KEYS, "DATABASE_URL": URL}))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("DATABASE_URL", "mysql://x", "DATABASE_URL is not a Postgres URL"),
        ("RR_ENV", "staging", "RR_ENV='staging': expected one of 'development', 'production'"),
        ("RR_FAULT", "fire", "RR_FAULT='fire': expected one of '', 'leak', 'errors'"),
        ("RR_MEMORY_MB", "64", "RR_MEMORY_MB='64': expected 0, or MiB from 256"),
        ("RR_POOL_SIZE", "0", "RR_POOL_SIZE='0': expected a whole number from 1 to 1000"),
        ("RR_POOL_SIZE", "ten", "RR_POOL_SIZE='ten'"),
        ("RR_POOL_TIMEOUT", "nan", "RR_POOL_TIMEOUT='nan': expected seconds above 0 and at most 60"),
        ("RR_RELEASE", "a b", "RR_RELEASE='a b'"),
        ("RR_RELEASE", "x" * 41, "expected at most 40 letters"),
        ("TRUSTED_PROXIES", "10.0.0.0/99", "TRUSTED_PROXIES='10.0.0.0/99': expected networks"),
    ],
)
def test_a_bad_value_is_named(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({**KEYS, "DATABASE_URL": URL, name: value})
    assert message in str(caught.value)


def test_a_bad_database_url_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as caught:
        read_settings({"DATABASE_URL": "mysql://rabbit:hush@host/db"})
    assert "hush" not in str(caught.value)


def test_without_keys_only_development_starts_and_a_wrong_one_is_not_repeated() -> None:
    for name in KEYS:
        others = {key: value for key, value in KEYS.items() if key != name}
        with pytest.raises(ConfigError, match=f"{name} is not set: make a key with `rolerabbit keys new`"):
            read_settings({**others, "DATABASE_URL": URL})
        with pytest.raises(ConfigError, match=f"{name}: key 1 has no id") as refused:
            read_settings({**KEYS, "DATABASE_URL": URL, name: "hush"})
        assert "hush" not in str(refused.value)
    one, other = (read_settings({"DATABASE_URL": URL, "RR_ENV": "development"}) for _ in range(2))
    assert one.jwt_keys != other.jwt_keys


@pytest.mark.parametrize("url", ["smtps://host", "smtp://", "host:25"])
def test_a_mail_server_is_named_by_its_address(url: str) -> None:
    with pytest.raises(ConfigError, match="SMTP_URL is no address of a mail server"):
        read_settings({**KEYS, "DATABASE_URL": URL, "SMTP_URL": url})
