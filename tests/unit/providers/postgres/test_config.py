from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hutch.ports import TargetConfig
from hutch.providers.postgres import provider
from hutch.providers.postgres.config import config_from

URL = "postgresql://app:hidden-word@db.example/shop"


def test_the_addresses_never_show() -> None:
    config = config_from({"url": URL, "operator_url": URL})
    assert "hidden-word" not in repr(config)
    assert config.operator_url == URL


def test_defaults_are_those_of_the_settings() -> None:
    config = config_from({"url": URL})
    assert (config.operator_url, config.leak_sessions, config.used_bad) == ("", 5, 95.0)
    assert "pg_dump*" in config.protected_applications


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "url must be a database address"),
        ({"url": URL, "operator_url": 5}, "operator_url must be a database address"),
        ({"url": URL, "leak_sessions": 0}, "leak_sessions must be a number above 0, not 0"),
        ({"url": URL, "used_bad": True}, "used_bad must be a number above 0, not True"),
        ({"url": URL, "protected_roles": "app"}, "protected_roles must be a list of names, not 'app'"),
        ({"url": "postgresqlx//u:hidden-word@h/x"}, "the database address can't be read"),
        ({"url": "postgresql://u:hidden%zz-word@h/x"}, "the database address can't be read"),
        ({"url": URL, "operator_url": "port=hidden-word host"}, "the database address can't be read"),
    ],
)
def test_a_bad_setting_is_named_and_no_secret_shown(settings: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=r"^postgres: ") as caught:
        provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
    assert said in str(caught.value)
    assert "hidden" not in str(caught.value)


def test_opening_does_not_connect_and_names_the_target_without_its_password() -> None:
    settings = {"url": "postgresql://app:hidden-word@127.0.0.1:1/shop"}
    connection = provider.open(TargetConfig("shop", settings, lambda: datetime.now(UTC)))
    assert connection.target == "127.0.0.1:1/shop"
    assert "hidden-word" not in repr(connection)


@pytest.mark.parametrize(
    ("pattern", "expected"), [("*Backup*", "%backup%"), ("100%", r"100\%"), ("a_b", r"a\_b"), ("a\\b", "a\\\\b")]
)
def test_patterns_mean_themselves_but_for_the_star(pattern: str, expected: str) -> None:
    settings = {"url": "postgresql://a@h/d", "protected_applications": [pattern]}
    assert expected in config_from(settings).protection()["protected_applications"]  # type: ignore[operator]
