"""The settings of backups: each wrong value names its key and what it must be; secrets never show."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hutch.model.finding import Status
from hutch.providers.backup import provider
from hutch.providers.backup.config import config_from
from hutch.testing import check_provider

GOOD: dict[str, object] = {"url": "postgresql://u:hidden-word@db/shop", "to": "/var/backups", "key": "ab" * 32}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": ""}, "url must be a database address"),
        ({"to": "backups"}, "to must be an absolute folder or s3://BUCKET/PREFIX, not 'backups'"),
        ({"to": "s3://"}, "to must be an absolute folder"),
        ({"to": "s3://UPPER/x"}, "to must be an absolute folder"),
        ({"format": "plain"}, "format must be one of directory, custom"),
        ({"jobs": 0}, "jobs must be a whole number from 1"),
        ({"jobs": True}, "jobs must be a whole number from 1"),
        ({"keep_daily": -1}, "keep_daily must be a whole number from 0"),
        ({"max_age": timedelta(-1)}, "max_age must be a duration"),
        ({"timeout": timedelta(0)}, "timeout must be a duration"),
        ({"schedule": "nightly"}, "schedule must be an interval such as 6h"),
        ({"access_key_id": "x"}, "access_key_id and secret_access_key go together"),
        ({"connect_timeout": 0}, "connect_timeout must be a number of seconds above 0"),
        ({"lock_timeout": "1"}, "lock_timeout must be a number of seconds above 0"),
        ({"point_in_time": {"list": "wal-g"}}, "point_in_time.list must be a list of words"),
        ({"point_in_time": {"drop": ["x"]}}, "point_in_time has 'drop'; known: status, list, backup, restore"),
        ({"point_in_time": ["x"]}, "point_in_time must map"),
        ({"pass_env": "HOME"}, "pass_env must be a list of names"),
        ({"environment": {"A": []}}, "environment must map names to texts"),
    ],
)
def test_a_wrong_value_is_named(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match="backup: ") as found:
        config_from({**GOOD, **wrong})
    assert said in str(found.value)
    assert "hidden-word" not in str(found.value)


def test_what_is_configured_never_shows_a_secret() -> None:
    config = config_from(
        {**GOOD, "old_keys": {"one": "cd" * 32}, "access_key_id": "AKI", "secret_access_key": "sesame"}
    )
    assert not [w for w in ("hidden-word", "abab", "cdcd", "sesame") if w in repr(config)]
    assert config.scratch_url == config.url


def test_each_setting_is_told() -> None:
    assert all(len(s.doc) > 10 for s in provider.settings)
    assert [s.name for s in provider.settings if s.required] == ["url", "to"]


async def test_it_keeps_the_contract_of_providers(tmp_path: Path) -> None:
    """With a server that is not there: error texts are where secrets leak."""
    settings = {
        "url": "postgresql://u:hidden-word@127.0.0.1:9/shop",
        "to": str(tmp_path),
        "key": "ab" * 32,
        "old_keys": {"one": "cd" * 32},
        "access_key_id": "testing-key-id",
        "secret_access_key": "testing-secret",
        "schedule": "6h",
    }
    found = await check_provider(provider, settings)
    assert {f.check: f.status for f in found} == {"backup.age": Status.BAD, "backup.ready": Status.UNKNOWN}
    [cause] = provider.explain(found)
    assert (cause.code, cause.object.id, [r.action for r in cause.remedies]) == (
        "backup.overdue",
        "shop",
        ["backup.create"],
    )
