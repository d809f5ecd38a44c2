"""``hutch block`` and ``hutch restrict`` on the service's own tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hutch.cli.main import cli
from hutch.providers.audit import provider

ATTACKER = "198.18.0.7"


@pytest.fixture
def home(service: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    audit = {"url": {"env": "WATCHER"}, "operator_url": {"env": "OPERATOR"}, "protected": ["203.0.113.0/24"]}
    (tmp_path / "hutch.yaml").write_text(
        yaml.safe_dump({"mode": "act", "services": {"shop": {"audit": audit}, "site": {}}})
    )
    monkeypatch.setenv("WATCHER", service.url("watcher"))
    monkeypatch.setenv("OPERATOR", service.url("operator"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def rows(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(*words, "--json").output)["rows"]
    return found


def test_an_address_is_blocked_listed_and_released(home: Path, service: Any) -> None:
    waits = said("block", "add", ATTACKER, "--for", "2h", "--reason", "tries passwords")
    assert (waits.exit_code, service.count("ip_blocklist")) == (4, 0)
    added = said("block", "add", ATTACKER, "--for", "2h", "--reason", "tries passwords", "--yes")
    assert (added.exit_code, service.count("ip_blocklist")) == (0, 1), added.output
    [row] = rows("block", "list")
    assert (row["address"], row["reason"], row["times"], row["stands"]) == (ATTACKER, "tries passwords", 1, True)
    assert f"{ATTACKER}  in " in said("block", "list").output
    assert said("block", "release", ATTACKER, "--yes").exit_code == 0
    assert said("block", "list").output == "nothing is blocked\n"
    [ended] = rows("block", "list", "--days", "1")
    assert (ended["stands"], service.count("ip_blocklist")) == (False, 1)


def test_a_repeat_is_blocked_for_longer_each_time_up_to_the_bound(home: Path, service: Any) -> None:
    lasted = []
    for _ in range(5):
        assert said("block", "add", ATTACKER, "--yes").exit_code == 0
        [[length]] = service.admin.execute("select max(blocked_until - now()) from ip_blocklist")
        lasted.append(round(length.total_seconds() / 60))
        assert said("block", "release", ATTACKER, "--yes").exit_code == 0
    assert lasted == [1440, 2880, 5760, 10080, 10080]
    [ended] = rows("block", "list", "--days", "1")
    assert ended["times"] == 5


async def test_the_diagnosis_proposes_the_longer_block_for_a_repeat(service: Any, target: Any) -> None:
    service.admin.execute(
        "insert into ip_blocklist (ip_address, reason, blocked_until, created_at)"
        " values (%s, 'before', now() - interval '1 hour', now() - interval '1 day')", [ATTACKER],
    )  # fmt: skip
    for account in service.users(30):
        service.failures(ATTACKER, account, 2, ago=10)
    async with target() as connection:
        [cause] = provider.explain([await connection.checks["audit.logins"]()])
        preview = await connection.actions["block.add"].preview({"address": ATTACKER})
    assert cause.remedies[0].args["minutes"] == 2880
    assert "blocked 1 times before" in str(cause.remedies[0].args["reason"])
    assert "for 2880 min" in preview.summary


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("127.0.0.1", "is this machine itself"),
        ("203.0.113.9", "is protected"),
        ("not-an-address", "neither an address nor a network"),
    ],
)
def test_what_may_not_be_blocked_is_refused_with_the_reason(home: Path, service: Any, address: str, why: str) -> None:
    refused = said("block", "add", address, "--yes")
    assert refused.exit_code not in (0, 4)
    assert why in refused.output
    assert service.count("ip_blocklist") == 0


@pytest.mark.parametrize("lasts", ["90s", "soon", "0m"])
def test_a_length_that_is_no_whole_minutes_is_a_usage_error(home: Path, lasts: str) -> None:
    assert CliRunner().invoke(cli, ["block", "add", ATTACKER, "--for", lasts], standalone_mode=False).exception


def test_blocks_are_exported_for_other_tools(home: Path, service: Any) -> None:
    service.admin.execute(
        "insert into ip_blocklist (ip_address, reason, blocked_until) values"
        " ('198.18.0.7', 'a; deny all', '2099-01-01T00:00Z'), ('2001:db8:0:1::/64', 'b', '2099-01-01T00:00Z'),"
        " ('198.18.0.0/28', 'c', '2099-01-01T00:00Z'), ('198.18.9.9', 'over', now() - interval '1 hour')"
    )
    exported = {style: said("block", "export", "--format", style).output for style in ("plain", "nginx", "aws-waf")}
    assert exported["plain"] == "198.18.0.0/28\n198.18.0.7/32\n2001:db8:0:1::/64\n"
    assert exported["nginx"].splitlines()[1] == "deny 198.18.0.7/32;  # until 2099-01-01T00:00Z"
    assert json.loads(exported["aws-waf"]) == {
        "IPV4": ["198.18.0.0/28", "198.18.0.7/32"], "IPV6": ["2001:db8:0:1::/64"],
    }  # fmt: skip
    banned = said("block", "export", "--format", "fail2ban").output.splitlines()
    assert banned[1] == 'fail2ban-client set "${JAIL:?name the jail}" banip 198.18.0.7/32'
    assert "deny all" not in "".join((*exported.values(), *banned))


def test_an_account_is_restricted_listed_and_freed(home: Path, service: Any) -> None:
    [account] = service.users(1)
    added = said("restrict", "add", str(account), "--kind", "login", "--for", "3h", "--yes")
    assert added.exit_code == 0, added.output
    [row] = rows("restrict", "list")
    assert (row["account"], row["kind"], row["stands"]) == (str(account), "login", True)
    assert row["email"].startswith("p•••@")
    assert said("restrict", "release", str(account), "--yes").exit_code == 0
    assert said("restrict", "list").output == "no account is restricted\n"


def test_a_service_without_such_tables_says_what_is_missing(home: Path) -> None:
    refused = CliRunner().invoke(cli, ["block", "list", "--service", "site"], standalone_mode=False)
    assert "services.site has no audit: block" in str(refused.exception)
